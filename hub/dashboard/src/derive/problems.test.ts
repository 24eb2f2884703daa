import { describe, expect, test } from "vitest";
import type { Container, Node, Pod, Status } from "../api/types";
import { type Evidence, findings } from "./problems";

const well = { state: "ok", reason: "", ageSeconds: 3 } as const;
const none: Evidence = { nodes: [], nearLimit: [], throttled: [], killed: [], windowSeconds: 3600, stalled: [], status: null };

const node = (rest: Partial<Node>): Node => ({ kind: "Node", name: "n1", status: well, usage: null, ratios: null, ...rest });
const ratios = (share: number) => ({
  cpuOfRequest: null, cpuOfLimit: null, cpuOfAllocatable: share, memoryOfRequest: null, memoryOfLimit: share, memoryOfAllocatable: null,
});
const container = (rest: Partial<Container>): Container => ({ kind: "Container", name: "web", namespace: "shop", pod: "web-1", status: well, usage: null, ratios: null, ...rest });
function killed(...oomKills: (number | null)[]): Pod {
  // Only the count was asked for.
  const series = { oomKills } as unknown as NonNullable<Pod["series"]>;
  return { kind: "Pod", name: "web-1", namespace: "shop", status: well, usage: null, ratios: null, series };
}

// Only what was asked for is there.
const throttled = (cpuThrottledRatio: number | null) => container({ usage: { cpuThrottledRatio } as NonNullable<Container["usage"]> });
function stalled(memorySome: number | null, ioSome: number | null): Pod {
  const usage = { pressure: { memorySome, ioSome } } as NonNullable<Pod["usage"]>;
  return { kind: "Pod", name: "web-1", namespace: "shop", status: well, usage, ratios: null };
}

describe("findings", () => {
  test("a node that is down says why, without the address", () => {
    const status = { state: "down", reason: "get https://10.0.0.7:10290/snapshot: EOF", ageSeconds: 40 } as const;
    expect(findings({ ...none, nodes: [node({ status })] }).map(({ text }) => text)).toEqual(["EOF"]);
  });

  test.each<[string, Partial<Evidence>, [string, string][]]>([
    ["nothing", {}, []],
    ["a node that is well", { nodes: [node({ ratios: ratios(0.5) })] }, []],
    ["a node that is down", { nodes: [node({ status: { state: "down", reason: "no answer", ageSeconds: 40 } })] }, [["full", "Node down"]]],
    ["a node that is stale", { nodes: [node({ status: { state: "stale", reason: "late", ageSeconds: 12 } })] }, [["high", "Node stale"]]],
    ["a busy node", { nodes: [node({ ratios: ratios(0.85) })] }, [["high", "Node CPU"]]],
    ["containers near their limit", { nearLimit: [container({ ratios: ratios(0.95) }), container({ ratios: ratios(0.82) }), container({ ratios: ratios(0.5) })] }, [["full", "Memory limit"], ["high", "Memory limit"]]],
    ["throttled containers", { throttled: [throttled(0.55), throttled(0.3), throttled(0.2), throttled(null)] }, [["full", "Throttled"], ["high", "Throttled"]]],
    ["pods that wait for memory and disks", { stalled: [stalled(0.12, 0.45), stalled(0.09, 0.09), stalled(null, null)] }, [["full", "Disk stall"], ["high", "Memory stall"]]],
    ["kills in the window", { killed: [killed(1, 2, 3)] }, [["full", "OOM kill"]]],
    ["kills before it", { killed: [killed(3, 3)] }, []],
    ["a pod made anew after kills before it", { killed: [killed(5, 5, 0, 0)] }, []],
    ["kills that are not known", { killed: [killed(null, null), killed()] }, []],
  ])("%s", (_name, evidence, want) => expect(findings({ ...none, ...evidence }).map(({ level, kind }) => [level, kind])).toEqual(want));

  test.each<[Pod, number, string]>([
    [killed(0, 1), 3600, "once in the last 1 h"],
    [killed(5, 6, 0, 2), 1800, "3 times in the last 30 min"],
  ])("how often", (pod, windowSeconds, want) => expect(findings({ ...none, killed: [pod], windowSeconds })[0]?.text).toBe(want));

  test("the worst come first", () => {
    const all = findings({ ...none, nodes: [node({ ratios: ratios(0.81) }), node({ name: "n2", status: { state: "down", reason: "", ageSeconds: null } })] });
    expect(all.map(({ name }) => name)).toEqual(["n2", "n1"]);
  });

  test("a hub without its API server", () => {
    const status = { kubernetes: { configured: true, connected: false, error: "refused" } } as Status;
    expect(findings({ ...none, status })[0]?.text).toContain("refused");
    expect(findings({ ...none, status: { ...status, kubernetes: { configured: false, connected: false } } })).toEqual([]);
  });
});
