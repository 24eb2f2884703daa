import { expect, test } from "vitest";
import type { Chart, Line } from "../derive/charts";
import { cpu } from "../format/number";
import { isNear } from "./plot";

const limit: Line = { label: "limit", kind: "limit", values: [1000, 1000] };

function chartOf(used: (number | null)[]): Chart {
  return { id: "cpu", title: "CPU", format: cpu, times: used.map((_, i) => i), lines: [{ label: "used", kind: "use", values: used }, limit], marks: [], missing: "" };
}

test.each<[string, (number | null)[], boolean]>([
  ["far above what is used", [10, 20], false],
  ["what use has grown to", [10, 400], true],
  ["a gap counts for nothing", [null, 400], true],
  ["nothing is known to be used", [null, null], false],
  ["as many rounds as there may be", Array.from({ length: 200_000 }, (_, i) => i / 400), true],
])("a bound: %s", (_, used, want) => expect(isNear(limit, chartOf(used))).toBe(want));
