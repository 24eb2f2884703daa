// How far what is shown of a node or pod can be trusted.
import type { Item, State } from "../api/types";
import { duration } from "../format/time";

/** stateIcons stand before the word. */
export const stateIcons: Record<State, string> = { ok: "●", stale: "◐", down: "✕", unsupported: "⊘", pending: "○" };

/** stateWords are not REST's where Kubernetes means something else: a pod that is pending does not run yet. */
export const stateWords: Record<State, string> = { ok: "ok", stale: "stale", down: "down", unsupported: "unsupported", pending: "no sample" };

/** StateBadge is a state with its icon; the reason is its tooltip. */
export function StateBadge({ status }: { status: Item["status"] }) {
  // Long lists do not ask for the age.
  const age = status.ageSeconds == null ? "" : `sample of ${duration(status.ageSeconds)} ago`;
  const why = [status.reason, age].filter((part) => part !== "").join("; ");
  return (
    <span className={`state ${status.state}`} title={why}>
      <span aria-hidden="true">{stateIcons[status.state]}</span>{` ${stateWords[status.state]}`}
      {status.state !== "ok" && <span className="unseen"> {why}</span>}
    </span>
  );
}
