// Pages that are not there from the start: they come when they are asked for,
// or when nothing else is to be done.
import type { ComponentType } from "react";
import { type QueryClient, queryOptions, useQuery } from "@tanstack/react-query";
import { chunk, OtherPage } from "../api/chunk";
import { useSteady } from "../api/queries";
import { Loaded } from "./section";

type Load<P> = () => Promise<{ default: ComponentType<P> }>;

// Asked for as the hub's answers are, so that what failed is asked for again.
const question = <P,>(name: string, load: Load<P>) =>
  queryOptions({
    queryKey: ["page", name],
    queryFn: () => chunk(load),
    meta: { once: true },
    structuralSharing: false,
    gcTime: Infinity,
    retry: false,
    throwOnError: (error) => error instanceof OtherPage,
  });

/** A Later is a page to come. */
interface Later<P> {
  (props: P): React.ReactNode;
  /** Loads it before it is asked for. */
  prefetch(queries: QueryClient): Promise<void>;
}

/** later makes a page out of what loads it. */
export function later<P extends object>(name: string, load: Load<P>): Later<P> {
  function Page(props: P) {
    const part = useSteady(useQuery(question(name, load)));
    return <Loaded answer={part} height={400}>{({ default: Loading }) => <Loading {...props} />}</Loaded>;
  }
  Page.prefetch = (queries: QueryClient) => queries.prefetchQuery(question(name, load));
  return Page;
}

/** whenIdle calls back when the browser has nothing else to do. */
export function whenIdle(callback: () => void): () => void {
  if (!("requestIdleCallback" in window)) {
    const timer = setTimeout(callback, 3000); // Safari has none
    return () => clearTimeout(timer);
  }
  const handle = requestIdleCallback(callback);
  return () => cancelIdleCallback(handle);
}
