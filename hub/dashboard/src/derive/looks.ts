// What was looked at for trouble, and what may be said of what was found:
// nothing was found is no good news of what nobody could see. Pure.
import type { Pod } from "../api/types";
import type { Evidence } from "./problems";

/** A Look is what became of the request for a part of the evidence; partly is that there is more than was asked for. */
export type Look = "pending" | "failed" | "partly" | "known";

/** Looks has one for each part. */
export type Looks = Record<Exclude<keyof Evidence, "windowSeconds">, Look>;

const words: readonly [keyof Looks, string][] = [
  ["nodes", "nodes"],
  ["nearLimit", "memory limits"],
  ["throttled", "throttling"],
  ["killed", "OOM kills"],
  ["stalled", "stalls"],
  ["status", "the API server"],
];

/** bothOf is the look at a part that takes two requests. */
export function bothOf(a: Look, b: Look): Look {
  if (a === "failed" || b === "failed") return "failed";
  return a === "pending" || b === "pending" ? "pending" : "known";
}

/** killedOf is the look at pods by their OOM kills, which were asked for up to a most: the last of them may not be the last that was killed. */
export function killedOf(look: Look, pods: readonly Pick<Pod, "usage">[], most: number): Look {
  return look === "known" && pods.length >= most && pods.at(-1)?.usage?.oomKills !== 0 ? "partly" : look;
}

/** isPending tells whether some part is still to come. */
export function isPending(looks: Looks): boolean {
  return Object.values(looks).includes("pending");
}

/** verdict is what there is to say beside so many findings; "" if they say it all. */
export function verdict(found: number, looks: Looks): string {
  const unseen = words.filter(([part]) => looks[part] !== "known").map(([part, word]) => (looks[part] === "partly" ? `${word} of more pods` : word));
  if (found === 0 && Object.values(looks).every((look) => look === "failed")) return "Nothing could be looked at.";
  const rest = unseen.length === 0 ? "" : `Could not be looked at: ${unseen.join(", ")}.`;
  if (found > 0) return rest;
  return rest === "" ? "Nothing: every node reports, and nothing is near a limit, throttled, stalled or killed." : `Nothing was found in what could be looked at. ${rest}`;
}
