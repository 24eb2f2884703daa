// What the page asks of the hub, as hooks. Each answer is kept until the next
// round, when those that are on the screen are asked for again.
import { keepPreviousData, QueryClient, useQuery, type UseQueryResult } from "@tanstack/react-query";
import { createContext, useContext, useSyncExternalStore } from "react";
import { ranges, windowSeconds } from "../url/time-range";
import { useTimeRange } from "../url/use-address";
import { ApiError, ask, askForAll, type Params } from "./client";
import type { Feed, LiveFeed } from "./live";
import type { List, Status } from "./types";

/** Feed of the page, for useFeed. */
export const FeedContext = createContext<LiveFeed | null>(null);

/** useFeed is how the page learns of rounds. */
export function useFeed(): Feed {
  const feed = useContext(FeedContext);
  if (!feed) throw new Error("useFeed needs a FeedContext around it");
  return useSyncExternalStore(feed.subscribe, feed.current);
}

/** An answer to come, or the error instead of it. */
export type Answer<T> = UseQueryResult<T, Error>;

interface Options {
  /** Not asked again with each round. */
  once?: boolean;
  /** Do not ask. */
  skip?: boolean;
}

/** useAnswer asks for one path, now and with each round. */
export function useAnswer<T>(path: string, params: Params = {}, { once = false, skip = false }: Options = {}): Answer<T> {
  return useQuery<T, Error>({
    queryKey: [path, params],
    queryFn: ({ signal }) => ask<T>(path, params, signal),
    meta: { once },
    enabled: !skip,
    // Other parameters of the same path: what was there stays until they are answered.
    placeholderData: (previous, query) => (query?.queryKey[0] === path ? keepPreviousData(previous) : undefined),
  });
}

/** useLongList asks for all of a list that may have thousands of items: too many to compare them with the last ones. */
export function useLongList<T extends { name: string }>(path: string, params: Params = {}): Answer<List<T>> {
  return useQuery<List<T>, Error>({
    queryKey: [path, params, "all"],
    queryFn: ({ signal }) => askForAll<T>(path, params, signal),
    structuralSharing: false,
  });
}

/** useHistory asks for one thing with the history that the address asks to be shown. */
export function useHistory<T>(path: string, fields?: string): Answer<T> {
  const [range] = useTimeRange();
  const limit = useWindowLimit();
  return useAnswer<T>(path, { window: windowSeconds(range, Date.now(), limit ?? 0), fields }, { skip: limit === null });
}

/** useWindowLimit is how far back the hub's answers go, in seconds; null until the hub has said so. */
export function useWindowLimit(): number | null {
  const status = useAnswer<Status>("status", {}, { once: true });
  if (status.isPending) return null;
  return Math.floor(status.data?.hub.windowSeconds ?? ranges["1h"]); // who may not read status gets the usual
}

/** newQueries makes the place in which answers are kept. */
export function newQueries(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
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

/** nextRound asks again for what is on the screen. */
export function nextRound(queries: QueryClient): void {
  void queries.invalidateQueries({ predicate: ({ observers }) => observers.some(({ options }) => !options.meta?.["once"]) }, { cancelRefetch: false });
}
