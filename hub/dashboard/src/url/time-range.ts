// The time that charts show, and its form in the address. Pure.
//
//   range=15m               the last 15 minutes, live
//   range=15m&at=176…       the 15 minutes before a moment: paused
//   from=176…&to=176…       an interval that was zoomed into; live or paused behind it

/** The lengths that the page offers, in seconds, by their name in the address. */
export const ranges = { "5m": 300, "15m": 900, "30m": 1800, "1h": 3600 } as const;
export type RangeName = keyof typeof ranges;

const defaultRange: RangeName = "15m";

/** Times in milliseconds since 1970, as the hub's series have them. */
export interface Interval {
  from: number;
  to: number;
}

export interface TimeRange {
  name: RangeName;
  pausedAt: number | null;
  zoom: Interval | null;
}

/** parseTimeRange reads an address; what makes no sense there counts as not given. */
export function parseTimeRange(params: URLSearchParams): TimeRange {
  const name = params.get("range") ?? "";
  const from = time(params.get("from"));
  const to = time(params.get("to"));
  return {
    name: Object.hasOwn(ranges, name) ? (name as RangeName) : defaultRange,
    pausedAt: time(params.get("at")),
    zoom: from !== null && to !== null && from < to ? { from, to } : null,
  };
}

/** writeTimeRange is the reverse; what is the default is not in the address. */
export function writeTimeRange(range: TimeRange, params: URLSearchParams): void {
  set(params, "range", range.name === defaultRange ? null : range.name);
  set(params, "at", range.pausedAt);
  set(params, "from", range.zoom?.from ?? null);
  set(params, "to", range.zoom?.to ?? null);
}

/** shown is the interval that charts show when the latest round was at latest. */
export function shown(range: TimeRange, latest: number): Interval {
  if (range.zoom) return range.zoom;
  const to = range.pausedAt ?? latest;
  return { from: to - ranges[range.name] * 1000, to };
}

/**
 * windowSeconds is what to ask the hub for, so that its answer reaches back to
 * what is shown. It is one of the ranges, or the hub's whole window: few
 * different requests, which the hub and the page then keep.
 */
export function windowSeconds(range: TimeRange, now: number, limit: number): number {
  const reach = (now - shown(range, now).from) / 1000;
  const fit = Object.values(ranges).find((seconds) => seconds >= reach) ?? ranges["1h"];
  return Math.min(fit, limit);
}

function time(value: string | null): number | null {
  return value !== null && /^\d{12,14}$/.test(value) ? Number(value) : null;
}

function set(params: URLSearchParams, name: string, value: string | number | null): void {
  if (value === null) params.delete(name);
  else params.set(name, String(value));
}
