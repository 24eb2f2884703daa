import { expect, test } from "vitest";
import type { Node, Ratios, Usage } from "../api/types";
import { heats } from "./heat";

const noRatios: Ratios = { cpuOfRequest: null, cpuOfLimit: null, cpuOfAllocatable: null, memoryOfRequest: null, memoryOfLimit: null, memoryOfAllocatable: null };

// A sample with the memory's use, no rate, and the share of time stalled on disks.
function usage(ioSome: number | null): NonNullable<Usage> {
  return { memoryBytes: 1, cpuMillicores: null, pressure: { cpuSome: null, memorySome: null, memoryFull: null, ioSome, ioFull: null } } as NonNullable<Usage>;
}

const node = (rest: Partial<Node>): Node => ({ kind: "Node", name: "n1", status: { state: "ok", reason: "", ageSeconds: 3 }, usage: null, ratios: null, ...rest });

test.each<[string, Partial<Node>, number | null, string]>([
  ["cpu", { ratios: { ...noRatios, cpuOfAllocatable: 0.85 } }, 0.85, "high"],
  ["memory", { ratios: { ...noRatios, memoryOfAllocatable: 0.95 } }, 0.95, "full"],
  ["requests", { ratios: { ...noRatios, cpuRequestOfAllocatable: 0.99 } }, 0.99, "ok"],
  ["io-stall", { usage: usage(0.2) }, 0.2, "high"],
  ["cpu-stall", {}, null, "ok"],
])("coloured by %s", (name, of, value, level) => {
  const heat = heats.find((h) => h.name === name);
  expect([heat?.value(node(of)), heat?.level(value)]).toEqual([value, level]);
});

test("a node without colour says why", () => {
  const dark = node({ usage: usage(null), unavailable: { pressure: "PSI is not enabled", cpuMillicores: "no rate yet" } });
  expect(heats.map((heat) => heat.why(dark))).toEqual([
    "no rate yet", "what is allocatable is not known", "what is allocatable is not known", "PSI is not enabled", "PSI is not enabled", "PSI is not enabled",
  ]);
});
