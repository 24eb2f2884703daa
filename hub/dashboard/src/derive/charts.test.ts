import { expect, test } from "vitest";
import type { Series } from "../api/types";
import { bytesPerSecond } from "../format/number";
import { byPodCharts, heightsOf, nodeCharts, type Past, podCharts, sumCharts, summaryOf } from "./charts";

const none = [null, null, null];
const pressure = { cpuSome: none, memorySome: none, memoryFull: none, ioSome: none, ioFull: none };
const series = (columns: Partial<Series>): Series => ({ times: [1, 2, 3], cpuMillicores: none, memoryBytes: none, pressure, ...columns });
const past = (columns: Partial<Series>): Past => ({
  usage: null, status: { state: "ok", reason: "", ageSeconds: 1 }, unavailable: { pressure: "PSI is not enabled in this kernel" }, ratios: null, series: series(columns),
});

const container = (name: string, columns: Partial<Series>, limit: number | null) => ({
  name, restarts: 0, usage: null, ratios: null, limits: { cpuMillicores: limit, memoryBytes: null }, series: series(columns),
});

test("what a kernel does not have says why", () => {
  const chart = nodeCharts(past({ cpuMillicores: [1, 2, 3] }), bytesPerSecond).find(({ id }) => id === "pressure");
  expect(chart?.missing).toBe("PSI is not enabled in this kernel");
});

test("a gap stays one", () => {
  const chart = nodeCharts(past({ cpuMillicores: [100, null, 300] }), bytesPerSecond).find(({ id }) => id === "cpu");
  expect(chart?.lines[0]?.values).toEqual([100, null, 300]);
});

test("a pod has a line for each container, and its limit", () => {
  const [cpu] = podCharts(past({ cpuMillicores: [3, 3, 3] }), [container("web", { cpuMillicores: [1, 2, 3] }, 500), container("proxy", { cpuMillicores: [1, 1, 1] }, null)], bytesPerSecond);
  expect(cpu?.lines.map(({ label, kind, colour }) => [label, kind, colour])).toEqual([["web", "use", 0], ["web limit", "limit", 0], ["proxy", "use", 1]]);
});

test("of more containers than can be told apart there are no bounds, and the smallest are one", () => {
  const many = Array.from({ length: 14 }, (_, i) => container(`c${i}`, { cpuMillicores: [i, i, i] }, 500));
  const [cpu] = podCharts(past({ cpuMillicores: [91, 91, 91] }), many, bytesPerSecond);
  expect(cpu?.lines.map(({ label, values }) => [label, values[2]])).toEqual([
    ["c7", 7], ["c8", 8], ["c9", 9], ["c10", 10], ["c11", 11], ["c12", 12], ["c13", 13], ["others (7)", 21],
  ]);
  expect(podCharts(past({ cpuMillicores: [6, 6, 6] }), many.slice(0, 4), bytesPerSecond)[0]?.lines.map(({ kind }) => kind)).toEqual(["use", "use", "use", "use"]);
});

test("each chart of a sum tells when pods were missing in it", () => {
  const charts = sumCharts(past({ cpuMillicores: [3, 2, 2], memoryBytes: [3, 2, 2], reporting: [3, 2, 2], count: [3, 3, 3] }), bytesPerSecond);
  expect(charts.map(({ lacks }) => lacks)).toEqual(charts.map(() => [{ from: 2, to: 3, reporting: 2, count: 3 }]));
  expect(charts[0] && summaryOf(charts[0], true)).toMatch(/; 2 of 3 pods report since /);
});

test("a workload's pods have a line each, and what was killed has its pod's name", () => {
  const old = { name: "web-a", series: series({ cpuMillicores: [1, 2, 3], oomKills: [0, 1, 1] }) };
  const late = { name: "web-b", series: { ...series({ cpuMillicores: [7], memoryBytes: [70] }), times: [3] } };
  const charts = byPodCharts([old, late], "no sample");
  expect(charts.map(({ id, lines, missing }) => [id, lines.map(({ label, values }) => [label, values]), missing])).toEqual([
    ["cpu-pods", [["web-a", [1, 2, 3]], ["web-b", [null, null, 7]]], ""],
    ["memory-pods", [["web-a", none], ["web-b", [null, null, 70]]], ""],
  ]);
  expect(charts[1]?.marks).toEqual([{ time: 2, kind: "oom", text: "web-a: OOM kill" }]);
  expect(byPodCharts([], "not answered yet").map(({ missing }) => missing)).toEqual(["not answered yet", "not answered yet"]);
});

test("a container's history is put on the pod's times", () => {
  const late = { ...container("web", { cpuMillicores: [7] }, null), series: { ...series({ cpuMillicores: [7] }), times: [3] } };
  const [cpu] = podCharts(past({ cpuMillicores: [1, 2, 7] }), [late], bytesPerSecond);
  expect(cpu?.lines[0]?.values).toEqual([null, null, 7]);
});

test("a pod whose containers are not known has its own line", () => {
  const [cpu] = podCharts(past({ cpuMillicores: [1, 2, 3] }), [], bytesPerSecond);
  expect(cpu?.lines.map(({ label }) => label)).toEqual(["pod"]);
});

test("a chart in words", () => {
  const [cpu] = nodeCharts(past({ cpuMillicores: [100, null, 250] }), bytesPerSecond);
  expect(cpu && summaryOf(cpu, true)).toBe("CPU. used: now 250m, between 100m and 250m");
});

const modes = (columns: Partial<NonNullable<Series["cpuMillicoresByMode"]>>) => ({
  cpuMillicoresByMode: { user: none, system: none, irq: none, steal: none, iowait: none, idle: none, ...columns },
});
const modesOf = (of: Past) => nodeCharts(of, bytesPerSecond).find(({ id }) => id === "cpu-modes");

test("modes of the CPU are stacked, and what is idle beside them is said alone", () => {
  const chart = modesOf(past(modes({ user: [100, 200, 300], system: [10, 20, 30], steal: [1, null, 3], iowait: [5, 5, null], idle: [700, 600, 500] })));
  expect(chart?.lines.map(({ label, kind, colour }) => [label, kind, colour])).toEqual([
    ["user", "use", 0], ["system", "use", 1], ["stolen", "use", 3], ["waiting for disks", "use", 4], ["idle", "rest", 5],
  ]);
  expect(chart && heightsOf(chart)).toEqual([[100, 200, 300], [110, 220, 330], [111, null, 333], [116, null, null], [700, 600, 500]]);
  expect(chart && summaryOf(chart, true)).toContain("waiting for disks: now unknown, between 5m and 5m; idle: now 500m, between 500m and 700m");
});

test("a node whose modes nobody knows says why", () => {
  const why = { unavailable: { cpuMillicoresByMode: "the node is nested in another machine" } };
  expect(modesOf({ ...past(modes({})), ...why })?.missing).toBe("the node is nested in another machine");
  expect(modesOf({ ...past({}), ...why })?.missing).toBe("the node is nested in another machine");
});

test("a sum has a limit where all its parts have one", () => {
  const ratios = { cpuOfRequest: null, cpuOfLimit: null, cpuOfAllocatable: null, memoryOfRequest: null, memoryOfLimit: 0.5, memoryOfAllocatable: null };
  const usage = { cpuMillicores: 3, memoryBytes: 3 } as NonNullable<Past["usage"]>;
  const limits = { cpuMillicores: 2000, memoryBytes: 6 };
  const charts = sumCharts({ ...past({ cpuMillicores: [1, 2, 3], memoryBytes: [1, 2, 3] }), usage, limits, ratios }, bytesPerSecond);
  expect(charts.slice(0, 2).map(({ lines }) => lines.map(({ label }) => label))).toEqual([["used"], ["working set", "limit"]]);
});
