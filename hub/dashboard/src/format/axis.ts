// What an axis of values says: where its ticks may be, so that they are round
// in the unit and no two have one label, and their texts. Pure.
import { bitsPerSecond, bytes, bytesPerSecond, count, cpu, type Format, percent, text } from "./number";

/** leastStep is the least distance of two ticks whose texts differ, in the format's own values. */
function leastStep(format: Format): number {
  if (format === percent) return 0.001;
  if (format === cpu) return 0.01;
  return format === bitsPerSecond ? 1 / 8 : 1;
}

/** stepsOf are the distances that ticks may have, from the least. */
export function stepsOf(format: Format): number[] {
  const powers = (base: number, from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => base ** (from + i));
  if (format === bytes || format === bytesPerSecond) return powers(2, 0, 54);
  const decimal = powers(10, -3, 15).flatMap((power) => [power, 2 * power, 5 * power]);
  const steps = format === bitsPerSecond ? decimal.map((step) => step / 8) : decimal;
  return steps.filter((step) => step >= leastStep(format));
}

/**
 * topOf is where an axis from 0 ends, given the greatest value there is. What is nothing everywhere
 * gets no tick but 0: there is no scale to be read off it.
 */
export function topOf(format: Format, greatest: number | null): number {
  const step = leastStep(format);
  return greatest === null || greatest <= 0 ? step / 2 : Math.max(greatest, step) * 1.06;
}

/** axisText is a tick's, without zeros that say nothing. */
export function axisText(format: Format, value: number): string {
  if (value === 0) return "0";
  if (format === cpu && value < 999.5) return `${Number(value.toFixed(2))}m`;
  if (format === count) return text(count(value));
  const { digits, unit } = format(value);
  return text({ digits: digits.includes(".") ? digits.replace(/\.?0+$/, "") : digits, unit: unit === "cores" ? "" : unit });
}
