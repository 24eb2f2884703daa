// A table of workloads: every top owner of pods.
import { type ReactNode, useMemo } from "react";
import type { Workload } from "../api/types";
import { pathOf } from "../url/use-address";
import { nameColumn, podsColumn, sumColumns } from "./columns";
import { useNetworkFormat } from "./settings";
import { type Column, DataTable } from "./table";

interface Props {
  workloads: readonly Workload[];
  /** Its column is left out where all are of one. */
  ofNamespace?: boolean;
  controls?: ReactNode;
}

/** WorkloadTable is the table. */
export function WorkloadTable({ workloads, ofNamespace = false, controls }: Props) {
  const network = useNetworkFormat();
  const columns = useMemo(
    (): [Column<Workload>, ...Column<Workload>[]] => [
      nameColumn<Workload>("Workload"), kindColumn, ...(ofNamespace ? [] : [namespaceColumn]), podsColumn<Workload>(), ...sumColumns<Workload>(network, ofNamespace ? "tablet" : "desktop"),
    ],
    [network, ofNamespace],
  );
  return (
    <DataTable caption="workloads" rows={workloads} columns={columns} rowKey={keyOf} path={pathOfWorkload} searched={keyOf} sort="-cpu"
      controls={controls} empty="There are no workloads." />
  );
}

const kindColumn: Column<Workload> = { id: "kind", label: "Kind", width: 112, from: "tablet", sort: (w) => w.kind, cell: (w) => w.kind };

const namespaceColumn: Column<Workload> = {
  id: "namespace", label: "Namespace", width: 124, from: "tablet", sort: (w) => w.namespace, cell: (w) => w.namespace, hint: (w) => w.namespace,
};

function keyOf(w: Workload): string {
  return `${w.namespace}/${w.kind}/${w.name}`;
}

function pathOfWorkload(w: Workload): string {
  return pathOf.workload(w.namespace, w.kind, w.name);
}
