// One pod with its containers.
import { useMemo } from "react";
import { Link } from "wouter";
import { useHistory } from "../api/queries";
import type { ContainerOfPod, PodAnswer } from "../api/types";
import { podCharts } from "../derive/charts";
import { valueOf, whyNull } from "../derive/metric";
import { bytesPerSecond, count } from "../format/number";
import { Charts } from "../parts/chart";
import { cpuColumn, memoryColumn, ratioColumn, restartsOf, throttledColumn, trafficColumn } from "../parts/columns";
import { CurrentNote } from "../parts/current-note";
import { Loaded } from "../parts/section";
import { useNetworkFormat } from "../parts/settings";
import { type Column, DataTable } from "../parts/table";
import { type Fact, Title } from "../parts/title";
import { Value } from "../parts/value";
import { pathOf, useHref } from "../url/use-address";

/** PodPage is the page. */
export default function PodPage({ namespace, name }: { namespace: string; name: string }) {
  const pod = useHistory<PodAnswer>(`namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(name)}`);
  const facts = useFacts(namespace, pod.data);
  return (
    <>
      <Title up={{ path: "/pods", label: "Pods", choices: { ns: namespace } }} name={name} item={pod.data} facts={facts} />
      <CurrentNote time={pod.data?.time} />
      <Loaded answer={pod} height={500}>
        {(data) => (
          <>
            <Containers containers={data.containers ?? []} />
            <PodCharts pod={data} />
          </>
        )}
      </Loaded>
    </>
  );
}

function useFacts(namespace: string, pod: PodAnswer | undefined): Fact[] {
  const href = useHref();
  const facts: Fact[] = [{ label: "Namespace", value: <Link href={href(pathOf.namespace(namespace))}>{namespace}</Link> }];
  if (!pod) return facts;
  if (pod.owner && pod.owner.kind !== "Pod") {
    facts.push({ label: pod.owner.kind, value: <Link href={href(pathOf.workload(namespace, pod.owner.kind, pod.owner.name))}>{pod.owner.name}</Link> });
  }
  if (pod.node) facts.push({ label: "Node", value: <Link href={href(pathOf.node(pod.node))}>{pod.node}</Link> });
  if (pod.phase) facts.push({ label: "Phase", value: pod.phase });
  if (pod.hostNetwork) facts.push({ label: "Network", value: "the host's" });
  facts.push({ label: "Restarts", value: <Value value={restartsOf(pod)} format={count} why="its containers are not known" /> });
  facts.push({ label: "OOM kills", value: <Value value={valueOf(pod.usage, "oomKills")} format={count} why={whyNull(pod, "oomKills")} /> });
  return facts;
}

function PodCharts({ pod }: { pod: PodAnswer }) {
  const network = useNetworkFormat();
  const charts = useMemo(() => (pod.series ? podCharts({ ...pod, series: pod.series }, pod.containers ?? [], network) : []), [pod, network]);
  return <Charts charts={charts} />;
}

const columns: [Column<ContainerOfPod>, ...Column<ContainerOfPod>[]] = [
  { id: "name", label: "Container", sort: (c) => c.name, cell: (c) => <>{c.name}{c.init && <span className="quiet"> init</span>}</> },
  cpuColumn<ContainerOfPod>(),
  ratioColumn<ContainerOfPod>("cpu-request", "of request", "CPU used of what is requested", "cpuOfRequest", "no CPU request is set", "tablet"),
  ratioColumn<ContainerOfPod>("cpu-limit", "of limit", "CPU used of the limit", "cpuOfLimit", "no CPU limit is set", "tablet"),
  throttledColumn<ContainerOfPod>(),
  memoryColumn<ContainerOfPod>(),
  ratioColumn<ContainerOfPod>("memory-request", "of request", "Memory used of what is requested", "memoryOfRequest", "no memory request is set", "tablet"),
  ratioColumn<ContainerOfPod>("memory-limit", "of limit", "Memory used of the limit", "memoryOfLimit", "no memory limit is set", "tablet"),
  trafficColumn<ContainerOfPod>("disk", bytesPerSecond, "laptop"),
  { id: "restarts", label: "Restarts", number: true, width: 80, from: "tablet", sort: (c) => c.restarts, cell: (c) => c.restarts },
];

function Containers({ containers }: { containers: readonly ContainerOfPod[] }) {
  return <DataTable caption="containers" rows={containers} columns={columns} rowKey={(c) => c.name} sort="name" empty="Its containers are not known." prefix="c-" />;
}
