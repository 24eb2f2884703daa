// All workloads of every kind.
import { useLongList } from "../api/queries";
import type { Workload } from "../api/types";
import { CurrentNote } from "../parts/current-note";
import { ScopeNote } from "../parts/scope-note";
import { Loaded } from "../parts/section";
import { WorkloadTable } from "../parts/workload-table";
import { useParam } from "../url/use-address";

/** What a row needs. */
export const workloadFields = "kind,name,namespace,status,ratios,unavailable,pods,usage";

/** Workloads is the page. */
export default function Workloads() {
  const [kind, setKind] = useParam("kind");
  const workloads = useLongList<Workload>("workloads", { fields: workloadFields });
  return (
    <>
      <h1>Workloads</h1>
      <Loaded answer={workloads} height={400}>
        {({ items, scope, time }) => {
          const kinds = [...new Set(items.map((w) => w.kind))].sort();
          return (
            <>
              <ScopeNote scope={scope} />
              <CurrentNote time={time} />
              <WorkloadTable workloads={kind === "" ? items : items.filter((w) => w.kind === kind)}
                controls={<KindChoice kinds={kinds} value={kind} onChange={setKind} />} />
            </>
          );
        }}
      </Loaded>
    </>
  );
}

function KindChoice({ kinds, value, onChange }: { kinds: string[]; value: string; onChange(kind: string): void }) {
  return (
    <label>
      of <select value={value} onChange={(event) => onChange(event.target.value)}>
        <option value="">every kind</option>
        {kinds.map((kind) => <option key={kind}>{kind}</option>)}
      </select>
    </label>
  );
}
