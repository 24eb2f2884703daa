// When a sum did not hold all its parts: it is smaller then, though nobody used
// less. Pure.
import type { Series } from "../api/types";
import { clockTime } from "../format/time";

/** A Lack is a stretch of rounds, from the first to the last, in which so many of a sum's pods reported. */
export interface Lack {
  from: number;
  to: number;
  reporting: number;
  count: number;
}

/** lacksOf finds the stretches; what is not a sum has none. */
export function lacksOf({ times, reporting = [], count = [] }: Pick<Series, "times" | "reporting" | "count">): Lack[] {
  const lacks: Lack[] = [];
  let open: Lack | null = null;
  times.forEach((time, i) => {
    const now = { reporting: reporting[i] ?? 0, count: count[i] ?? 0 };
    if (now.reporting >= now.count) open = null;
    else if (open?.reporting === now.reporting && open.count === now.count) open.to = time;
    else lacks.push((open = { from: time, to: time, ...now }));
  });
  return lacks;
}

/** How many lacks are told of one by one; of more, only the last is. */
const told = 2;

/** lacksInWords tells of lacks, the last one first. What lasts until latest is still so. */
export function lacksInWords(lacks: readonly Lack[], latest: number): string[] {
  const last = lacks.at(-1);
  if (!last || lacks.length <= told) return lacks.map((lack) => lackInWords(lack, latest)).reverse();
  const before = lacks.slice(0, -1);
  const worst = before.reduce((a, b) => (b.reporting / b.count < a.reporting / a.count ? b : a));
  return [lackInWords(last, latest), `${before.length} times before, at worst ${worst.reporting} of ${worst.count}`];
}

function lackInWords({ from, to, reporting, count }: Lack, latest: number): string {
  const pods = `${reporting} of ${count} pods`;
  if (to >= latest) return `${pods} report since ${clockTime(from)}`;
  return from === to ? `${pods} reported at ${clockTime(from)}` : `${pods} reported from ${clockTime(from)} to ${clockTime(to)}`;
}
