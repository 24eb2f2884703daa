// One node: its history, its devices, what runs on it beside pods, and its pods.
import { useMemo } from "react";
import { useHistory, useLongList } from "../api/queries";
import type { NodeAnswer, Pod } from "../api/types";
import { nodeCharts } from "../derive/charts";
import { bytes, cpu, significant, text } from "../format/number";
import { Charts } from "../parts/chart";
import { CurrentNote } from "../parts/current-note";
import { Disks, Filesystems, Interfaces, Processes, Slices } from "../parts/devices";
import { PodTable } from "../parts/pod-table";
import { Loaded } from "../parts/section";
import { useNetworkFormat } from "../parts/settings";
import { type Fact, Title } from "../parts/title";
import { podFields } from "./pods";

/** NodePage is the page. */
export default function NodePage({ name }: { name: string }) {
  const path = `nodes/${encodeURIComponent(name)}`;
  const node = useHistory<NodeAnswer>(path);
  const pods = useLongList<Pod>(`${path}/pods`, { fields: podFields });
  return (
    <>
      <Title up={{ path: "/nodes", label: "Nodes" }} name={name} item={node.data} facts={node.data ? factsOf(node.data) : []} />
      <CurrentNote time={node.data?.time} />
      <Loaded answer={node} height={600}>{(data) => <Parts node={data} />}</Loaded>
      <h2>Pods</h2>
      <Loaded answer={pods} height={300}>{(list) => <PodTable pods={list.items} sort="-cpu" shows="node" empty="No pod runs here." />}</Loaded>
    </>
  );
}

function factsOf(node: NodeAnswer): Fact[] {
  const facts: Fact[] = [];
  const resources = (label: string, r: NodeAnswer["requests"]) => {
    if (r?.cpuMillicores == null || r.memoryBytes === null) return;
    facts.push({ label, value: `${text(cpu(r.cpuMillicores))}, ${text(bytes(r.memoryBytes))}` });
  };
  resources("Capacity", node.capacity);
  resources("Allocatable", node.allocatable);
  resources("Requested", node.requests);
  if (node.load) facts.push({ label: "Load of 1, 5, 15 min", value: node.load.map(significant).join("  ") });
  if (node.agent) facts.push({ label: "Agent", value: `${node.agent.version}, cgroup ${node.agent.cgroupMode}` });
  return facts;
}

function Parts({ node }: { node: NodeAnswer }) {
  const network = useNetworkFormat();
  const charts = useMemo(() => (node.series ? nodeCharts({ ...node, series: node.series }, network) : []), [node, network]);
  return (
    <>
      <Charts charts={charts} />
      {node.warnings && node.warnings.length > 0 && (
        <section aria-labelledby="warnings-title">
          <h2 id="warnings-title">What the agent could not read</h2>
          <ul className="plain">{node.warnings.map((warning) => <li key={warning}>{warning}</li>)}</ul>
        </section>
      )}
      <div className="device-grid">
        <Slices slices={node.system} />
        <Processes processes={node.processes} />
        <Filesystems filesystems={node.filesystems} />
        <Disks disks={node.disks} />
        <Interfaces interfaces={node.network} />
      </div>
    </>
  );
}
