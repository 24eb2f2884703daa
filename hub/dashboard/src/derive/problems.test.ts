import { describe, expect, test } from "vitest";
import type { Container, Node, Pod, Status } from "../api/types";
import { type Evidence, findings } from "./problems";

const well = { state: "ok", reason: "", ageSeconds: 3 } as const;
const none: Evidence = { nodes: [], nearLimit: [], throttled: [], killed: [], stalled: [], status: null };

const node = (rest: Partial<Node>): Node => ({ kind: "Node", name: "n1", status: well, usage: null, ratios: null, ...rest });
const ratios = (share: number) => ({
  cpuOfRequest: null, cpuOfLimit: null, cpuOfAllocatable: share, memoryOfRequest: null, memoryOfLimit: share, memoryOfAllocatable: null,
});
const container = (rest: Partial<Container>): Container => ({ kind: "Container", name: "web", namespace: "shop", pod: "web-1", status: well, usage: null, ratios: null, ...rest });
const extent = (min: number | null, max: number | null) => ({ min, avg: null, p95: null, max });

function killed(min: number | null, max: number | null): Pod {
  const summary = { oomKills: extent(min, max) } as unknown as NonNullable<Pod["summary"]>;
  return { kind: "Pod", name: "web-1", namespace: "shop", status: well, usage: null, ratios: null, summary };
}

describe("findings", () => {
  test.each<[string, Partial<Evidence>, [string, string][]]>([
    ["nothing", {}, []],
    ["a node that is well", { nodes: [node({ ratios: ratios(0.5) })] }, []],
    ["a node that is down", { nodes: [node({ status: { state: "down", reason: "no answer", ageSeconds: 40 } })] }, [["full", "Node down"]]],
    ["a node that is stale", { nodes: [node({ status: { state: "stale", reason: "late", ageSeconds: 12 } })] }, [["high", "Node stale"]]],
    ["a busy node", { nodes: [node({ ratios: ratios(0.85) })] }, [["high", "Node CPU"]]],
    ["containers near their limit", { nearLimit: [container({ ratios: ratios(0.95) }), container({ ratios: ratios(0.82) }), container({ ratios: ratios(0.5) })] }, [["full", "Memory limit"], ["high", "Memory limit"]]],
    ["kills in the hour", { killed: [killed(1, 3)] }, [["full", "OOM kill"]]],
    ["kills before it", { killed: [killed(3, 3)] }, []],
    ["kills that are not known", { killed: [killed(null, null)] }, []],
  ])("%s", (_name, evidence, want) => expect(findings({ ...none, ...evidence }).map(({ level, kind }) => [level, kind])).toEqual(want));

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
