// A small history beside a number: no axis, no legend, gaps stay gaps.
import { memo } from "react";
import { runsOf, spanOf } from "../derive/runs";

interface Props {
  values: (number | null)[];
  /** What it shows, for who does not see it. */
  label: string;
  /** What the values are a part of: they are drawn from 0 to this. Without it, they are from their least to their greatest. */
  whole?: number | null;
}

const width = 160;
const height = 32;

/** Sparkline draws values, filled from 0 up if they are a part of something. */
export const Sparkline = memo(function Sparkline({ values, label, whole = null }: Props) {
  const [bottom, top] = whole === null ? spanOf(values) : [0, Math.max(whole, spanOf(values)[1])];
  const x = (i: number) => ((i / Math.max(values.length - 1, 1)) * width).toFixed(1);
  const y = (value: number) => (height - 2 - ((value - bottom) / (top - bottom)) * (height - 4)).toFixed(1);
  const runs = runsOf(values).map((run) => ({ from: x(run[0]?.[0] ?? 0), to: x(run.at(-1)?.[0] ?? 0), points: run.map(([i, value]) => `${x(i)} ${y(value)}`).join("L") }));
  // One value alone is a line to itself, whose round ends make a point.
  const line = runs.map(({ to, points }) => `M${points}H${to}`).join("");
  const area = runs.map(({ from, to, points }) => `M${from} ${height}L${points}L${to} ${height}Z`).join("");
  return (
    <svg className="sparkline" viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" role="img" aria-label={label}>
      {whole !== null && <path className="sparkline-area" d={area} />}
      <path className="sparkline-line" d={line} vectorEffect="non-scaling-stroke" strokeLinecap="round" />
    </svg>
  );
});
