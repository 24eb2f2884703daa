// Says that a reader sees a part, and not that there is no more.
import type { Scope } from "../api/types";

interface Props {
  scope: Scope | undefined;
  /** What the page is about. */
  of: "nodes" | "pods";
}

/** ScopeNote is there only for who may not see everything. */
export function ScopeNote({ scope, of }: Props) {
  if (!scope) return null;
  if (of === "nodes") return scope.nodes ? null : <p className="notice scope">To see nodes takes the right to list nodes, which you do not have.</p>;
  if (scope.allNamespaces) return null;
  const names = scope.namespaces ?? [];
  return <p className="notice scope">{partOf(names)}</p>;
}

function partOf(names: readonly string[]): string {
  if (names.length === 0) return "You may see the pods of no namespace.";
  if (names.length === 1) return `You see the namespace ${names[0]}: it is the one in which you may list pods.`;
  return `You see the namespaces ${names.join(", ")}: those in which you may list pods.`;
}
