import { expect, test } from "vitest";
import type { Series } from "../api/types";
import { bytesPerSecond } from "../format/number";
import { nodeCharts, type Past, podCharts, summaryOf } from "./charts";

const none = [null, null, null];
const pressure = { cpuSome: none, memorySome: none, memoryFull: none, ioSome: none, ioFull: none };
const series = (columns: Partial<Series>): Series => ({ times: [1, 2, 3], cpuMillicores: none, memoryBytes: none, pressure, ...columns });
const past = (columns: Partial<Series>): Past => ({
  usage: null, status: { state: "ok", reason: "", ageSeconds: 1 }, unavailable: { pressure: "PSI is not enabled in this kernel" }, series: series(columns),
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
  expect(cpu && summaryOf(cpu)).toBe("CPU. used: now 250m, between 100m and 250m");
});
