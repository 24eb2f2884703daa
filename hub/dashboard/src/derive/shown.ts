// What of a history is shown: words and numbers are of that alone, as the lines
// are. Pure.
import type { Interval } from "../url/time-range";
import type { Chart } from "./charts";

/** A Part is where what is shown begins and ends in a list. */
export type Part = [start: number, end: number];

/** partOf is the part of times within an interval, its ends included; times go up. */
export function partOf(times: readonly number[], { from, to }: Interval): Part {
  const start = times.findIndex((time) => time >= from);
  const end = times.findLastIndex((time) => time <= to) + 1;
  return start < 0 || end <= start ? [0, 0] : [start, end];
}

/** cut leaves of a chart what is shown, and says so if that is nothing. */
export function cut(chart: Chart, interval: Interval): Chart {
  const part = partOf(chart.times, interval);
  const lines = chart.lines.map((line) => ({ ...line, values: line.values.slice(...part) }));
  const some = lines.some(({ kind, values }) => (kind === "use" || kind === "rest") && values.some((value) => value !== null));
  const overlaps = (from: number, to: number) => from <= interval.to && to >= interval.from;
  return {
    ...chart,
    times: chart.times.slice(...part),
    lines,
    marks: chart.marks.filter(({ time }) => overlaps(time, time)),
    ...(chart.lacks && { lacks: chart.lacks.filter(({ from, to }) => overlaps(from, to)) }),
    missing: chart.missing !== "" || some ? chart.missing : "no sample in the time shown",
  };
}
