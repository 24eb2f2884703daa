import { describe, expect, test } from "vitest";
import type { Ratios, Usage } from "../api/types";
import { limitOf, sharesOf, whyNoRatio, whyNull } from "./metric";

const well = { state: "ok", reason: "", ageSeconds: 3 } as const;
const noRatios: Ratios = { cpuOfRequest: null, cpuOfLimit: null, cpuOfAllocatable: null, memoryOfRequest: null, memoryOfLimit: null, memoryOfAllocatable: null };

function usage(values: Partial<Usage>): Usage {
  const pressure = { cpuSome: null, memorySome: null, memoryFull: null, ioSome: null, ioFull: null };
  return {
    overSeconds: null, cpuMillicores: null, memoryBytes: null, memoryRSSBytes: null, memoryCacheBytes: null, memorySwapBytes: null, diskReadBytes: null, diskWriteBytes: null,
    diskReadBytesPerSecond: null, diskWriteBytesPerSecond: null, networkRxBytes: null, networkTxBytes: null, networkRxBytesPerSecond: null, networkTxBytesPerSecond: null,
    cpuThrottledRatio: null, oomKills: null, pids: null, pressure, ...values,
  };
}

test.each<[Record<string, string>, string, string]>([
  [{ cpuMillicores: "first", usage: "all" }, "cpuMillicores", "first"],
  [{ pressure: "no PSI" }, "pressure.ioSome", "no PSI"],
  [{ usage: "all" }, "memoryBytes", "all"],
  [{}, "memoryBytes", "late"],
])("of %j, %s is null because: %s", (unavailable, name, want) => expect(whyNull({ unavailable, status: { ...well, state: "stale", reason: "late" } }, name)).toBe(want));

describe("the limit of a sum", () => {
  const limits = { cpuMillicores: 2000, memoryBytes: null };
  const sum = { usage: usage({ cpuMillicores: 500 }), ratios: noRatios, limits, status: well };
  test("is its parts'", () => expect(limitOf({ ...sum, ratios: { ...noRatios, cpuOfLimit: 0.25 } }, "cpuMillicores")).toEqual({ value: 2000, why: "" }));
  test("is none where some part has none", () => expect(limitOf(sum, "cpuMillicores")).toEqual({ value: null, why: "not all have a limit" }));
  test("is none where nothing is set", () => expect(limitOf(sum, "memoryBytes")).toEqual({ value: null, why: "no limit is set" }));
  test("cannot be told without the use", () =>
    expect(limitOf({ ...sum, usage: null, unavailable: { usage: "no pod reports" } }, "cpuMillicores")).toEqual({ value: null, why: "no pod reports" }));
});

describe("a ratio is null", () => {
  const unavailable = { cpuMillicores: "there is no rate before the second sample" };
  test("before there is a rate", () => expect(whyNoRatio({ usage: usage({ memoryBytes: 1 }), unavailable }, "cpuOfRequest", "unset")).toBe(unavailable.cpuMillicores));
  test("where nothing is set", () => expect(whyNoRatio({ usage: usage({ memoryBytes: 1 }), unavailable }, "memoryOfRequest", "unset")).toBe("unset"));
  test("without a sample", () => expect(whyNoRatio({ usage: null, unavailable: { usage: "down" } }, "memoryOfLimit", "unset")).toBe("down"));
  test("of requests, which nobody measures", () => expect(whyNoRatio({ usage: null, unavailable: { usage: "down" } }, "memoryRequestOfAllocatable", "unset")).toBe("unset"));
});

test("what is used of what is allocatable is the hub's to say", () => {
  expect(sharesOf({ ...noRatios, cpuOfAllocatable: 0.295, cpuRequestOfAllocatable: 0.4 }, "cpuMillicores")).toEqual({ used: 0.295, requested: 0.4 });
  expect(sharesOf(null, "memoryBytes")).toEqual({ used: null, requested: null });
});
