// Asks the hub. Every address is relative to the page's own, so that the page
// works below any path.
import type { List, Problem } from "./types";

/** What a request names besides its path; what is undefined or empty is left out. */
export type Params = Record<string, string | number | undefined>;

/** ApiError is an answer that is not what was asked for. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    detail: string,
  ) {
    super(detail);
    this.name = "ApiError";
  }
}

/** HubAway is the error of a request to which nobody answered. */
export class HubAway extends Error {
  constructor() {
    super("the hub does not answer");
    this.name = "HubAway";
  }
}

/** address returns the address of a path of the hub. */
export function address(path: string, params: Params = {}): URL {
  const url = new URL(path, document.baseURI);
  for (const [name, value] of Object.entries(params)) {
    if (value !== undefined && value !== "") url.searchParams.set(name, String(value));
  }
  return url;
}

/**
 * ask returns the hub's answer as JSON. Where the session is over it leaves for
 * the login page, which leads back here.
 */
export async function ask<T>(path: string, params: Params, signal: AbortSignal): Promise<T> {
  const response = await fetch(address(`api/v1/${path}`, params), { signal, cache: "no-cache" }).catch((error: unknown) => {
    if (signal.aborted) throw error;
    throw new HubAway();
  });
  if (response.ok) return (await response.json()) as T;
  if (response.status === 401) location.assign(loginAddress(location.href, document.baseURI));
  throw new ApiError(response.status, await detailOf(response));
}

// What one answer of a long list has at most: to parse it must not be felt.
const pageSize = 1000;
// A round may end while its pages are asked for; then they are asked for again.
const tries = 3;

/** What an item of a list is told by. */
interface Named {
  name: string;
  kind?: string | undefined;
  namespace?: string | undefined;
}

/**
 * askForAll returns a list of any length, in pages of one and the same round.
 * Where rounds end too fast for that, as while many nodes attach, its pages are
 * of several, and what comes twice is there once.
 */
export async function askForAll<T extends Named>(path: string, params: Params, signal: AbortSignal): Promise<List<T>> {
  for (let left = tries; ; left--) {
    const pages = await allPages<T>(path, params, signal);
    const [first] = pages;
    if (!first) throw new HubAway(); // never: there is a first page or an error
    const items = pages.flatMap((page) => page.items);
    if (pages.every(({ time }) => time === first.time)) return { ...first, items };
    if (left === 1) return { ...first, items: [...new Map(items.map((item) => [`${item.namespace}/${item.kind}/${item.name}`, item])).values()] };
  }
}

async function allPages<T extends Named>(path: string, params: Params, signal: AbortSignal): Promise<List<T>[]> {
  const pages: List<T>[] = [];
  let next: string | undefined;
  do {
    const page = await ask<List<T>>(path, { ...params, limit: pageSize, continue: next }, signal);
    pages.push(page);
    next = page.continue;
  } while (next);
  return pages;
}

/** loginAddress is where to log in, with the way back to the page at href. */
export function loginAddress(href: string, base: string): URL {
  const url = new URL("login", base);
  const rest = href.slice(new URL(".", base).href.length);
  url.searchParams.set("next", `/${rest}`);
  return url;
}

/** logOut ends the session and leaves for the login page, unless nobody answers. */
export async function logOut(): Promise<void> {
  await fetch(address("logout"), { method: "POST", redirect: "manual" }).catch(() => {
    throw new HubAway();
  });
  location.assign(address("login"));
}

async function detailOf(response: Response): Promise<string> {
  // A proxy before the hub may answer with something else than a problem.
  const problem = (await response.json().catch(() => null)) as Partial<Problem> | null;
  return problem?.detail ?? `the answer was ${response.status} ${response.statusText}`.trimEnd();
}
