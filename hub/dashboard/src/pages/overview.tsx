// The cluster at a glance: is it well, and what eats it.
import { type Answer, useAnswer, useHistory, useWindowLimit } from "../api/queries";
import type { ClusterAnswer, Container, List, Node, Pod, Status } from "../api/types";
import { bothOf, killedOf } from "../derive/looks";
import { findings } from "../derive/problems";
import { CurrentNote } from "../parts/current-note";
import { Findings } from "../parts/findings";
import { HeatGrid } from "../parts/heat-grid";
import { ScopeNote } from "../parts/scope-note";
import { Loaded, lookOf } from "../parts/section";
import { Tiles } from "../parts/tiles";
import { TopLists } from "../parts/top-lists";

const nodeFields = "name,status,ratios,unavailable,usage.pressure,usage.cpuMillicores";
const ofContainer = "name,namespace,pod,ratios.memoryOfLimit,usage.cpuThrottledRatio";
const ofPod = "name,namespace,usage.pressure";
const ofKilled = "name,namespace,usage.oomKills,series.oomKills";
// As many as the hub gives histories of at once.
const mostKilled = 20;

/** Overview is the first page. */
export default function Overview() {
  const cluster = useHistory<ClusterAnswer>("cluster");
  const nodes = useAnswer<List<Node>>("nodes", { fields: nodeFields });
  return (
    <>
      <h1 className="unseen">Overview of the cluster</h1>
      <Loaded answer={cluster} height={190}>{(data) => <><ScopeNote scope={data.scope} /><CurrentNote time={data.time} /><Tiles cluster={data} /></>}</Loaded>
      <div className="two-columns">
        <Attention nodes={nodes} />
        <Loaded answer={nodes} height={200}>{(list) => <HeatGrid nodes={list.items} heading="Nodes" />}</Loaded>
      </div>
      <TopLists />
    </>
  );
}

/** Attention asks for what may be wrong, and shows what is. */
function Attention({ nodes }: { nodes: Answer<List<Node>> }) {
  const status = useAnswer<Status>("status");
  const limit = useWindowLimit();
  const nearLimit = useAnswer<List<Container>>("top", { of: "containers", by: "ratios.memoryOfLimit", limit: 20, fields: ofContainer });
  const throttled = useAnswer<List<Container>>("top", { of: "containers", by: "cpuThrottledRatio", limit: 20, fields: ofContainer });
  const killed = useAnswer<List<Pod>>("pods", { sort: "-oomKills", limit: mostKilled, window: limit ?? 0, fields: ofKilled }, { skip: limit === null });
  const forMemory = useAnswer<List<Pod>>("top", { of: "pods", by: "pressure.memorySome", limit: 10, fields: ofPod });
  const forDisks = useAnswer<List<Pod>>("top", { of: "pods", by: "pressure.ioSome", limit: 10, fields: ofPod });
  const stalled = new Map([...itemsOf(forMemory), ...itemsOf(forDisks)].map((pod) => [`${pod.namespace}/${pod.name}`, pod]));
  const looks = {
    nodes: lookOf(nodes), nearLimit: lookOf(nearLimit), throttled: lookOf(throttled), killed: killedOf(lookOf(killed), itemsOf(killed), mostKilled),
    stalled: bothOf(lookOf(forMemory), lookOf(forDisks)), status: lookOf(status),
  };
  const found = findings({
    nodes: itemsOf(nodes), nearLimit: itemsOf(nearLimit), throttled: itemsOf(throttled), killed: itemsOf(killed), windowSeconds: limit ?? 0,
    stalled: [...stalled.values()], status: lookOf(status) === "known" ? (status.data ?? null) : null,
  });
  return <Findings findings={found} looks={looks} />;
}

/** itemsOf are those of an answer that stands. */
function itemsOf<T>(answer: Answer<List<T>>): readonly T[] {
  return lookOf(answer) === "known" ? (answer.data?.items ?? []) : [];
}
