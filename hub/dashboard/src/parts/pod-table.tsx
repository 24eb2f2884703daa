// A table of pods: all of them, or those of a node, a namespace or a workload.
import { type ReactNode, useMemo } from "react";
import type { Pod } from "../api/types";
import { bytesPerSecond } from "../format/number";
import { pathOf } from "../url/use-address";
import { cpuColumn, memoryColumn, nameColumn, podStateColumn, ratioColumn, restartsOf, throttledColumn, trafficColumn } from "./columns";
import { useNetworkFormat } from "./settings";
import { type Column, DataTable } from "./table";
import { Unknown } from "./value";

interface Props {
  pods: readonly Pod[];
  sort: string;
  /** Of which of their places the reader knows already. */
  shows: "all" | "node" | "namespace";
  controls?: ReactNode;
  empty?: string;
  /** As DataTable's. */
  prefix?: string;
}

/** PodTable is the table. */
export function PodTable({ pods, sort, shows, controls, empty = "There are no pods.", prefix = "" }: Props) {
  const network = useNetworkFormat();
  const columns = useMemo((): [Column<Pod>, ...Column<Pod>[]] => {
    const places = [
      ...(shows === "namespace" ? [] : [namespaceColumn]),
      ...(shows === "node" ? [] : [nodeColumn]),
    ];
    return [
      nameColumn<Pod>("Pod"), ...places, podStateColumn(),
      cpuColumn<Pod>(),
      ratioColumn<Pod>("cpu-request", "of request", "CPU used of what is requested", "cpuOfRequest", "no CPU request is set", "desktop"),
      ratioColumn<Pod>("cpu-limit", "of limit", "CPU used of the limit", "cpuOfLimit", "not all its containers have a CPU limit", "laptop"),
      memoryColumn<Pod>(),
      ratioColumn<Pod>("memory-request", "of request", "Memory used of what is requested", "memoryOfRequest", "no memory request is set", "desktop"),
      ratioColumn<Pod>("memory-limit", "of limit", "Memory used of the limit", "memoryOfLimit", "not all its containers have a memory limit", "laptop"),
      trafficColumn<Pod>("network", network), trafficColumn<Pod>("disk", bytesPerSecond),
      throttledColumn<Pod>(), restartsColumn,
    ];
  }, [network, shows]);
  return (
    <DataTable caption="pods" rows={pods} columns={columns} rowKey={keyOf} path={pathOfPod} searched={searched} sort={sort} controls={controls} empty={empty} prefix={prefix} />
  );
}

const namespaceColumn: Column<Pod> = {
  id: "namespace", label: "Namespace", width: 124, from: "tablet", sort: (pod) => pod.namespace ?? null,
  cell: (pod) => (pod.namespace === undefined ? <Unknown why="neither the API server nor the agent knows it" /> : pod.namespace), hint: (pod) => pod.namespace,
};

const nodeColumn: Column<Pod> = {
  id: "node", label: "Node", width: 112, from: "laptop", sort: (pod) => pod.node ?? null,
  cell: (pod) => (pod.node === undefined ? <Unknown why="not on a node" /> : pod.node), hint: (pod) => pod.node,
};

const restartsColumn: Column<Pod> = {
  id: "restarts", label: "Restarts", number: true, width: 80, from: "laptop", sort: restartsOf,
  cell: (pod) => {
    const restarts = restartsOf(pod);
    return restarts === null ? <Unknown why="its containers are not known" /> : restarts === 0 ? <span className="quiet">0</span> : restarts;
  },
};

function keyOf(pod: Pod): string {
  return `${pod.namespace ?? ""}/${pod.name}`;
}

function pathOfPod({ namespace, name }: Pod): string | undefined {
  return namespace === undefined ? undefined : pathOf.pod(namespace, name); // the hub has no path for it, either
}

function searched(pod: Pod): string {
  return `${pod.namespace ?? ""}/${pod.name} ${pod.node ?? ""} ${pod.owner?.kind ?? ""} ${pod.phase ?? ""} ${pod.status.state}`;
}
