import { expect, test } from "vitest";
import { clockTime, dateTime, duration, tickTime } from "./time";

test.each([
  [0, "0 s"], [0.42, "0.4 s"], [9.99, "10 s"], [59, "59 s"], [119, "119 s"], [120, "2 min"], [3599, "1 h"], [3600, "1 h"],
  [4800, "1 h 20 min"], [200_000, "2 d"],
])("%d seconds are %s", (seconds, want) => expect(duration(seconds)).toBe(want));

test("a time of another day has its day", () => {
  // Without a zone it is the reader's own, as it is shown.
  expect(dateTime("2026-03-09T07:05:09")).toBe("2026-03-09 07:05:09");
});

test("a tick has seconds only within a minute", () => {
  const time = Date.UTC(2026, 10, 22, 14, 5);
  expect([tickTime(time), tickTime(time + 10_000)]).toEqual([clockTime(time).slice(0, 5), clockTime(time + 10_000)]);
});
