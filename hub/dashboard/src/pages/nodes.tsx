// All nodes.
import { useMemo } from "react";
import { useAnswer } from "../api/queries";
import type { List, Node } from "../api/types";
import { bytesPerSecond } from "../format/number";
import { cpuColumn, memoryColumn, nameColumn, podsColumn, ratioColumn, Share, stateColumn, trafficColumn } from "../parts/columns";
import { CurrentNote } from "../parts/current-note";
import { HeatGrid } from "../parts/heat-grid";
import { Loaded } from "../parts/section";
import { useNetworkFormat } from "../parts/settings";
import { type Column, DataTable } from "../parts/table";
import { valueOf, whyNull } from "../derive/metric";
import { bounds, levelOf } from "../derive/levels";
import { Unknown } from "../parts/value";
import { pathOf } from "../url/use-address";

const fields = "name,status,ratios,unavailable,pods,usage";

/** Nodes is the page. */
export default function Nodes() {
  const nodes = useAnswer<List<Node>>("nodes", { fields });
  return (
    <>
      <h1>Nodes</h1>
      <Loaded answer={nodes} height={400}>
        {(list) => (
          <>
            <CurrentNote time={list.time} />
            <HeatGrid nodes={list.items} heading="" />
            <NodeTable nodes={list.items} />
          </>
        )}
      </Loaded>
    </>
  );
}

function NodeTable({ nodes }: { nodes: readonly Node[] }) {
  const network = useNetworkFormat();
  const columns = useMemo(
    (): [Column<Node>, ...Column<Node>[]] => [
      nameColumn<Node>("Node"), stateColumn<Node>(),
      cpuColumn<Node>(), ratioColumn<Node>("cpu-share", "of allocatable", "CPU used of what is allocatable", "cpuOfAllocatable", "what is allocatable is not known", "tablet"),
      ratioColumn<Node>("cpu-requested", "requested", "CPU requested of what is allocatable", "cpuRequestOfAllocatable", "what is allocatable is not known", "laptop"),
      memoryColumn<Node>(), ratioColumn<Node>("memory-share", "of allocatable", "Memory used of what is allocatable", "memoryOfAllocatable", "what is allocatable is not known", "tablet"),
      ratioColumn<Node>("memory-requested", "requested", "Memory requested of what is allocatable", "memoryRequestOfAllocatable", "what is allocatable is not known", "laptop"),
      trafficColumn<Node>("network", network), trafficColumn<Node>("disk", bytesPerSecond),
      stallColumn("cpuSome", "CPU stall"), stallColumn("memorySome", "Memory stall"), stallColumn("ioSome", "Disk stall"),
      podsColumn<Node>(),
    ],
    [network],
  );
  return <DataTable caption="nodes" rows={nodes} columns={columns} rowKey={({ name }) => name} path={({ name }) => pathOf.node(name)} searched={searched} sort="name" empty="No node has an agent yet." />;
}

function searched(node: Node): string {
  return `${node.name} ${node.status.state}`;
}

function stallColumn(kind: "cpuSome" | "memorySome" | "ioSome", label: string): Column<Node> {
  return {
    id: kind, label, title: `${label}: share of time in which some task waited`, number: true, width: 96, from: "desktop",
    sort: (node) => valueOf(node.usage, `pressure.${kind}`),
    cell: (node) => {
      const share = valueOf(node.usage, `pressure.${kind}`);
      return share === null ? <Unknown why={whyNull(node, "pressure")} /> : <Share share={share} level={levelOf(share, bounds.stalled)} />;
    },
  };
}
