// Which answers are asked for again when a round is told of, and of which round
// an answer is.
import type { Query, QueryClient, QueryKey } from "@tanstack/react-query";
import { ApiError } from "./client";
import type { Tick } from "./types";

/**
 * nextRound asks again for what is on the screen; null is a round that was not
 * told of. A page that stands still only asks for what it never got.
 */
export function nextRound(queries: QueryClient, tick: Tick | null, standing: boolean): void {
  for (const query of queries.getQueryCache().findAll({ type: "active" })) {
    if (isAskedAgain(query, standing)) void askAgain(queries, query, tick);
  }
}

function isAskedAgain({ state, observers }: Query, standing: boolean): boolean {
  // The rights of a reader seldom change, and never by themselves.
  if (state.error instanceof ApiError && state.error.status === 403) return false;
  if (state.data === undefined) return true;
  return !standing && observers.some(({ options }) => !options.meta?.["once"]);
}

/** askAgain waits for an answer that is under way, and asks once more if that is of an earlier round. */
async function askAgain(queries: QueryClient, query: Query, tick: Tick | null): Promise<void> {
  const underWay = query.state.fetchStatus !== "idle";
  const ask = () => queries.invalidateQueries({ queryKey: query.queryKey, exact: true }, { cancelRefetch: false });
  await ask();
  const { data } = query.state;
  if (underWay && tick && data !== undefined && (timeOf(data) ?? 0) < Date.parse(tick.time)) await ask();
}

/** latestTime is the time of the newest of some answers, in milliseconds since 1970; null if there is none. */
export function latestTime(answers: readonly unknown[]): number | null {
  return answers.reduce<number | null>((latest, answer) => {
    const time = timeOf(answer);
    return time !== null && time > (latest ?? 0) ? time : latest;
  }, null);
}

/** timeOf is that of the round that an answer is of: every answer of the hub says so. */
function timeOf(answer: unknown): number | null {
  if (typeof answer !== "object" || answer === null || !("time" in answer) || typeof answer.time !== "string") return null;
  return Date.parse(answer.time);
}

/** isSameButWindow tells whether two questions are about the same, of the same or of another length of time. */
export function isSameButWindow(one: QueryKey, other: QueryKey): boolean {
  return textOf(one) === textOf(other);
}

function textOf([path, params]: QueryKey): string {
  const { window: _, ...others } = (params ?? {}) as Record<string, unknown>;
  return JSON.stringify([path, Object.entries(others).sort()]);
}
