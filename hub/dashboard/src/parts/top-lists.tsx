// What eats the cluster: the biggest by each resource.
import { Link } from "wouter";
import { useAnswer } from "../api/queries";
import type { Container, Item, List, Pod, Workload } from "../api/types";
import { sum, valueOf } from "../derive/metric";
import { bytes, bytesPerSecond, cpu, type Format, percent, text } from "../format/number";
import { pathOf, useHref, useParam } from "../url/use-address";
import { CutName } from "./name";
import { Loaded } from "./section";
import { useNetworkFormat } from "./settings";

const kinds = ["pods", "containers", "workloads", "namespaces", "nodes"] as const;
type Kind = (typeof kinds)[number];

const length = 8;

interface Ranking {
  by: string;
  label: string;
  format: Format;
  value(item: Item): number | null;
}

function rankings(network: Format): Ranking[] {
  return [
    { by: "cpu", label: "CPU", format: cpu, value: (i) => valueOf(i.usage, "cpuMillicores") },
    { by: "memory", label: "Memory", format: bytes, value: (i) => valueOf(i.usage, "memoryBytes") },
    { by: "network", label: "Network", format: network, value: (i) => sum(valueOf(i.usage, "networkRxBytesPerSecond"), valueOf(i.usage, "networkTxBytesPerSecond")) },
    { by: "disk", label: "Disk", format: bytesPerSecond, value: (i) => sum(valueOf(i.usage, "diskReadBytesPerSecond"), valueOf(i.usage, "diskWriteBytesPerSecond")) },
    { by: "cpuThrottledRatio", label: "Throttled", format: percent, value: (i) => valueOf(i.usage, "cpuThrottledRatio") },
  ];
}

/** TopLists are the lists, of the kind that the reader chooses. */
export function TopLists() {
  const [kind, setKind] = useParam("top");
  const network = useNetworkFormat();
  const of = kinds.find((k) => k === kind) ?? "pods";
  return (
    <section aria-labelledby="top-title">
      <div className="section-head">
        <h2 id="top-title">Biggest</h2>
        <div className="segments" role="group" aria-label="Biggest of">
          {kinds.map((k) => (
            <button key={k} type="button" aria-pressed={k === of} onClick={() => setKind(k === "pods" ? "" : k)}>{k}</button>
          ))}
        </div>
      </div>
      <div className="top-lists">
        {rankings(network).map((ranking) => <TopList key={ranking.by} kind={of} ranking={ranking} />)}
      </div>
    </section>
  );
}

const fields = "kind,name,namespace,pod,owner,status,unavailable,usage.cpuMillicores,usage.memoryBytes,usage.networkRxBytesPerSecond,usage.networkTxBytesPerSecond,usage.diskReadBytesPerSecond,usage.diskWriteBytesPerSecond,usage.cpuThrottledRatio";

/**
 * countedFor is of what a ranking is when one of a kind was asked for. A
 * container's traffic is counted for its pod, and throttling for containers.
 */
function countedFor(kind: Kind, by: string): Kind {
  if (by === "network" && kind === "containers") return "pods";
  return by === "cpuThrottledRatio" ? "containers" : kind;
}

function TopList({ kind, ranking }: { kind: Kind; ranking: Ranking }) {
  const of = countedFor(kind, ranking.by);
  const answer = useAnswer<List<Item>>("top", { of, by: ranking.by, limit: length, fields });
  const label = of === kind ? ranking.label : `${ranking.label} · ${of}`;
  return (
    <section className="top-list" aria-label={`Biggest ${of} by ${ranking.label}`}>
      <h3>{label}</h3>
      <Loaded answer={answer} height={26 * length}>{(list) => <Ranked items={list.items} ranking={ranking} of={of} />}</Loaded>
    </section>
  );
}

/** Named is a thing, and leads to its page if it has one: a pod of which nobody knows the namespace has none. */
function Named({ name, detail, path }: Identity) {
  const href = useHref();
  const words = <><span className="rank-name"><CutName name={name} /></span> <span className="rank-detail">{detail}</span></>;
  const title = `${name} ${detail}`;
  return path === undefined ? <span className="rank-unlinked" title={title}>{words}</span> : <Link href={href(path)} title={title}>{words}</Link>;
}

function Ranked({ items, ranking, of }: { items: readonly Item[]; ranking: Ranking; of: Kind }) {
  const known = items.map((item) => ({ item, value: ranking.value(item) ?? 0 })).filter(({ value }) => value > 0);
  const greatest = known[0]?.value ?? 0;
  if (known.length === 0) return <p className="none">None.</p>;
  return (
    <ol>
      {known.map(({ item, value }) => {
        const { name, detail, path } = identity(of, item);
        return (
          <li key={`${path} ${name}`}>
            <span className="rank-bar" style={{ width: `${(100 * value) / greatest}%` }} aria-hidden="true" />
            <Named path={path} name={name} detail={detail} />
            <span className="rank-value">{text(ranking.format(value))}</span>
          </li>
        );
      })}
    </ol>
  );
}

interface Identity {
  name: string;
  detail: string;
  path: string | undefined;
}

function identity(of: Kind, item: Item): Identity {
  const { namespace = "" } = item as Pod;
  const pathOfPod = (pod: string) => (namespace === "" ? undefined : pathOf.pod(namespace, pod));
  switch (of) {
    case "pods":
      return { name: item.name, detail: namespace, path: pathOfPod(item.name) };
    case "containers":
      return { name: item.name, detail: (item as Container).pod ?? "", path: pathOfPod((item as Container).pod ?? "") };
    case "workloads":
      return { name: item.name, detail: namespace, path: pathOf.workload(namespace, (item as Workload).kind, item.name) };
    case "namespaces":
      return { name: item.name, detail: "", path: pathOf.namespace(item.name) };
    case "nodes":
      return { name: item.name, detail: "", path: pathOf.node(item.name) };
  }
}
