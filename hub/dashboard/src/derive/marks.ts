// Events that a history shows without naming them. Pure.
import type { Series } from "../api/types";

/** A Mark is something that happened at a time. */
export interface Mark {
  time: number;
  kind: "oom" | "restart";
  text: string;
}

/** A Rise is how much a count grew in a round. */
interface Rise {
  index: number;
  by: number;
}

/** rises are where a count grew; one that fell began anew and counts from there. */
function rises(column: readonly (number | null)[]): Rise[] {
  const found: Rise[] = [];
  let before: number | null = null;
  column.forEach((total, index) => {
    if (total === null) return;
    if (before !== null && total > before) found.push({ index, by: total - before });
    before = total;
  });
  return found;
}

/** killsIn is how often the kernel killed within a history of its count. */
export function killsIn(column: readonly (number | null)[]): number {
  return rises(column).reduce((all, { by }) => all + by, 0);
}

/** oomKills finds the rounds in which the kernel's count of OOM kills rose. */
export function oomKills(series: Series): Mark[] {
  return rises(series.oomKills ?? []).map(({ index, by }) => ({ time: series.times[index] ?? 0, kind: "oom", text: by === 1 ? "OOM kill" : `${by} OOM kills` }));
}

/**
 * restarts finds the rounds in which there was a new container in the place of
 * the old one. Either its memory is known and its CPU has no rate yet, which the
 * old one had; or the hub knew it from its birth on, so that it has a rate, and
 * its counts began anew while it held less than half of the old one's memory.
 * Counts of disks that fell alone tell nothing: io.stat forgets a device.
 */
export function restarts(series: Series, name: string): Mark[] {
  const marks: Mark[] = [];
  const fell = { kills: falls(series.oomKills), reads: falls(series.diskReadBytes), writes: falls(series.diskWriteBytes) };
  let [ran, anew] = [false, false];
  let held: number | null = null;
  series.times.forEach((time, i) => {
    const memory = series.memoryBytes[i] ?? null;
    const lacksRate = series.cpuMillicores[i] == null && memory !== null;
    const isSmall = memory !== null && held !== null && memory < held / 2;
    const beganAnew = fell.kills.has(i) || (isSmall && (fell.reads.has(i) || fell.writes.has(i)));
    if (ran && !anew && (lacksRate || beganAnew)) marks.push({ time, kind: "restart", text: `${name} restarted` });
    anew = lacksRate;
    ran ||= series.cpuMillicores[i] != null;
    held = memory ?? held;
  });
  return marks;
}

/** falls are the places where a count is less than it was. */
function falls(column: readonly (number | null)[] | undefined): Set<number> {
  const found = new Set<number>();
  let before: number | null = null;
  column?.forEach((total, index) => {
    if (total === null) return;
    if (before !== null && total < before) found.add(index);
    before = total;
  });
  return found;
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
