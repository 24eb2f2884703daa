import { describe, expect, test } from "vitest";
import { axisText, stepsOf, topOf } from "./axis";
import { bitsPerSecond, bytes, bytesPerSecond, count, cpu, type Format, percent } from "./number";

/** ticks are those of an axis that ends at a value, with so many of them as fit. */
function ticks(format: Format, greatest: number): string[] {
  const top = topOf(format, greatest);
  const step = stepsOf(format).find((s) => top / s <= 6) ?? Infinity;
  return Array.from({ length: Math.floor(top / step) + 1 }, (_, i) => axisText(format, i * step));
}

test.each<[string, Format, number, string[]]>([
  ["nothing has no scale", percent, 0, ["0"]],
  ["nothing has no scale", bytesPerSecond, 0, ["0"]],
  ["nothing has no scale", bitsPerSecond, 0, ["0"]],
  ["nothing has no scale", cpu, 0, ["0"]],
  ["a share has a decimal", percent, 0.0035, ["0", "0.1 %", "0.2 %", "0.3 %"]],
  ["less than the least step shows that step", percent, 0.0002, ["0", "0.1 %"]],
  ["a round share has none", percent, 1, ["0", "20 %", "40 %", "60 %", "80 %", "100 %"]],
  ["a little CPU has decimals of m", cpu, 0.9, ["0", "0.2m", "0.4m", "0.6m", "0.8m"]],
  ["CPU around a core", cpu, 1400, ["0", "500m", "1"]],
  ["CPU of cores", cpu, 2100, ["0", "500m", "1", "1.5", "2"]],
  ["half a process is none", count, 2, ["0", "1", "2"]],
  ["memory", bytes, 2.2 * 2 ** 30, ["0", "512 MiB", "1 GiB", "1.5 GiB", "2 GiB"]],
  ["bits", bitsPerSecond, 300, ["0", "500 bit/s", "1 kbit/s", "1.5 kbit/s", "2 kbit/s", "2.5 kbit/s"].slice(0, 6)],
])("%s", (_name, format, greatest, want) => expect(ticks(format, greatest)).toEqual(want));

describe.each<[string, Format]>([["cpu", cpu], ["bytes", bytes], ["bytesPerSecond", bytesPerSecond], ["bitsPerSecond", bitsPerSecond], ["percent", percent], ["count", count]])("%s", (_name, format) => {
  test("no two ticks have one label", () => {
    for (let greatest = 1e-4; greatest < 1e12; greatest *= 1.31) {
      const labels = ticks(format, greatest);
      expect(new Set(labels).size, `${greatest}: ${labels.join(", ")}`).toBe(labels.length);
    }
  });
});
