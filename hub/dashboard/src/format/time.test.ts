import { expect, test } from "vitest";
import { duration } from "./time";

test.each([
  [0, "0 s"], [0.42, "0.4 s"], [9.99, "10 s"], [59, "59 s"], [119, "119 s"], [120, "2 min"], [3599, "1 h"], [3600, "1 h"],
  [4800, "1 h 20 min"], [200_000, "2 d"],
])("%d seconds are %s", (seconds, want) => expect(duration(seconds)).toBe(want));
