// The metrics that the page shows, each with its name, its format, and where it
// is in a usage or a series. Pure.
import type { Item, Ratios, Series, Usage } from "../api/types";
import { type Format, percent } from "../format/number";

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

/** A share of something that is set. */
export type RatioName = keyof Ratios;

/** Heat is a number by which nodes can be coloured. */
export interface Heat {
  name: string;
  label: string;
  format: Format;
  value(node: { usage: Item["usage"]; ratios: Item["ratios"] }): number | null;
  /** The value that has the full colour; null is the greatest that there is. */
  full: number | null;
}

/** The numbers by which nodes can be coloured, the first by default. */
export const heats: readonly [Heat, ...Heat[]] = [
  { name: "cpu", label: "CPU of allocatable", format: percent, full: 1, value: (n) => n.ratios?.cpuOfAllocatable ?? null },
  { name: "memory", label: "memory of allocatable", format: percent, full: 1, value: (n) => n.ratios?.memoryOfAllocatable ?? null },
  { name: "requests", label: "CPU requested of allocatable", format: percent, full: 1, value: (n) => n.ratios?.cpuRequestOfAllocatable ?? null },
  { name: "cpu-stall", label: "CPU pressure", format: percent, full: 0.5, value: (n) => valueOf(n.usage, "pressure.cpuSome") },
  { name: "memory-stall", label: "memory pressure", format: percent, full: 0.5, value: (n) => valueOf(n.usage, "pressure.memorySome") },
  { name: "io-stall", label: "disk pressure", format: percent, full: 0.5, value: (n) => valueOf(n.usage, "pressure.ioSome") },
];

