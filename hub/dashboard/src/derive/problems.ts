// What is wrong in the cluster, worst first, from what the hub says. Pure.
import type { Container, Node, Pod, Status } from "../api/types";
import { percent, text } from "../format/number";
import { duration } from "../format/time";
import { pathOf } from "../url/use-address";
import { causeOf } from "./cause";
import { bounds, type Level, levelOf } from "./levels";
import { killsIn } from "./marks";

/** A Finding is one thing that is wrong: what, how, and where to look. */
export interface Finding {
  level: Exclude<Level, "ok">;
  /** What kind of trouble, in a word or two. */
  kind: string;
  name: string;
  path: string;
  text: string;
}

/** What problems are looked for in; a part that is not known gives none. */
export interface Evidence {
  nodes: readonly Node[];
  /** Those nearest to their memory limit. */
  nearLimit: readonly Container[];
  /** Those that their CPU limit stopped most. */
  throttled: readonly Container[];
  /** Those with the most OOM kills, each with the history of their count over windowSeconds. */
  killed: readonly Pod[];
  windowSeconds: number;
  /** Those that waited most for memory, or for disks. */
  stalled: readonly Pod[];
  status: Status | null;
}

/** findings returns all that is wrong, the worst first. */
export function findings(evidence: Evidence): Finding[] {
  const all = [
    ...aboutHub(evidence.status),
    ...evidence.nodes.flatMap(aboutNode),
    ...evidence.killed.flatMap((pod) => aboutKills(pod, evidence.windowSeconds)),
    ...evidence.nearLimit.flatMap(aboutLimit),
    ...evidence.throttled.flatMap(aboutThrottling),
    ...evidence.stalled.flatMap(aboutStalls),
  ];
  return [...all.filter((f) => f.level === "full"), ...all.filter((f) => f.level === "high")];
}

function aboutHub(status: Status | null): Finding[] {
  if (!status?.kubernetes.configured || status.kubernetes.connected) return [];
  const error = status.kubernetes.error ?? "no answer";
  return [{ level: "full", kind: "API server", name: "Kubernetes", path: "/status", text: `cannot be reached, so names may be old: ${error}` }];
}

function aboutNode(node: Node): Finding[] {
  const about = { name: node.name, path: pathOf.node(node.name) };
  if (node.status.state !== "ok") {
    const level = node.status.state === "down" ? "full" : "high";
    const kind = node.status.state === "unsupported" ? "Unsupported" : `Node ${node.status.state}`;
    return [{ ...about, level, kind, text: causeOf(node.status.reason) || "no reason given" }];
  }
  const shares: [string, number | null | undefined, (typeof bounds)[keyof typeof bounds], string][] = [
    ["Node CPU", node.ratios?.cpuOfAllocatable, bounds.ofAllocatable, "of allocatable"],
    ["Node memory", node.ratios?.memoryOfAllocatable, bounds.ofAllocatable, "of allocatable"],
    ["Memory stall", node.usage?.pressure.memorySome, bounds.stalled, "of the time"],
    ["Disk stall", node.usage?.pressure.ioSome, bounds.stalled, "of the time"],
  ];
  return shares.flatMap(([kind, share, bound, what]) => {
    const level = levelOf(share, bound);
    return level === "ok" || share == null ? [] : [{ ...about, level, kind, text: `${text(percent(share))} ${what}` }];
  });
}

function aboutKills(pod: Pod, windowSeconds: number): Finding[] {
  const killed = killsIn(pod.series?.oomKills ?? []);
  if (killed === 0) return [];
  const often = killed === 1 ? "once" : `${killed} times`;
  return [{ ...ofPod(pod.namespace ?? "", pod.name), level: "full", kind: "OOM kill", text: `${often} in the last ${duration(windowSeconds)}` }];
}

function aboutLimit(container: Container): Finding[] {
  const share = container.ratios?.memoryOfLimit;
  const level = levelOf(share, bounds.ofLimit);
  if (level === "ok" || share == null) return [];
  return [{ ...ofContainer(container), level, kind: "Memory limit", text: `${text(percent(share))} used` }];
}

function aboutThrottling(container: Container): Finding[] {
  const share = container.usage?.cpuThrottledRatio;
  const level = levelOf(share, bounds.throttled);
  if (level === "ok" || share == null) return [];
  return [{ ...ofContainer(container), level, kind: "Throttled", text: `${text(percent(share))} of periods` }];
}

function aboutStalls(pod: Pod): Finding[] {
  const stalls = [
    { share: pod.usage?.pressure.memorySome, kind: "Memory stall" },
    { share: pod.usage?.pressure.ioSome, kind: "Disk stall" },
  ];
  return stalls.flatMap(({ share, kind }) => {
    const level = levelOf(share, bounds.stalled);
    if (level === "ok" || share == null) return [];
    return [{ ...ofPod(pod.namespace ?? "", pod.name), level, kind, text: `${text(percent(share))} of the time` }];
  });
}

function ofPod(namespace: string, name: string) {
  return { name: `${namespace}/${name}`, path: pathOf.pod(namespace, name) };
}

function ofContainer(c: Container) {
  const pod = ofPod(c.namespace ?? "", c.pod ?? "");
  return { ...pod, name: `${pod.name} · ${c.name}` };
}
