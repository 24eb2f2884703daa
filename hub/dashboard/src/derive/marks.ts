// Events that a history shows without naming them. Pure.
import type { Series } from "../api/types";

/** A Mark is something that happened at a time. */
export interface Mark {
  time: number;
  kind: "oom" | "restart";
  text: string;
}

/** oomKills finds the rounds in which the kernel's count of OOM kills rose. */
export function oomKills(series: Series): Mark[] {
  const marks: Mark[] = [];
  let before: number | null = null;
  (series.oomKills ?? []).forEach((total, i) => {
    if (total === null) return;
    if (before !== null && total > before) {
      const killed = total - before;
      marks.push({ time: series.times[i] ?? 0, kind: "oom", text: killed === 1 ? "OOM kill" : `${killed} OOM kills` });
    }
    before = total;
  });
  return marks;
}

/**
 * restarts finds the rounds in which a container's counters began anew: a new
 * container in the place of the old one. A count that only grows and fell, or a
 * round whose memory is known and whose CPU has no rate yet, tells of it.
 */
export function restarts(series: Series, name: string): Mark[] {
  const counters = [series.diskReadBytes, series.diskWriteBytes, series.oomKills];
  const anew = series.times.map((_, i) => lacksRate(series, i) || counters.some((column) => fell(column, i)));
  return series.times
    .filter((_, i) => anew[i] && !anew[i - 1])
    .map((time) => ({ time, kind: "restart", text: `${name} restarted` }));
}

function fell(column: (number | null)[] | undefined, i: number): boolean {
  const now = column?.[i];
  const before = column?.slice(0, i).findLast((value) => value !== null);
  return now != null && before != null && now < before;
}

function lacksRate(series: Series, i: number): boolean {
  if (series.memoryBytes[i] == null || series.cpuMillicores[i] != null) return false;
  return series.cpuMillicores.slice(0, i).some((value) => value !== null);
}

/** merged has what happened in one round as one mark. */
export function merged(marks: readonly Mark[]): Mark[] {
  const byTime = new Map<number, Mark>();
  for (const mark of marks) {
    const there = byTime.get(mark.time);
    byTime.set(mark.time, there ? { ...there, text: `${there.text}, ${mark.text}` } : mark);
  }
  return [...byTime.values()].sort((a, b) => a.time - b.time);
}
