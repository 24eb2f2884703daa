// One workload: the sum of its pods, and its pods.
import { Link } from "wouter";
import { useHistory, useLongList } from "../api/queries";
import type { Pod, WorkloadAnswer } from "../api/types";
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
      <Loaded answer={workload} height={500}>{(data) => <SumCharts sum={data} />}</Loaded>
      <h2>Pods</h2>
      <Loaded answer={pods} height={300}>{(list) => <PodTable pods={list.items} sort="-cpu" shows="namespace" empty="This workload has no pods now." />}</Loaded>
    </>
  );
}
