// From which share on a number is worth a colour. Pure; the only place that
// knows these bounds.

/** ok has no colour. */
export type Level = "ok" | "high" | "full";

interface Bounds {
  high: number;
  full: number;
}

/** Where each kind of share becomes high and full. */
export const bounds = {
  /** Memory of a limit: at 1 the kernel kills. */
  ofLimit: { high: 0.8, full: 0.9 },
  /** Use of what a node can allocate. */
  ofAllocatable: { high: 0.8, full: 0.9 },
  /** Periods in which a CPU limit stopped the container. */
  throttled: { high: 0.25, full: 0.5 },
  /** Time in which some task waited. */
  stalled: { high: 0.1, full: 0.4 },
  /** Of a file system. */
  filesystem: { high: 0.85, full: 0.95 },
} as const satisfies Record<string, Bounds>;

/** levelOf is the level of a share; what is not known is ok. */
export function levelOf(share: number | null | undefined, { high, full }: Bounds): Level {
  if (share === null || share === undefined || share < high) return "ok";
  return share < full ? "high" : "full";
}

/** levelOfAvailability is that of the samples that came, of those expected: here less is worse. */
export function levelOfAvailability(share: number): Level {
  if (share < 0.9) return "full";
  return share < 0.99 ? "high" : "ok";
}
