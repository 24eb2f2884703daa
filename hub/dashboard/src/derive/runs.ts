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
