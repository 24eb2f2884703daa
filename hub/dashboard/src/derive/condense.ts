// What is in so many parts that nobody could tell their lines apart gets a line
// for each of the biggest, and one for the others. Pure.
import type { Line } from "./charts";

/** How many lines a chart of parts has at most: as many as there are colours. */
export const mostLines = 8;

/** What the lines of the others are as one: what adds up is added, of shares the greatest counts. */
type Together = "sum" | "greatest";

/**
 * condense gives each part a colour, and those beyond the biggest over all that was answered one line. That has a gap where one
 * of them has: what is missing must not pass for less.
 */
export function condense(parts: readonly Line[], together: Together): Line[] {
  if (parts.length <= mostLines) return parts.map((line, colour) => ({ ...line, colour }));
  const bySize = parts.filter(({ values }) => values.some((value) => value !== null)).sort((a, b) => total(b) - total(a));
  const own = new Set(bySize.slice(0, mostLines - 1));
  const others = bySize.slice(mostLines - 1);
  const biggest = parts.filter((line) => own.has(line)).map((line, colour): Line => ({ ...line, colour }));
  return others.length === 0 ? biggest : [...biggest, asOne(others, together)];
}

function asOne(lines: readonly Line[], together: Together): Line {
  const [add, label] = together === "sum" ? [plus, `others (${lines.length})`] : [Math.max, `most of others (${lines.length})`];
  const values = lines.map((line) => line.values).reduce((a, b) => a.map((value, i) => both(value, b[i] ?? null, add)));
  return { label, values, kind: "use", colour: mostLines - 1 };
}

function both(a: number | null, b: number | null, add: (a: number, b: number) => number): number | null {
  return a === null || b === null ? null : add(a, b);
}

function plus(a: number, b: number): number {
  return a + b;
}

function total({ values }: Line): number {
  return values.reduce<number>((sum, value) => sum + (value ?? 0), 0);
}
