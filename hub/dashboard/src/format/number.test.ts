import { describe, expect, test } from "vitest";
import { bitsPerSecond, bytes, bytesPerSecond, count, cpu, type Format, milliseconds, percent, perSecond, significant, text } from "./number";

const tables: [string, Format, [number, string][]][] = [
  ["cpu", cpu, [[0, "0m"], [0.3, "<1m"], [0.96, "1m"], [250, "250m"], [999.4, "999m"], [999.6, "1.00 cores"], [1250, "1.25 cores"], [12_345, "12.3 cores"], [123_456, "123 cores"]]],
  ["bytes", bytes, [[0, "0 B"], [999, "999 B"], [1000, "0.98 KiB"], [1024, "1.00 KiB"], [1536, "1.50 KiB"], [104_857_600, "100 MiB"], [1_073_741_823, "1.00 GiB"], [2 ** 53, "8.00 PiB"]]],
  ["bytesPerSecond", bytesPerSecond, [[0, "0 B/s"], [0.3, "<1 B/s"], [0.5, "1 B/s"], [2048, "2.00 KiB/s"]]],
  ["bitsPerSecond", bitsPerSecond, [[0, "0 bit/s"], [1, "8 bit/s"], [125, "1.00 kbit/s"], [12_500_000, "100 Mbit/s"]]],
  ["percent", percent, [[0, "0 %"], [0.0001, "<0.1 %"], [0.012, "1.2 %"], [0.04, "4.0 %"], [0.037, "3.7 %"], [0.099, "9.9 %"], [0.0996, "10 %"], [0.4567, "46 %"], [1, "100 %"], [5.25, "525 %"]]],
  ["count", count, [[0, "0"], [10_000, "10,000"]]],
  ["milliseconds", milliseconds, [[0, "0 ms"], [0.0001, "<1 µs"], [0.832, "832 µs"], [1.234, "1.23 ms"], [6.7, "6.70 ms"], [999, "999 ms"], [999.6, "1.00 s"], [1500, "1.50 s"], [-2.5, "-2.50 ms"], [4_000_000, "4000 s"]]],
  ["perSecond", perSecond, [[0, "0 /s"], [0.004, "<0.01 /s"], [0.5, "0.50 /s"], [7.5, "7.50 /s"], [999.4, "999 /s"], [999.6, "1.00 k/s"], [51_600, "51.6 k/s"], [1_815_967, "1.82 M/s"]]],
];

describe.each(tables)("%s", (_name, format, rows) => {
  test.each(rows)("%d is %s", (value, want) => expect(text(format(value))).toBe(want));
});

test.each([
  [0, "0.00"], [0.04, "0.04"], [1.234, "1.23"], [4, "4.00"], [9.996, "10.0"], [12.34, "12.3"], [99.96, "100"], [123.4, "123"], [-45.67, "-45.7"],
])("significant %d is %s", (value, want) => expect(significant(value)).toBe(want));

test("no number has more than four digits or an exponent", () => {
  for (const format of [bytes, bytesPerSecond, bitsPerSecond]) {
    for (let value = 1; value < 1e15; value *= 1.37) {
      expect(format(value).digits).toMatch(/^\d{1,3}$|^\d\.\d\d$|^\d\d\.\d$/);
    }
  }
});
