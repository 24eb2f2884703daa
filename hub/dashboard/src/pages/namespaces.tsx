// All namespaces, each the sum of its pods.
import { useMemo } from "react";
import { useAnswer } from "../api/queries";
import type { List, Namespace } from "../api/types";
import { nameColumn, podsColumn, sumColumns } from "../parts/columns";
import { CurrentNote } from "../parts/current-note";
import { ScopeNote } from "../parts/scope-note";
import { Loaded } from "../parts/section";
import { useNetworkFormat } from "../parts/settings";
import { type Column, DataTable } from "../parts/table";
import { pathOf } from "../url/use-address";

/** Namespaces is the page. */
export default function Namespaces() {
  const network = useNetworkFormat();
  const namespaces = useAnswer<List<Namespace>>("namespaces", { fields: "name,status,ratios,unavailable,pods,usage" });
  const columns = useMemo((): [Column<Namespace>, ...Column<Namespace>[]] => [nameColumn<Namespace>("Namespace"), podsColumn<Namespace>(), ...sumColumns<Namespace>(network, "tablet")], [network]);
  return (
    <>
      <h1>Namespaces</h1>
      <Loaded answer={namespaces} height={400}>
        {(list) => (
          <>
            <ScopeNote scope={list.scope} />
            <CurrentNote time={list.time} />
            <DataTable caption="namespaces" rows={list.items} columns={columns} rowKey={({ name }) => name} path={({ name }) => pathOf.namespace(name)}
              searched={({ name }) => name} sort="-cpu" empty="There are no namespaces." />
          </>
        )}
      </Loaded>
    </>
  );
}
