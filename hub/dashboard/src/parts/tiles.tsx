// The cluster in six numbers, each with its history.
import type { ClusterAnswer } from "../api/types";
import { bounds, levelOf } from "../derive/levels";
import { columnOf, sum, sums, valueOf, whyNull } from "../derive/metric";
import { bytes, bytesPerSecond, count, cpu, type Format, text } from "../format/number";
import { LevelMark, Meter } from "./meter";
import { useNetworkFormat } from "./settings";
import { Sparkline } from "./sparkline";
import { Unknown } from "./value";

/** Tiles are the cluster's. */
export function Tiles({ cluster }: { cluster: ClusterAnswer }) {
  return (
    <div className="tiles">
      <ResourceTile cluster={cluster} label="CPU" metric="cpuMillicores" format={cpu} />
      <ResourceTile cluster={cluster} label="Memory" metric="memoryBytes" format={bytes} />
      <TrafficTile cluster={cluster} label="Network" metrics={["networkRxBytesPerSecond", "networkTxBytesPerSecond"]} words={["in", "out"]} format={useNetworkFormat()} />
      <TrafficTile cluster={cluster} label="Disk" metrics={["diskReadBytesPerSecond", "diskWriteBytesPerSecond"]} words={["read", "write"]} format={bytesPerSecond} />
      {cluster.nodes && <CountTile label="Nodes" counted={cluster.nodes} history={cluster.series?.reporting ?? []} />}
      <CountTile label="Pods" counted={cluster.pods} history={[]} />
    </div>
  );
}

interface ResourceProps {
  cluster: ClusterAnswer;
  label: string;
  metric: "cpuMillicores" | "memoryBytes";
  format: Format;
}

/** ResourceTile is "used of requested of allocatable". */
function ResourceTile({ cluster, label, metric, format }: ResourceProps) {
  const used = valueOf(cluster.usage, metric);
  const requested = cluster.requests?.[metric] ?? null;
  const all = cluster.allocatable?.[metric] ?? cluster.capacity?.[metric] ?? null;
  const share = used !== null && all ? used / all : null;
  const level = levelOf(share, bounds.ofAllocatable);
  const known = (value: number | null) => (value === null ? "—" : text(format(value)));
  return (
    <section className="tile" aria-label={label}>
      <h3>{label} <LevelMark level={level} /></h3>
      <Big value={used} format={format} why={whyNull(cluster, metric)} />
      {all !== null && <Meter share={share} level={level} tick={requested !== null && all ? requested / all : null} />}
      <p className="of">
        {requested !== null && <>{known(requested)} requested<br /></>}
        {all !== null && <>of {known(all)} {cluster.allocatable ? "allocatable" : "in all"}</>}
      </p>
      {cluster.series && <Sparkline values={columnOf(cluster.series, metric)} label={`${label} over the time shown`} whole={all} />}
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
  const known = (value: number | null) => (value === null ? "—" : text(format(value)));
  return (
    <section className="tile" aria-label={label}>
      <h3>{label}</h3>
      <Big value={sum(first, second)} format={format} why={whyNull(cluster, metrics[0])} />
      <p className="of">
        {words[0]} {known(first)}<br />
        {words[1]} {known(second)}
      </p>
      {cluster.series && <Sparkline values={sums(columnOf(cluster.series, metrics[0]), columnOf(cluster.series, metrics[1]))} label={`${label} over the time shown`} />}
    </section>
  );
}

function CountTile({ label, counted, history }: { label: string; counted: ClusterAnswer["pods"]; history: number[] }) {
  const missing = counted.count - counted.reporting;
  return (
    <section className="tile" aria-label={label}>
      <h3>{label} <LevelMark level={missing > 0 ? "full" : "ok"} /></h3>
      <Big value={counted.reporting} format={count} why="" />
      <Meter share={counted.count === 0 ? 0 : counted.reporting / counted.count} level="ok" />
      <p className="of">
        {missing > 0 ? <>{count(missing).digits} of {count(counted.count).digits}<br />not reporting</> : <>all of them<br />report</>}
      </p>
      {history.length > 0 && <Sparkline values={history} label={`${label} that reported over the time shown`} whole={counted.count} />}
    </section>
  );
}

function Big({ value, format, why }: { value: number | null; format: Format; why: string }) {
  if (value === null) return <p className="big"><Unknown why={why} /></p>;
  const { digits, unit } = format(value);
  return <p className="big">{digits}<span className="unit">{unit}</span></p>;
}
