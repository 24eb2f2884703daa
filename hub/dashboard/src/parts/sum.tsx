// What the pages of a namespace and of a workload have in common: both are sums
// of pods.
import { useMemo } from "react";
import type { NamespaceAnswer, WorkloadAnswer } from "../api/types";
import { type Chart, sumCharts } from "../derive/charts";
import { limitOf, type ResourceName, valueOf, whyNull } from "../derive/metric";
import { bytes, cpu, type Format } from "../format/number";
import { Charts } from "./chart";
import { useNetworkFormat } from "./settings";
import type { Fact } from "./title";
import { Value } from "./value";

type Sum = NamespaceAnswer | WorkloadAnswer;

const none: readonly Chart[] = [];

/** SumCharts is the history of a sum, and what is shown beside it. */
export function SumCharts({ sum, beside = none }: { sum: Sum; beside?: readonly Chart[] }) {
  const network = useNetworkFormat();
  const charts = useMemo(() => [...(sum.series ? sumCharts({ ...sum, series: sum.series }, network) : []), ...beside], [sum, network, beside]);
  return <Charts charts={charts} />;
}

/** sumFacts are how many pods there are, and what is used of what is set for them. */
export function sumFacts(sum: Sum | undefined): Fact[] {
  if (!sum) return [];
  const pods = sum.pods ? [{ label: "Pods", value: sum.pods.count === sum.pods.reporting ? `${sum.pods.count}` : `${sum.pods.reporting} of ${sum.pods.count} report` }] : [];
  return [...pods, ...against("CPU", sum, "cpuMillicores", cpu), ...against("Memory", sum, "memoryBytes", bytes)];
}

function against(label: string, sum: Sum, resource: ResourceName, format: Format): Fact[] {
  const limit = limitOf(sum, resource);
  const value = (
    <>
      <Value value={valueOf(sum.usage, resource)} format={format} why={whyNull(sum, resource)} /> used,{" "}
      <Value value={sum.requests?.[resource]} format={format} why="nothing is requested" /> requested,{" "}
      <Value value={limit.value} format={format} why={limit.why} /> limit
    </>
  );
  return [{ label, value }];
}
