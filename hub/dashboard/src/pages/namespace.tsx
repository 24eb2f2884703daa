// One namespace: the sum of its pods, its workloads, its pods.
import { useHistory, useLongList } from "../api/queries";
import type { NamespaceAnswer, Pod, Workload } from "../api/types";
import { CurrentNote } from "../parts/current-note";
import { PodTable } from "../parts/pod-table";
import { Loaded } from "../parts/section";
import { SumCharts, sumFacts } from "../parts/sum";
import { Title } from "../parts/title";
import { WorkloadTable } from "../parts/workload-table";
import { podFields } from "./pods";
import { workloadFields } from "./workloads";

/** NamespacePage is the page. */
export default function NamespacePage({ name }: { name: string }) {
  const path = `namespaces/${encodeURIComponent(name)}`;
  const namespace = useHistory<NamespaceAnswer>(path);
  const workloads = useLongList<Workload>(`${path}/workloads`, { fields: workloadFields });
  const pods = useLongList<Pod>(`${path}/pods`, { fields: podFields });
  return (
    <>
      <Title up={{ path: "/namespaces", label: "Namespaces" }} name={name} item={namespace.data} facts={sumFacts(namespace.data)} />
      <CurrentNote time={namespace.data?.time} />
      <Loaded answer={namespace} height={500}>{(data) => <SumCharts sum={data} />}</Loaded>
      <h2>Workloads</h2>
      <Loaded answer={workloads} height={200}>{(list) => <WorkloadTable workloads={list.items} ofNamespace />}</Loaded>
      <h2>Pods</h2>
      <Loaded answer={pods} height={300}>{(list) => <PodTable pods={list.items} sort="-cpu" shows="namespace" prefix="p-" empty="This namespace has no pods." />}</Loaded>
    </>
  );
}
