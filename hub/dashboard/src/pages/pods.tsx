// All pods, ten thousand of them if need be.
import { useMemo } from "react";
import { Link } from "wouter";
import { useAnswer, useLongList } from "../api/queries";
import type { List, Namespace, Pod } from "../api/types";
import { pathOf, useHref, useParam } from "../url/use-address";
import { CurrentNote } from "../parts/current-note";
import { ScopeNote } from "../parts/scope-note";
import { Loaded } from "../parts/section";
import { PodTable } from "../parts/pod-table";

/** What a row of the table needs, and no more: of ten thousand pods the rest is most. */
export const podFields = "name,namespace,node,phase,status.state,status.reason,owner.kind,ratios.cpuOfRequest,ratios.cpuOfLimit,ratios.memoryOfRequest,ratios.memoryOfLimit,unavailable,containers.restarts,usage.cpuMillicores,usage.memoryBytes,usage.networkRxBytesPerSecond,usage.networkTxBytesPerSecond,usage.diskReadBytesPerSecond,usage.diskWriteBytesPerSecond,usage.cpuThrottledRatio";

/** Pods is the page. */
export default function Pods() {
  const [namespace, setNamespace] = useParam("ns");
  const pods = useLongList<Pod>("pods", { namespace, fields: podFields });
  const namespaces = useAnswer<List<Namespace>>("namespaces", { fields: "name" });
  const names = useMemo(() => namespaces.data?.items.map(({ name }) => name) ?? [], [namespaces.data]);
  return (
    <>
      <div className="section-head">
        <h1>Pods</h1>
        <NamespaceChoice names={names} value={namespace} onChange={setNamespace} />
      </div>
      <Loaded answer={pods} height={400}>
        {(list) => (
          <>
            <ScopeNote scope={list.scope} />
            <CurrentNote time={list.time} />
            <PodTable pods={list.items} sort="-cpu" shows="all" />
          </>
        )}
      </Loaded>
    </>
  );
}

function NamespaceChoice({ names, value, onChange }: { names: string[]; value: string; onChange(name: string): void }) {
  const all = value === "" || names.includes(value) ? names : [...names, value];
  const href = useHref();
  return (
    <span>
      <label>
        in <select value={value} onChange={(event) => onChange(event.target.value)}>
          <option value="">all namespaces</option>
          {all.map((name) => <option key={name}>{name}</option>)}
        </select>
      </label>
      {value !== "" && <> <Link href={href(pathOf.namespace(value))}>its page</Link></>}
    </span>
  );
}
