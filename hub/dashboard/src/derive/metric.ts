// The metrics that the page shows: where each is in a usage or a series, what it
// is held against, and why it is not known. Pure.
import type { Item, Ratios, Resources, Series, Usage } from "../api/types";

type Columns = Omit<Series, "times" | "reporting" | "count" | "min" | "max" | "pressure">;

/** A metric's path in a usage, as REST writes it: "cpuMillicores", "pressure.ioSome". */
export type MetricName = Extract<keyof Columns, keyof Usage> | `pressure.${keyof Usage["pressure"]}`;

/** valueOf is a metric's value, null if it is not known. */
export function valueOf(usage: Usage | null | undefined, metric: MetricName): number | null {
  if (!usage) return null;
  if (metric.startsWith("pressure.")) return usage.pressure[metric.slice(9) as keyof Usage["pressure"]];
  return usage[metric as Exclude<keyof Usage, "pressure">];
}

/** columnOf is a metric's history; all gaps if the series does not have it. */
export function columnOf(series: Series, metric: MetricName): (number | null)[] {
  const column = metric.startsWith("pressure.")
    ? series.pressure[metric.slice(9) as keyof Usage["pressure"]]
    : series[metric as Extract<keyof Columns, keyof Usage>];
  return column ?? series.times.map(() => null);
}

/** sum adds two values, one of which may be unknown: then so is the sum. */
export function sum(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : a + b;
}

/** sums adds two columns. */
export function sums(a: (number | null)[], b: (number | null)[]): (number | null)[] {
  return a.map((value, i) => sum(value, b[i] ?? null));
}

/**
 * whyNull is the hub's reason for a null. It names single metrics, a group of
 * them ("network", "pressure"), or everything.
 */
export function whyNull(item: Pick<Item, "unavailable"> & Partial<Pick<Item, "status">>, name: string): string {
  const reasons = item.unavailable ?? {};
  const group = /^[a-z]+/.exec(name)?.[0] ?? "";
  return reasons[name] || reasons[group] || reasons["usage"] || item.status?.reason || "not known yet";
}

/** What can be requested and limited. */
export type ResourceName = keyof Resources;

/** The ratios of each resource. */
const ratiosOf = {
  cpuMillicores: { limit: "cpuOfLimit", allocatable: "cpuOfAllocatable", requested: "cpuRequestOfAllocatable" },
  memoryBytes: { limit: "memoryOfLimit", allocatable: "memoryOfAllocatable", requested: "memoryRequestOfAllocatable" },
} as const satisfies Record<ResourceName, Record<string, keyof Ratios>>;

/** A Known is a number, or why there is none. */
interface Known {
  value: number | null;
  /** Empty if value is known. */
  why: string;
}

/**
 * limitOf is what an item's parts may use together. A sum of limits is none
 * where some part may use any amount, and only the ratio tells of that.
 */
export function limitOf(item: Pick<Item, "usage" | "ratios" | "limits" | "unavailable" | "status">, resource: ResourceName): Known {
  const value = item.limits?.[resource] ?? null;
  if (value === null) return { value, why: "no limit is set" };
  if (item.ratios?.[ratiosOf[resource].limit] != null) return { value, why: "" };
  const used = valueOf(item.usage, resource);
  return { value: null, why: used === null ? whyNull(item, resource) : "not all have a limit" };
}

/** whyNoRatio is why a ratio is null: its use is not known, else there is nothing to hold it against, which unset says. */
export function whyNoRatio(item: Pick<Item, "usage" | "unavailable"> & Partial<Pick<Item, "status">>, ratio: keyof Ratios, unset: string): string {
  if (ratio.includes("RequestOf")) return unset;
  const metric = ratio.startsWith("cpu") ? "cpuMillicores" : "memoryBytes";
  return valueOf(item.usage, metric) === null ? whyNull(item, metric) : unset;
}

/** sharesOf are what is used and requested of all that can be allocated, as the hub counts it: of the nodes that report. */
export function sharesOf(ratios: Ratios | null, resource: ResourceName): { used: number | null; requested: number | null } {
  const { allocatable, requested } = ratiosOf[resource];
  return { used: ratios?.[allocatable] ?? null, requested: ratios?.[requested] ?? null };
}
