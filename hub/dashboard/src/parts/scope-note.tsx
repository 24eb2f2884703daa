// Says that a reader sees a part, and not that there is no more.
import type { Scope } from "../api/types";

/** ScopeNote is there only for who may not see the pods of every namespace. */
export function ScopeNote({ scope }: { scope: Scope | undefined }) {
  if (!scope || scope.allNamespaces) return null;
  const names = scope.namespaces ?? [];
  return <p className="notice scope">{partOf(names)}</p>;
}

function partOf(names: readonly string[]): string {
  if (names.length === 0) return "You may see the pods of no namespace.";
  if (names.length === 1) return `You see the namespace ${names[0]}: it is the one in which you may list pods.`;
  return `You see the namespaces ${names.join(", ")}: those in which you may list pods.`;
}
