// The cluster in six numbers, each with its history.
import type { ReactNode } from "react";
import type { ClusterAnswer, Series } from "../api/types";
import { bounds, levelOf } from "../derive/levels";
import { columnOf, type ResourceName, sharesOf, sum, sums, valueOf, whyNull } from "../derive/metric";
import { partOf } from "../derive/shown";
import { bytes, bytesPerSecond, count, cpu, type Format, text } from "../format/number";
import { shown } from "../url/time-range";
import { useTimeRange } from "../url/use-address";
import { LevelMark, Meter } from "./meter";
import { useNetworkFormat } from "./settings";
import { Sparkline } from "./sparkline";
import { Unknown, Value } from "./value";

/** Tiles are the cluster's. */
export function Tiles({ cluster }: { cluster: ClusterAnswer }) {
  return (
    <div className="tiles">
      <ResourceTile cluster={cluster} label="CPU" metric="cpuMillicores" format={cpu} />
      <ResourceTile cluster={cluster} label="Memory" metric="memoryBytes" format={bytes} />
      <TrafficTile cluster={cluster} label="Network" metrics={["networkRxBytesPerSecond", "networkTxBytesPerSecond"]} words={["in", "out"]} format={useNetworkFormat()} />
      <TrafficTile cluster={cluster} label="Disk" metrics={["diskReadBytesPerSecond", "diskWriteBytesPerSecond"]} words={["read", "write"]} format={bytesPerSecond} />
      {cluster.nodes && <CountTile label="Nodes" counted={cluster.nodes} history={<History cluster={cluster} column={({ reporting = [] }) => reporting} label="Nodes that reported" whole={cluster.nodes.count} />} />}
      <CountTile label="Pods" counted={cluster.pods} />
    </div>
  );
}

interface ResourceProps {
  cluster: ClusterAnswer;
  label: string;
  metric: ResourceName;
  format: Format;
}

/** ResourceTile is "used of requested of allocatable". Its bar is of the nodes that report, as the hub counts it. */
function ResourceTile({ cluster, label, metric, format }: ResourceProps) {
  const all = cluster.allocatable?.[metric] ?? cluster.capacity?.[metric] ?? null;
  const shares = sharesOf(cluster.ratios, metric);
  const level = levelOf(shares.used, bounds.ofAllocatable);
  return (
    <section className="tile" aria-label={label}>
      <h3>{label} <LevelMark level={level} /></h3>
      <Big value={valueOf(cluster.usage, metric)} format={format} why={whyNull(cluster, metric)} />
      {shares.used !== null && <Meter share={shares.used} level={level} tick={shares.requested} />}
      <p className="of">
        {cluster.requests && <><Value value={cluster.requests[metric]} format={format} why="nothing is requested" /> requested<br /></>}
        {all !== null && <>of {text(format(all))} {cluster.allocatable ? "allocatable" : "in all"}</>}
      </p>
      <History cluster={cluster} column={(series) => columnOf(series, metric)} label={label} whole={all} />
    </section>
  );
}

interface TrafficProps {
  cluster: ClusterAnswer;
  label: string;
  metrics: readonly ["networkRxBytesPerSecond", "networkTxBytesPerSecond"] | readonly ["diskReadBytesPerSecond", "diskWriteBytesPerSecond"];
  words: readonly [string, string];
  format: Format;
}

function TrafficTile({ cluster, label, metrics, words, format }: TrafficProps) {
  const [first, second] = [valueOf(cluster.usage, metrics[0]), valueOf(cluster.usage, metrics[1])];
  return (
    <section className="tile" aria-label={label}>
      <h3>{label}</h3>
      <Big value={sum(first, second)} format={format} why={whyNull(cluster, metrics[0])} />
      <p className="of">
        {words[0]} <Value value={first} format={format} why={whyNull(cluster, metrics[0])} /><br />
        {words[1]} <Value value={second} format={format} why={whyNull(cluster, metrics[1])} />
      </p>
      <History cluster={cluster} column={(series) => sums(columnOf(series, metrics[0]), columnOf(series, metrics[1]))} label={label} />
    </section>
  );
}

function CountTile({ label, counted, history }: { label: string; counted: ClusterAnswer["pods"]; history?: ReactNode }) {
  const missing = counted.count - counted.reporting;
  return (
    <section className="tile" aria-label={label}>
      <h3>{label} <LevelMark level={missing > 0 ? "full" : "ok"} /></h3>
      <Big value={counted.reporting} format={count} why="" />
      <Meter share={counted.count === 0 ? 0 : counted.reporting / counted.count} level="ok" />
      <p className="of">
        {missing > 0 ? <>{count(missing).digits} of {count(counted.count).digits}<br />not reporting</> : <>all of them<br />report</>}
      </p>
      {history}
    </section>
  );
}

interface HistoryProps {
  cluster: ClusterAnswer;
  column(series: Series): (number | null)[];
  label: string;
  whole?: number | null;
}

/** History is a column of the cluster's, as much as is shown. */
function History({ cluster: { series }, column, label, whole = null }: HistoryProps) {
  const [range] = useTimeRange();
  if (!series) return null;
  const values = column(series).slice(...partOf(series.times, shown(range, series.times.at(-1) ?? 0)));
  if (values.every((value) => value === null)) return <p className="quiet">no sample in the time shown</p>;
  return <Sparkline values={values} label={`${label} over the time shown`} whole={whole} />;
}

function Big({ value, format, why }: { value: number | null; format: Format; why: string }) {
  if (value === null) return <p className="big"><Unknown why={why} /></p>;
  const { digits, unit } = format(value);
  return <p className="big">{digits}<span className="unit">{unit}</span></p>;
}
