// A small history beside a number: no axis, no legend, gaps stay gaps.
import { memo } from "react";

interface Props {
  values: (number | null)[];
  /** What it shows, for who does not see it. */
  label: string;
}

const width = 160;
const height = 32;

/** Sparkline draws values from 0 to their greatest. */
export const Sparkline = memo(function Sparkline({ values, label }: Props) {
  const top = Math.max(...values.map((value) => value ?? 0), Number.MIN_VALUE);
  const runs = runsOf(values).map((run) => run.map(([i, value]) => [(i / Math.max(values.length - 1, 1)) * width, height - 1 - (value / top) * (height - 3)] as const));
  const line = runs.map((run) => `M${run.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join("L")}`).join("");
  const area = runs.map((run) => `M${run[0]?.[0].toFixed(1)} ${height}L${run.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join("L")}L${run.at(-1)?.[0].toFixed(1)} ${height}Z`).join("");
  return (
    <svg className="sparkline" viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" role="img" aria-label={label}>
      <path className="sparkline-area" d={area} />
      <path className="sparkline-line" d={line} vectorEffect="non-scaling-stroke" />
    </svg>
  );
});

/** runsOf splits values at their gaps, keeping each one's place. */
export function runsOf(values: (number | null)[]): [number, number][][] {
  const runs: [number, number][][] = [];
  let run: [number, number][] = [];
  values.forEach((value, i) => {
    if (value !== null) run.push([i, value]);
    else if (run.length > 0) [run] = [[], runs.push(run)];
  });
  if (run.length > 0) runs.push(run);
  return runs;
}
