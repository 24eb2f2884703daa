// The crosshair of a chart by keyboard: from round to round. Pure.
import type { Interval } from "../url/time-range";

/**
 * stepFrom is the time of the round before or after a time, within what is
 * shown; from null it starts at the last round. It takes times, and not places
 * in the series, as these change with each round. Null is that no round is shown.
 */
export function stepFrom(times: readonly number[], at: number | null, step: -1 | 1, { from, to }: Interval): number | null {
  const inside = times.filter((time) => time >= from && time <= to);
  const first = inside[0];
  const last = inside.at(-1);
  if (first === undefined || last === undefined) return null;
  const start = at ?? last;
  const next = step < 0 ? inside.findLast((time) => time < start) : inside.find((time) => time > start);
  return next ?? (step < 0 ? first : last);
}
