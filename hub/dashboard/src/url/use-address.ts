// What the address says, and how to change it: every choice that the page
// offers is there, so that a link shows the same and the back button goes back.
import { useCallback, useMemo } from "react";
import { useLocation } from "wouter";
import { useSearch } from "wouter/use-browser-location"; // wouter's own decodes it, and who reads it does so again
import { parseTimeRange, type TimeRange, writeTimeRange } from "./time-range";

/** Choices that go with the reader from page to page. */
const lasting = ["range", "at", "from", "to", "view"];

/** A change of the address: push is a step of the back button, replace is none. */
type Step = "push" | "replace";

/** useParam is one choice: its value, "" unless it is in the address, and its setter. */
export function useParam(name: string, step: Step = "push"): [string, (value: string) => void] {
  const search = useSearch();
  const change = useChange();
  const set = useCallback(
    (value: string) => change((params) => (value === "" ? params.delete(name) : params.set(name, value)), step),
    [change, name, step],
  );
  return [new URLSearchParams(search).get(name) ?? "", set];
}

/** useTimeRange is the time that is shown, and its setter. */
export function useTimeRange(): [TimeRange, (range: TimeRange) => void] {
  const search = useSearch();
  const change = useChange();
  const set = useCallback((range: TimeRange) => change((params) => writeTimeRange(range, params), "push"), [change]);
  return [useMemo(() => parseTimeRange(new URLSearchParams(search)), [search]), set];
}

type Edit = (params: URLSearchParams) => void;

function useChange(): (edit: Edit, step: Step) => void {
  const [, navigate] = useLocation();
  return useCallback(
    (edit, step) => {
      const to = edited(location, edit);
      if (to !== null) navigate(`~${to}`, { replace: step === "replace" }); // ~ is a path from the root
    },
    [navigate],
  );
}

/** edited is an address with other choices; null if they are the same ones, which is no step. */
export function edited({ pathname, search }: Pick<Location, "pathname" | "search">, edit: Edit): string | null {
  const old = new URLSearchParams(search);
  const params = new URLSearchParams(search);
  edit(params);
  return params.toString() === old.toString() ? null : withSearch(pathname, params);
}

/** useHref makes addresses within the page, which keep what lasts. */
export function useHref(): (path: string, choices?: Record<string, string>) => string {
  const search = useSearch();
  return useCallback((path, choices = {}) => withSearch(path, carried(search, choices)), [search]);
}

/** carried are the lasting choices of an address, and others besides. */
export function carried(search: string, choices: Record<string, string>): URLSearchParams {
  const old = new URLSearchParams(search);
  const params = new URLSearchParams();
  for (const name of lasting) {
    const value = old.get(name);
    if (value !== null) params.set(name, value);
  }
  for (const [name, value] of Object.entries(choices)) params.set(name, value);
  return params;
}

function withSearch(path: string, params: URLSearchParams): string {
  const search = params.toString();
  return search === "" ? path : `${path}?${search}`;
}

/** The paths of the page's own things. */
export const pathOf = {
  node: (name: string) => `/nodes/${encodeURIComponent(name)}`,
  namespace: (name: string) => `/namespaces/${encodeURIComponent(name)}`,
  pod: (namespace: string, name: string) => `/pods/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}`,
  workload: (namespace: string, kind: string, name: string) =>
    `/workloads/${[namespace, kind, name].map(encodeURIComponent).join("/")}`,
};
