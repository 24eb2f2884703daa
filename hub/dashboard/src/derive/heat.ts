// The numbers by which nodes can be coloured. Pure.
import type { Node, Ratios, Usage } from "../api/types";
import { type Format, percent } from "../format/number";
import { bounds, type Level, levelOf } from "./levels";
import { valueOf, whyNoRatio, whyNull } from "./metric";

/** Heat is a number by which nodes can be coloured. */
export interface Heat {
  name: string;
  label: string;
  format: Format;
  value(node: Pick<Node, "usage" | "ratios">): number | null;
  /** Why value is null. */
  why(node: Node): string;
  level(value: number | null): Level;
  /** The value that has the full colour. */
  full: number;
}

function shareHeat(name: string, label: string, ratio: keyof Ratios, level: Heat["level"]): Heat {
  return { name, label, format: percent, full: 1, level, value: (n) => n.ratios?.[ratio] ?? null, why: (n) => whyNoRatio(n, ratio, "what is allocatable is not known") };
}

function stallHeat(name: string, label: string, metric: `pressure.${keyof Usage["pressure"]}`): Heat {
  return { name, label, format: percent, full: 0.5, level: (value) => levelOf(value, bounds.stalled), value: (n) => valueOf(n.usage, metric), why: (n) => whyNull(n, metric) };
}

/** The numbers by which nodes can be coloured, the first by default. What is requested may be all that there is. */
export const heats: readonly [Heat, ...Heat[]] = [
  shareHeat("cpu", "CPU of allocatable", "cpuOfAllocatable", (value) => levelOf(value, bounds.ofAllocatable)),
  shareHeat("memory", "memory of allocatable", "memoryOfAllocatable", (value) => levelOf(value, bounds.ofAllocatable)),
  shareHeat("requests", "CPU requested of allocatable", "cpuRequestOfAllocatable", () => "ok"),
  stallHeat("cpu-stall", "CPU pressure", "pressure.cpuSome"),
  stallHeat("memory-stall", "memory pressure", "pressure.memorySome"),
  stallHeat("io-stall", "disk pressure", "pressure.ioSome"),
];
