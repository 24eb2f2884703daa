import { expect, test } from "vitest";
import type { Pod } from "../api/types";
import { bothOf, isPending, killedOf, type Look, type Looks, verdict } from "./looks";

const all = (look: Look): Looks => ({ nodes: look, nearLimit: look, throttled: look, killed: look, stalled: look, status: look });
const known = all("known");

test.each<[string, number, Looks, string]>([
  ["all of it is well", 0, known, "Nothing: every node reports, and nothing is near a limit, throttled, stalled or killed."],
  ["what was found says it", 3, known, ""],
  ["no request was answered", 0, all("failed"), "Nothing could be looked at."],
  ["nodes are not the reader's", 0, { ...known, nodes: "failed", status: "failed" }, "Nothing was found in what could be looked at. Could not be looked at: nodes, the API server."],
  ["something was found in the rest", 1, { ...known, killed: "failed" }, "Could not be looked at: OOM kills."],
  ["more pods were killed than were asked for", 0, { ...known, killed: "partly" }, "Nothing was found in what could be looked at. Could not be looked at: OOM kills of more pods."],
])("%s", (_name, found, looks, want) => expect(verdict(found, looks)).toBe(want));

test.each(Object.keys(known) as (keyof Looks)[])("no all-clear without %s", (part) => {
  expect(verdict(0, { ...known, [part]: "failed" })).not.toContain("every node reports");
  expect(isPending({ ...known, [part]: "pending" })).toBe(true);
});

test("nothing is pending once all is known or failed", () => expect([known, all("failed")].map(isPending)).toEqual([false, false]));

test.each<[Look, Look, Look]>([
  ["known", "known", "known"], ["known", "pending", "pending"], ["pending", "failed", "failed"], ["failed", "known", "failed"],
])("%s and %s are %s", (a, b, want) => expect([bothOf(a, b), bothOf(b, a)]).toEqual([want, want]));

const killed = (...totals: (number | null)[]) => totals.map((oomKills) => ({ usage: { oomKills } }) as Pick<Pod, "usage">);

test.each<[string, Look, Pick<Pod, "usage">[], Look]>([
  ["all that were ever killed", "known", killed(3, 0), "known"],
  ["fewer than were asked for", "known", killed(3), "known"],
  ["a last one that was killed", "known", killed(3, 1), "partly"],
  ["a last one that is not known", "known", killed(3, null), "partly"],
  ["no answer", "failed", [], "failed"],
])("of %s", (_name, look, pods, want) => expect(killedOf(look, pods, 2)).toBe(want));
