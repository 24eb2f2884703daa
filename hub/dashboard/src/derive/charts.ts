// Which charts a thing has, and which lines are in each. Pure.
import type { ContainerOfPod, Item, Node, Pod, Resources, Series } from "../api/types";
import { bytes, bytesPerSecond, count, cpu, type Format, percent, text } from "../format/number";
import { condense } from "./condense";
import { type Lack, lacksInWords, lacksOf } from "./lacks";
import { type Mark, merged, oomKills, restarts } from "./marks";
import { columnOf, limitOf, type MetricName, sum, valueOf, whyNull } from "./metric";

/**
 * A Line is one of a chart's. A bound (what is requested, a limit) is level and dashed. A rest, what is left beside the
 * use, is said in words and numbers alone: drawn, it would flatten what is used.
 */
export interface Line {
  label: string;
  values: (number | null)[];
  kind: "use" | "request" | "limit" | "rest";
  /** Lines of one number, what is used and its bounds, have one colour; by default each has its own. */
  colour?: number;
}

/** A Chart is what to draw, or why there is nothing to draw. */
export interface Chart {
  id: string;
  title: string;
  format: Format;
  times: number[];
  lines: Line[];
  /** The uses are parts of a whole, drawn each on top of those before it. */
  stacked?: true;
  marks: Mark[];
  /** Of a sum, when it did not hold all its parts. */
  lacks?: Lack[];
  /** Why no line has any value; empty if one has. */
  missing: string;
}

/** What charts are made of: one thing's history. */
export type Past = Pick<Item, "usage" | "status" | "unavailable" | "requests" | "limits" | "ratios"> & { series: Series };

/** nodeCharts are a node's. */
export function nodeCharts(past: Past & Pick<Node, "allocatable">, network: Format): Chart[] {
  const bounds = { ...(past.requests && { requested: past.requests }), ...(past.allocatable && { allocatable: past.allocatable }) };
  return [
    withBounds(chart(past, "cpu", "CPU", cpu, [["used", "cpuMillicores"]]), bounds, "cpuMillicores"),
    modesChart(past),
    withBounds(memoryChart(past), bounds, "memoryBytes"),
    ...trafficCharts(past, network),
    pressureChart(past),
  ];
}

/** sumCharts are those of a namespace or a workload. Shares of time do not add up over pods: each pod has them. */
export function sumCharts(past: Past, network: Format): Chart[] {
  const lacks = lacksOf(past.series);
  const limit = { cpuMillicores: limitOf(past, "cpuMillicores").value, memoryBytes: limitOf(past, "memoryBytes").value };
  const bounds = { ...(past.requests && { requested: past.requests }), limit };
  return [
    withBounds(chart(past, "cpu", "CPU", cpu, [["used", "cpuMillicores"]]), bounds, "cpuMillicores"),
    withBounds(memoryChart(past), bounds, "memoryBytes"),
    ...trafficCharts(past, network),
    chart(past, "pids", "Processes and threads", count, [["running", "pids"]]),
  ].map((sum) => ({ ...sum, lacks }));
}

/** podCharts are a pod's: CPU and memory by container, the rest of the pod. */
export function podCharts(past: Past, containers: readonly ContainerOfPod[], network: Format): Chart[] {
  const running = containers.filter((c) => c.series);
  const events = [...oomKills(past.series), ...running.flatMap((c) => (c.series ? restarts(c.series, c.name) : []))];
  const marks = merged(events);
  return [
    { ...byContainer(past, running, "cpu", "CPU", cpu, "cpuMillicores"), marks },
    { ...byContainer(past, running, "memory", "Memory, working set", bytes, "memoryBytes"), marks },
    memoryChart(past),
    byContainer(past, running, "throttled", "CPU throttled, of periods", percent, "cpuThrottledRatio"),
    ...trafficCharts(past, network),
    pressureChart(past),
    chart(past, "pids", "Processes and threads", count, [["running", "pids"]]),
  ];
}

/** byPodCharts have a line for each of a sum's pods, or say why there is none. */
export function byPodCharts(pods: readonly Pick<Pod, "name" | "series">[], missing: string): Chart[] {
  const running = pods.flatMap(({ name, series }) => (series ? [{ name, series }] : []));
  const times = [...new Set(running.flatMap(({ series }) => series.times))].sort((a, b) => a - b);
  const of = (id: string, title: string, format: Format, metric: MetricName, marks: Mark[]): Chart => {
    const lines = running.map(({ name, series }, colour): Line => ({ label: name, values: aligned(series, times, metric), kind: "use", colour }));
    return { id, title, format, times, lines, marks, missing: lines.some(hasValues) ? "" : missing };
  };
  const killed = merged(running.flatMap(({ name, series }) => oomKills(series).map((mark) => ({ ...mark, text: `${name}: ${mark.text}` }))));
  const throttled = of("throttled-pods", "CPU throttled by pod, of periods", percent, "cpuThrottledRatio", []);
  return [
    of("cpu-pods", "CPU by pod", cpu, "cpuMillicores", []),
    of("memory-pods", "Memory by pod, working set", bytes, "memoryBytes", killed),
    ...(throttled.missing === "" ? [throttled] : []),
  ];
}

/** The modes of a node's processors, from the bottom of the stack; what is least certain is on top, where it moves nothing else. */
const modes: readonly { mode: keyof NonNullable<Series["cpuMillicoresByMode"]>; label: string; kind: "use" | "rest" }[] = [
  { mode: "user", label: "user", kind: "use" },
  { mode: "system", label: "system", kind: "use" },
  { mode: "irq", label: "interrupts", kind: "use" },
  { mode: "steal", label: "stolen", kind: "use" },
  { mode: "iowait", label: "waiting for disks", kind: "use" },
  { mode: "idle", label: "idle", kind: "rest" },
];

function modesChart(past: Past): Chart {
  const lines = modes.map(({ mode, label, kind }, colour): Line => ({ label, kind, colour, values: past.series.cpuMillicoresByMode?.[mode] ?? [] }));
  const known = lines.filter(hasValues);
  return {
    id: "cpu-modes", title: "CPU by mode", format: cpu, times: past.series.times, marks: [], lines: known, stacked: true,
    missing: known.length > 0 ? "" : whyNull(past, "cpuMillicoresByMode"),
  };
}

function memoryChart(past: Past): Chart {
  return chart(past, "memory-parts", "Memory by kind", bytes, [
    ["working set", "memoryBytes"],
    ["RSS", "memoryRSSBytes"],
    ["cache", "memoryCacheBytes"],
    ["swap", "memorySwapBytes"],
  ]);
}

function trafficCharts(past: Past, network: Format): Chart[] {
  return [
    chart(past, "network", "Network", network, [
      ["in", "networkRxBytesPerSecond"],
      ["out", "networkTxBytesPerSecond"],
    ]),
    chart(past, "disk", "Disk", bytesPerSecond, [
      ["read", "diskReadBytesPerSecond"],
      ["written", "diskWriteBytesPerSecond"],
    ]),
  ];
}

function pressureChart(past: Past): Chart {
  return chart(past, "pressure", "Pressure, share of time stalled", percent, [
    ["CPU, some", "pressure.cpuSome"],
    ["memory, some", "pressure.memorySome"],
    ["memory, all", "pressure.memoryFull"],
    ["disk, some", "pressure.ioSome"],
    ["disk, all", "pressure.ioFull"],
  ]);
}

function chart(past: Past, id: string, title: string, format: Format, metrics: [string, MetricName][]): Chart {
  const lines = metrics.map(([label, metric]): Line => ({ label, values: columnOf(past.series, metric), kind: "use" }));
  const known = lines.filter(hasValues);
  const first = metrics[0]?.[1] ?? "cpuMillicores";
  return {
    id, title, format, times: past.series.times, marks: [], lines: known,
    missing: known.length > 0 ? "" : reason(past, first),
  };
}

/** Of how many containers there are bounds in one chart: those of more are lost in each other. */
const mostBounded = 3;

/** byContainer has a line for each container with its bounds, or the pod's own line where there is none. */
function byContainer(past: Past, containers: readonly ContainerOfPod[], id: string, title: string, format: Format, metric: MetricName): Chart {
  const whole = chart(past, id, title, format, [["pod", metric]]);
  const used = containers.flatMap((c): Line[] => (c.series ? [{ label: c.name, values: aligned(c.series, past.series.times, metric), kind: "use" }] : []));
  const bounded = metric === "cpuMillicores" || metric === "memoryBytes";
  const lines = condense(used, bounded ? "sum" : "greatest").flatMap((line, colour): Line[] => {
    const c = containers.length <= mostBounded ? containers.find(({ name }) => name === line.label) : undefined;
    return [line, ...(bounded && c ? boundsOf(c, metric, colour, past.series.times, containers.length > 1) : [])];
  });
  return lines.some((line) => line.kind === "use" && hasValues(line)) ? { ...whole, lines, missing: "" } : whole;
}

/** boundsOf are a container's request and limit, as they are now. */
function boundsOf(c: ContainerOfPod, metric: "cpuMillicores" | "memoryBytes", colour: number, times: number[], named: boolean): Line[] {
  const prefix = named ? `${c.name} ` : "";
  return [
    ...level(`${prefix}request`, "request", c.requests?.[metric], times, colour),
    ...level(`${prefix}limit`, "limit", c.limits?.[metric], times, colour),
  ];
}

/** aligned puts a series on the times of another. */
function aligned(series: Series, times: number[], metric: MetricName): (number | null)[] {
  const column = columnOf(series, metric);
  const places = new Map(series.times.map((time, i) => [time, i]));
  return times.map((time) => column[places.get(time) ?? -1] ?? null);
}

/** withBounds adds what is requested, and what there is at most, as they are now. */
function withBounds(of: Chart, bounds: Record<string, Resources>, metric: "cpuMillicores" | "memoryBytes"): Chart {
  const lines = Object.entries(bounds).flatMap(([label, resources]) =>
    level(label, label === "requested" ? "request" : "limit", resources[metric], of.times),
  );
  return { ...of, lines: [...of.lines, ...lines] };
}

function level(label: string, kind: Line["kind"], value: number | null | undefined, times: number[], colour?: number): Line[] {
  if (value == null) return [];
  return [{ label, kind, values: times.map(() => value), ...(colour === undefined ? {} : { colour }) }];
}

function hasValues(line: Line): boolean {
  return line.values.some((value) => value !== null);
}

function reason(past: Past, metric: MetricName): string {
  if (valueOf(past.usage, metric) !== null) return "no sample in the time shown";
  return whyNull(past, metric);
}

/** heightsOf are where a chart's lines are drawn: at their values or, stacked, on top of those below. On what is not known nothing stands. */
export function heightsOf({ lines, stacked, times }: Chart): (number | null)[][] {
  if (!stacked) return lines.map(({ values }) => values);
  const below: (number | null)[] = times.map(() => 0);
  return lines.map(({ values, kind }) => (kind === "use" ? values.map((value, i) => (below[i] = sum(below[i] ?? null, value))) : values));
}

/** summaryOf tells a chart in words; its end is now if it is live. */
export function summaryOf({ title, times, lines, lacks, format, missing }: Chart, live: boolean): string {
  if (missing !== "") return `${title}: ${missing}`;
  const words = lines.map(({ label, kind, values }) => {
    const known = values.filter((value) => value !== null);
    const say = (value: number | undefined) => (value === undefined ? "unknown" : text(format(value)));
    if (kind === "request" || kind === "limit") return `${label} ${say(known.at(-1))}`;
    return `${label}: ${live ? "now" : "at the end"} ${say(values.at(-1) ?? undefined)}, between ${say(least(known))} and ${say(greatest(known))}`;
  });
  return `${title}. ${[...words, ...lacksInWords(lacks ?? [], times.at(-1) ?? 0)].join("; ")}`;
}

function least(values: number[]): number | undefined {
  return values.reduce<number | undefined>((least, value) => Math.min(least ?? value, value), undefined);
}

function greatest(values: number[]): number | undefined {
  return values.reduce<number | undefined>((greatest, value) => Math.max(greatest ?? value, value), undefined);
}
