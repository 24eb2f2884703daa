// What the pages of a namespace and of a workload have in common: both are sums
// of pods.
import { useMemo } from "react";
import type { NamespaceAnswer, WorkloadAnswer } from "../api/types";
import { sumCharts } from "../derive/charts";
import { bytes, cpu, type Format, text } from "../format/number";
import { Charts } from "./chart";
import { useNetworkFormat } from "./settings";
import type { Fact } from "./title";

type Sum = NamespaceAnswer | WorkloadAnswer;

/** SumCharts is the history of a sum. */
export function SumCharts({ sum }: { sum: Sum }) {
  const network = useNetworkFormat();
  const charts = useMemo(() => (sum.series ? sumCharts({ ...sum, series: sum.series }, network) : []), [sum, network]);
  return <Charts charts={charts} />;
}

/** sumFacts are how many pods there are, and what is used of what is set for them. */
export function sumFacts(sum: Sum | undefined): Fact[] {
  if (!sum) return [];
  const pods = sum.pods ? [{ label: "Pods", value: sum.pods.count === sum.pods.reporting ? `${sum.pods.count}` : `${sum.pods.reporting} of ${sum.pods.count} report` }] : [];
  return [...pods, ...against("CPU", sum, "cpuMillicores", cpu), ...against("Memory", sum, "memoryBytes", bytes)];
}

function against(label: string, sum: Sum, metric: "cpuMillicores" | "memoryBytes", format: Format): Fact[] {
  const say = (value: number | null | undefined) => (value == null ? "—" : text(format(value)));
  return [{ label, value: `${say(sum.usage?.[metric])} used, ${say(sum.requests?.[metric])} requested, ${say(sum.limits?.[metric])} limit` }];
}
