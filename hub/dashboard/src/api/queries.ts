// What the page asks of the hub, as hooks. Each answer is kept until the next
// round, when those that are on the screen are asked for again (rounds.ts).
import { keepPreviousData, notifyManager, QueryClient, useQuery, useQueryClient, type UseQueryResult } from "@tanstack/react-query";
import { createContext, useCallback, useContext, useMemo, useRef, useSyncExternalStore } from "react";
import { ranges, windowSeconds } from "../url/time-range";
import { useTimeRange } from "../url/use-address";
import { ApiError, ask, askForAll, type Params } from "./client";
import type { Feed, LiveFeed } from "./live";
import { isSameButWindow, latestTime } from "./rounds";
import type { List, Status } from "./types";

/** Feed of the page, for useFeed. */
export const FeedContext = createContext<LiveFeed | null>(null);

/** useFeed is how the page learns of rounds. */
export function useFeed(): Feed {
  const feed = useContext(FeedContext);
  if (!feed) throw new Error("useFeed needs a FeedContext around it");
  return useSyncExternalStore(feed.subscribe, feed.current);
}

/** An answer to come, or the error instead of it or of a later one. */
export interface Answer<T> {
  data: T | undefined;
  error: Error | null;
}

interface Options {
  /** Not asked again with each round. */
  once?: boolean;
  /** Do not ask. */
  skip?: boolean;
}

/** useAnswer asks for one path, now and with each round. */
export function useAnswer<T>(path: string, params: Params = {}, { once = false, skip = false }: Options = {}): Answer<T> {
  const asked = useQuery<T, Error>({
    queryKey: [path, params],
    queryFn: ({ signal }) => ask<T>(path, params, signal),
    meta: { once },
    enabled: !skip,
    // Of a longer or shorter time: what was there stays until that is answered.
    placeholderData: (previous, query) => (query && isSameButWindow(query.queryKey, [path, params]) ? keepPreviousData(previous) : undefined),
  });
  return useSteady(asked);
}

/** useLongList asks for all of a list that may have thousands of items: too many to compare them with the last ones. */
export function useLongList<T extends { name: string }>(path: string, params: Params = {}): Answer<List<T>> {
  const asked = useQuery<List<T>, Error>({
    queryKey: [path, params, "all"],
    queryFn: ({ signal }) => askForAll<T>(path, params, signal),
    structuralSharing: false,
  });
  return useSteady(asked);
}

/** useSteady still says why there is no answer while it is asked for again. */
export function useSteady<T>({ data, error, isPending, errorUpdateCount }: UseQueryResult<T, Error>): Answer<T> {
  const last = useRef<Error | null>(null);
  if (error) last.current = error;
  const failedBefore = isPending && errorUpdateCount > 0;
  return { data, error: failedBefore ? last.current : error };
}

/** useHistory asks for one thing with the history that the address asks to be shown. */
export function useHistory<T>(path: string, fields?: string): Answer<T> {
  const [range] = useTimeRange();
  const { tick } = useFeed();
  const limit = useWindowLimit();
  const now = Math.max(useLatestTime() ?? 0, tick ? Date.parse(tick.time) : 0) || Date.now();
  // What is paused has all that it shows: later rounds do not make it ask for more.
  const passing = range.pausedAt === null ? now : null;
  const window = useMemo(() => windowSeconds(range, now, limit ?? 0), [path, range, limit, passing]);
  return useAnswer<T>(path, { window, fields }, { skip: limit === null });
}

/** useLatestTime is the time of the newest round that the page has an answer of, by the hub's clock; null before the first. */
export function useLatestTime(): number | null {
  const cache = useQueryClient().getQueryCache();
  const subscribe = useCallback((changed: () => void) => cache.subscribe(notifyManager.batchCalls(changed)), [cache]);
  return useSyncExternalStore(subscribe, () => latestTime(cache.getAll().map(({ state }) => state.data)));
}

/** useWindowLimit is how far back the hub's answers go, in seconds; null until the hub has said so. */
export function useWindowLimit(): number | null {
  const { state, tick } = useFeed();
  const status = useAnswer<Status>("status", {}, { once: true });
  const said = tick?.windowSeconds ?? status.data?.hub.windowSeconds;
  if (said !== undefined) return Math.floor(said);
  if (status.error === null || state === "connecting") return null;
  return ranges["1h"]; // who may not read status, and hears of no round, gets the usual
}

/** newQueries makes the place in which answers are kept. */
export function newQueries(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        networkMode: "always", // a browser that calls itself offline may still reach the hub
        staleTime: Infinity, // until the next round
        gcTime: 60_000,
        refetchOnWindowFocus: false,
        retry: (failures, error) => isPassing(error) && failures < 2,
        retryDelay: (failures) => 1000 * 2 ** failures,
      },
    },
  });
}

/** isPassing tells of an error that may be over in a moment. */
function isPassing(error: Error): boolean {
  return error instanceof ApiError ? error.status === 503 : true;
}
