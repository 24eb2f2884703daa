import { describe, expect, test } from "vitest";
import { count } from "../format/number";
import { clockTime } from "../format/time";
import { type Chart, summaryOf } from "./charts";
import { cut, type Part, partOf } from "./shown";

const times = [10, 20, 30, 40];

test.each<[number, number, Part]>([
  [0, 100, [0, 4]], [20, 30, [1, 3]], [21, 39, [2, 3]], [21, 29, [0, 0]], [41, 90, [0, 0]], [0, 9, [0, 0]], [40, 40, [3, 4]],
])("from %d to %d", (from, to, want) => expect(partOf(times, { from, to })).toEqual(want));

test("there is no part of nothing", () => expect(partOf([], { from: 0, to: 9 })).toEqual([0, 0]));

describe("a chart", () => {
  const chart: Chart = {
    id: "cpu", title: "CPU", format: count, times, missing: "",
    lines: [{ label: "used", kind: "use", values: [1, 9, null, 4] }, { label: "limit", kind: "limit", values: [5, 5, 5, 5] }],
    lacks: [{ from: 10, to: 10, reporting: 1, count: 2 }, { from: 30, to: 40, reporting: 0, count: 2 }],
    marks: [{ time: 10, kind: "oom", text: "OOM kill" }, { time: 30, kind: "restart", text: "web restarted" }],
  };

  test("has what is shown alone", () => {
    const shown = cut(chart, { from: 15, to: 35 });
    expect(shown).toMatchObject({ times: [20, 30], missing: "", marks: [{ time: 30 }], lacks: [{ from: 30 }] });
    expect(shown.lines.map(({ values }) => values)).toEqual([[9, null], [5, 5]]);
    expect(summaryOf(shown, false)).toBe(`CPU. used: at the end unknown, between 9 and 9; limit 5; 0 of 2 pods report since ${clockTime(30)}`);
  });

  test.each([["before the first sample", 0, 9], ["after the last one", 50, 90], ["of a gap", 25, 35]])("%s says that there is nothing", (_name, from, to) =>
    expect(cut(chart, { from, to }).missing).toBe("no sample in the time shown"));

  test("keeps its own reason", () => expect(cut({ ...chart, lines: [], missing: "PSI is not enabled in this kernel" }, { from: 0, to: 9 }).missing).toBe("PSI is not enabled in this kernel"));
});
