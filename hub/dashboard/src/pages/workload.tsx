// One workload: the sum of its pods, and its pods.
import { useMemo } from "react";
import { Link } from "wouter";
import { useHistory, useLongList } from "../api/queries";
import type { List, Pod, WorkloadAnswer } from "../api/types";
import { byPodCharts } from "../derive/charts";
import { mostLines } from "../derive/condense";
import { CurrentNote } from "../parts/current-note";
import { PodTable } from "../parts/pod-table";
import { Loaded } from "../parts/section";
import { SumCharts, sumFacts } from "../parts/sum";
import { Title } from "../parts/title";
import { pathOf, useHref } from "../url/use-address";
import { podFields } from "./pods";

/** WorkloadPage is the page. */
export default function WorkloadPage({ namespace, kind, name }: { namespace: string; kind: string; name: string }) {
  const href = useHref();
  const path = `namespaces/${[namespace, "workloads", kind, name].map(encodeURIComponent).join("/")}`;
  const workload = useHistory<WorkloadAnswer>(path);
  const pods = useLongList<Pod>(`${path}/pods`, { fields: podFields });
  const facts = [
    { label: "Kind", value: kind },
    { label: "Namespace", value: <Link href={href(pathOf.namespace(namespace))}>{namespace}</Link> },
    ...sumFacts(workload.data),
  ];
  return (
    <>
      <Title up={{ path: "/workloads", label: "Workloads" }} name={name} item={workload.data} facts={facts} />
      <CurrentNote time={workload.data?.time} />
      <Loaded answer={workload} height={500}>{(data) => (isOfFew(data) ? <ByPod workload={data} path={`${path}/pods`} /> : <SumCharts sum={data} />)}</Loaded>
      <h2>Pods</h2>
      <Loaded answer={pods} height={300}>{(list) => <PodTable pods={list.items} sort="-cpu" shows="namespace" empty="This workload has no pods now." />}</Loaded>
    </>
  );
}

/** isOfFew tells of a workload whose pods can have a line each. */
function isOfFew({ pods }: WorkloadAnswer): boolean {
  return pods !== undefined && pods.count > 1 && pods.count <= mostLines;
}

/** What the lines of pods are made of, and no more: it is asked for with each round. */
const lineFields = "name,series.times,series.cpuMillicores,series.memoryBytes,series.cpuThrottledRatio,series.oomKills";

/** ByPod is the history of a workload, and of each of its pods. */
function ByPod({ workload, path }: { workload: WorkloadAnswer; path: string }) {
  const pods = useHistory<List<Pod>>(path, lineFields);
  const missing = pods.error?.message ?? (pods.data ? "no sample in the time shown" : "not answered yet");
  const beside = useMemo(() => byPodCharts(pods.data?.items ?? [], missing), [pods.data, missing]);
  return <SumCharts sum={workload} beside={beside} />;
}
