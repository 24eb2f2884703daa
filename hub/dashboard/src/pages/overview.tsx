// The cluster at a glance: is it well, and what eats it.
import { useAnswer, useHistory, useWindowLimit } from "../api/queries";
import type { ClusterAnswer, Container, List, Node, Pod, Status } from "../api/types";
import { findings } from "../derive/problems";
import { Findings } from "../parts/findings";
import { HeatGrid } from "../parts/heat-grid";
import { ScopeNote } from "../parts/scope-note";
import { Loaded } from "../parts/section";
import { Tiles } from "../parts/tiles";
import { TopLists } from "../parts/top-lists";

const nodeFields = "name,status,ratios,unavailable,usage.pressure,usage.cpuMillicores";
const ofContainer = "name,namespace,pod,ratios.memoryOfLimit,usage.cpuThrottledRatio";
const ofPod = "name,namespace,usage.pressure,summary.oomKills";

/** Overview is the first page. */
export default function Overview() {
  const cluster = useHistory<ClusterAnswer>("cluster");
  const nodes = useAnswer<List<Node>>("nodes", { fields: nodeFields });
  return (
    <>
      <h1 className="unseen">Overview of the cluster</h1>
      <Loaded answer={cluster} height={190}>{(data) => <><ScopeNote scope={data.scope} of="pods" /><Tiles cluster={data} /></>}</Loaded>
      <div className="two-columns">
        <Attention nodes={nodes.data?.items ?? null} />
        <Loaded answer={nodes} height={200}>{(list) => (list.scope && !list.scope.nodes ? <ScopeNote scope={list.scope} of="nodes" /> : <HeatGrid nodes={list.items} heading="Nodes" />)}</Loaded>
      </div>
      <TopLists />
    </>
  );
}

/** Attention asks for what may be wrong, and shows what is. Who may not see nodes has none of them. */
function Attention({ nodes }: { nodes: readonly Node[] | null }) {
  const status = useAnswer<Status>("status");
  const limit = useWindowLimit();
  const nearLimit = useAnswer<List<Container>>("top", { of: "containers", by: "ratios.memoryOfLimit", limit: 20, fields: ofContainer });
  const throttled = useAnswer<List<Container>>("top", { of: "containers", by: "cpuThrottledRatio", limit: 20, fields: ofContainer });
  const killed = useAnswer<List<Pod>>("pods", { sort: "-oomKills", limit: 20, window: limit ?? 0, maxPoints: 1, fields: ofPod }, { skip: limit === null });
  const forMemory = useAnswer<List<Pod>>("top", { of: "pods", by: "pressure.memorySome", limit: 10, fields: ofPod });
  const forDisks = useAnswer<List<Pod>>("top", { of: "pods", by: "pressure.ioSome", limit: 10, fields: ofPod });
  const stalled = new Map([...(forMemory.data?.items ?? []), ...(forDisks.data?.items ?? [])].map((pod) => [`${pod.namespace}/${pod.name}`, pod]));
  if (!nearLimit.data && !nearLimit.error) return <Loaded answer={nearLimit}>{() => null}</Loaded>;
  return (
    <Findings
      knowsNodes={nodes !== null}
      findings={findings({
        nodes: nodes ?? [],
        nearLimit: nearLimit.data?.items ?? [],
        throttled: throttled.data?.items ?? [],
        killed: killed.data?.items ?? [],
        stalled: [...stalled.values()],
        status: status.data ?? null,
      })}
    />
  );
}
