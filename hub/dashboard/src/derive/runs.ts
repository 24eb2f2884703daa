// Histories have gaps; these are the stretches between them. Pure.

/** runsOf splits values at their gaps, keeping each one's place. */
export function runsOf(values: ArrayLike<number | null | undefined>): [number, number][][] {
  const runs: [number, number][][] = [];
  let run: [number, number][] = [];
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (value != null) run.push([i, value]);
    else if (run.length > 0) [run] = [[], runs.push(run)];
  }
  if (run.length > 0) runs.push(run);
  return runs;
}

/** lone are the places of values that have none on either side, so that no line goes to them. */
export function lone(values: ArrayLike<number | null | undefined>): number[] {
  return runsOf(values).flatMap(([first, second]) => (first && !second ? [first[0]] : []));
}

/** spanOf is what a scale of its own has at its ends: the least and the greatest value, yet no closer than a tenth of the greatest, so that noise stays small. */
export function spanOf(values: readonly (number | null)[]): [bottom: number, top: number] {
  const known = values.filter((value) => value !== null);
  const top = known.reduce((a, b) => Math.max(a, b), 0);
  const bottom = known.reduce((a, b) => Math.min(a, b), top);
  return top === 0 ? [0, 1] : [Math.min(bottom, 0.9 * top), top];
}
