// The columns that the tables of the page have in common.
import type { CSSProperties } from "react";
import type { ContainerOfPod, Item, Node, Pod, Ratios } from "../api/types";
import { bounds, type Level, levelOf } from "../derive/levels";
import { sum, valueOf, whyNoRatio, whyNull } from "../derive/metric";
import { bytes, bytesPerSecond, count, cpu, type Format, percent, text } from "../format/number";
import { LevelMark } from "./meter";
import { CutName } from "./name";
import { isIdle, PhaseBadge } from "./phase-badge";
import { StateBadge, stateIcons } from "./state-badge";
import type { Column } from "./table";
import { Unknown, Value } from "./value";

/** What has usage and may be in a table. */
type Measured = Pick<Item, "usage" | "ratios" | "unavailable"> & Partial<Pick<Item, "status">>;

/** nameColumn is the first. */
export function nameColumn<T extends { name: string } & Partial<Pick<Item, "status">>>(label: string): Column<T> {
  return { id: "name", label, cell: (row) => <Name of={row} />, hint: (row) => row.name, sort: (row) => row.name };
}

/** Name has the state's icon before it where there is no room for a column of states. */
function Name({ of: { name, status } }: { of: { name: string } & Partial<Pick<Item, "status">> }) {
  return (
    <>
      {status && status.state !== "ok" && <span className={`state ${status.state} narrow-only`} aria-hidden="true">{stateIcons[status.state]} </span>}
      <CutName name={name} />
    </>
  );
}

/** stateColumn is sorted with the worst first. */
export function stateColumn<T extends Pick<Item, "status">>(): Column<T> {
  const order = ["down", "unsupported", "stale", "pending", "ok"];
  return { id: "state", label: "State", width: 122, from: "tablet", cell: (row) => <StateBadge status={row.status} />, sort: (row) => order.indexOf(row.status.state) };
}

/** podStateColumn has what Kubernetes says of a pod that does not run; of one that does, how its samples are. */
export function podStateColumn(): Column<Pod> {
  const order = ["Failed", "down", "unsupported", "Pending", "stale", "pending", "Succeeded", "ok"];
  return {
    id: "state", label: "State", width: 104, from: "tablet",
    cell: (pod) => (isIdle(pod.phase) ? <PhaseBadge phase={pod.phase} /> : <StateBadge status={pod.status} />),
    sort: (pod) => order.indexOf(isIdle(pod.phase) ? pod.phase : pod.status.state),
  };
}

export function cpuColumn<T extends Measured>(): Column<T> {
  return {
    id: "cpu", label: "CPU", number: true, width: 92, sort: (row) => valueOf(row.usage, "cpuMillicores"),
    cell: (row) => <Value value={valueOf(row.usage, "cpuMillicores")} format={cpu} why={whyNull(row, "cpuMillicores")} />,
  };
}

export function memoryColumn<T extends Measured>(): Column<T> {
  return {
    id: "memory", label: "Memory", number: true, width: 92, sort: (row) => valueOf(row.usage, "memoryBytes"),
    cell: (row) => <Value value={valueOf(row.usage, "memoryBytes")} format={bytes} why={whyNull(row, "memoryBytes")} />,
  };
}

// A CPU limit only slows down, and throttling says how much; memory at its limit is killed for.
const boundsOf: Partial<Record<keyof Ratios, (typeof bounds)[keyof typeof bounds]>> = {
  memoryOfLimit: bounds.ofLimit,
  cpuOfAllocatable: bounds.ofAllocatable,
  memoryOfAllocatable: bounds.ofAllocatable,
};

/** A share of what is set: the bar and the number; without a bound, that there is none. */
export function ratioColumn<T extends Measured>(id: string, label: string, title: string, ratio: keyof Ratios, unset: string, from: NonNullable<Column<T>["from"]> = "laptop"): Column<T> {
  const bound = boundsOf[ratio];
  return {
    id, of: ratio.startsWith("cpu") ? "CPU" : "Memory", label, title, number: true, width: 108, from, sort: (row) => row.ratios?.[ratio] ?? null,
    cell: (row) => {
      const share = row.ratios?.[ratio];
      if (share == null) return <Unknown why={whyNoRatio(row, ratio, unset)} />;
      return <Share share={share} level={bound ? levelOf(share, bound) : "ok"} />;
    },
  };
}

/** Share is a bar with its number; the style draws the bar as its background, so that many of them are light. */
export function Share({ share, level }: { share: number; level: Level }) {
  return <span className={`share ${level}`} style={{ "--share": Math.min(share, 1) } as CSSProperties}><LevelMark level={level} />{text(percent(share))}</span>;
}

/** trafficColumn is both directions together; each is the tooltip's. */
export function trafficColumn<T extends Measured>(of: "network" | "disk", format: Format, from: NonNullable<Column<T>["from"]> = "laptop"): Column<T> {
  const [first, second, words] = of === "network"
    ? (["networkRxBytesPerSecond", "networkTxBytesPerSecond", ["in", "out"]] as const)
    : (["diskReadBytesPerSecond", "diskWriteBytesPerSecond", ["read", "written"]] as const);
  const total = (row: T) => sum(valueOf(row.usage, first), valueOf(row.usage, second));
  return {
    id: of, label: of === "network" ? "Network" : "Disk", number: true, width: 100, from, sort: total,
    cell: (row) => {
      const value = total(row);
      if (value === null) return <Unknown why={whyNull(row, first)} />;
      return text(format(value));
    },
    hint: (row) => {
      const [one, other] = [valueOf(row.usage, first), valueOf(row.usage, second)];
      return one === null || other === null ? undefined : `${text(format(one))} ${words[0]}, ${text(format(other))} ${words[1]}`;
    },
  };
}

export function throttledColumn<T extends Measured>(): Column<T> {
  return {
    id: "throttled", label: "Throttled", title: "Share of periods in which a CPU limit stopped it", number: true, width: 92, from: "desktop",
    sort: (row) => valueOf(row.usage, "cpuThrottledRatio"),
    cell: (row) => {
      const share = valueOf(row.usage, "cpuThrottledRatio");
      if (share === null) return <Unknown why={whyNull(row, "cpuThrottledRatio")} />;
      const level = levelOf(share, bounds.throttled);
      return <span className={`share bare ${level}`}><LevelMark level={level} />{text(percent(share))}</span>;
    },
  };
}

/** podsColumn is how many pods there are, and how many report. */
export function podsColumn<T extends Pick<Node, "pods">>(): Column<T> {
  return {
    id: "pods", label: "Pods", number: true, width: 84, from: "tablet", sort: (row) => row.pods?.count ?? null,
    cell: (row) => {
      if (!row.pods) return <Unknown why="the pods of this are not known" />;
      const { count: all, reporting } = row.pods;
      return reporting === all ? count(all).digits : <span title={`${reporting} of ${all} report`}>{reporting} of {all}</span>;
    },
  };
}

/** restartsOf is how often a pod's containers were started again. */
export function restartsOf(pod: Pod): number | null {
  return pod.containers ? pod.containers.reduce((all, c: ContainerOfPod) => all + c.restarts, 0) : null;
}

/** sumColumns are those of a namespace or a workload; what is used of requests is shown from a width on. */
export function sumColumns<T extends Measured>(network: Format, requests: NonNullable<Column<T>["from"]>): Column<T>[] {
  return [
    cpuColumn<T>(),
    ratioColumn<T>("cpu-request", "of request", "CPU used of what is requested", "cpuOfRequest", "no pod requests CPU", requests),
    ratioColumn<T>("cpu-limit", "of limit", "CPU used of the limit", "cpuOfLimit", "not all have a CPU limit", "laptop"),
    memoryColumn<T>(),
    ratioColumn<T>("memory-request", "of request", "Memory used of what is requested", "memoryOfRequest", "no pod requests memory", requests),
    ratioColumn<T>("memory-limit", "of limit", "Memory used of the limit", "memoryOfLimit", "not all have a memory limit", "laptop"),
    trafficColumn<T>("network", network),
    trafficColumn<T>("disk", bytesPerSecond),
  ];
}
