import { describe, expect, test } from "vitest";
import type { Series } from "../api/types";
import { killsIn, merged, oomKills, restarts } from "./marks";

function series(columns: Partial<Series>): Series {
  const known = (columns.cpuMillicores ?? columns.oomKills ?? []).length;
  const none = Array.from({ length: known }, () => null);
  return {
    times: none.map((_, i) => i * 10), cpuMillicores: none, memoryBytes: none,
    pressure: { cpuSome: none, memorySome: none, memoryFull: none, ioSome: none, ioFull: none }, ...columns,
  };
}

describe("OOM kills", () => {
  test.each<[(number | null)[], [number, string][]]>([
    [[0, 0, 0], []],
    [[4, 4, 5, 5], [[20, "OOM kill"]]],
    [[0, null, 2], [[20, "2 OOM kills"]]],
    [[null, 3, 3], []],
    [[3, 0, 0], []],
  ])("%j", (column, want) => expect(oomKills(series({ oomKills: column })).map(({ time, text }) => [time, text])).toEqual(want));
});

test.each<[(number | null)[], number]>([
  [[], 0], [[7, 7], 0], [[4, 5, 5, 7], 3], [[5, 5, 0, 0], 0], [[5, 6, 0, 1], 2], [[null, 2, null, 3], 1],
])("%j are %d kills", (column, want) => expect(killsIn(column)).toBe(want));

describe("restarts", () => {
  test("a count that falls without a rate of CPU", () =>
    expect(restarts(series({ cpuMillicores: [1, 1, null, 1], memoryBytes: [1, 1, 1, 1], diskWriteBytes: [10, 20, 3, 5] }), "web")).toEqual([{ time: 20, kind: "restart", text: "web restarted" }]));
  test("a disk that goes away makes a count fall, and is none", () =>
    expect(restarts(series({ cpuMillicores: [1, 1, 1, 1], memoryBytes: [1, 1, 1, 1], diskWriteBytes: [10, 20, 3, 5] }), "web")).toEqual([]));
  test("counts that fall with the memory, of a container that is known from its birth on", () =>
    expect(restarts(series({ cpuMillicores: [1, 1, 1, 1], memoryBytes: [90, 100, 30, 40], diskWriteBytes: [10, 20, 3, 5] }), "web")).toEqual([{ time: 20, kind: "restart", text: "web restarted" }]));
  test("the same behind a gap", () =>
    expect(restarts(series({ cpuMillicores: [1, 1, null, 1], memoryBytes: [90, 100, null, 40], diskReadBytes: [10, 20, null, 5] }), "web").map(({ time }) => time)).toEqual([30]));
  test("kills that fall, which a group's own never do", () =>
    expect(restarts(series({ cpuMillicores: [1, 1, 1], memoryBytes: [1, 1, 1], oomKills: [1, 1, 0] }), "web").map(({ time }) => time)).toEqual([20]));
  test("less memory alone is none", () =>
    expect(restarts(series({ cpuMillicores: [1, 1, 1], memoryBytes: [100, 100, 10], diskWriteBytes: [10, 20, 20] }), "web")).toEqual([]));
  test("twice", () =>
    expect(restarts(series({ cpuMillicores: [1, null, 1, null], memoryBytes: [1, 1, 1, 1] }), "web").map(({ time }) => time)).toEqual([10, 30]));
  test("memory without a rate of CPU, told once", () =>
    expect(restarts(series({ cpuMillicores: [1, null, null, 1], memoryBytes: [1, 1, 1, 1] }), "web").map(({ time }) => time)).toEqual([10]));
  test("a gap is none", () => expect(restarts(series({ cpuMillicores: [1, null, 1], memoryBytes: [1, null, 1], diskWriteBytes: [5, null, 6] }), "web")).toEqual([]));
  test("nor is the beginning", () => expect(restarts(series({ cpuMillicores: [null, 1], memoryBytes: [1, 1] }), "web")).toEqual([]));
});

test("what happened in one round is one mark", () =>
  expect(merged([{ time: 20, kind: "oom", text: "OOM kill" }, { time: 10, kind: "restart", text: "a" }, { time: 20, kind: "restart", text: "b restarted" }])).toEqual([
    { time: 10, kind: "restart", text: "a" }, { time: 20, kind: "oom", text: "OOM kill, b restarted" },
  ]));
