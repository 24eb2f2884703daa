import { expect, test } from "vitest";
import { stepFrom } from "./crosshair";

const times = [10, 20, 30, 40, 50];

test.each<[string, number | null, -1 | 1, number | null]>([
  ["without a crosshair, back is to the round before the last one shown", null, -1, 30],
  ["without a crosshair, on is to the last one shown", null, 1, 40],
  ["back", 40, -1, 30],
  ["on", 30, 1, 40],
  ["not before what is shown", 20, -1, 20],
  ["not after it", 40, 1, 40],
  ["from a round that is no longer there", 35, -1, 30],
  ["from one that is no longer shown", 10, 1, 20],
  ["from one that is not shown yet", 50, -1, 40],
])("%s", (_, at, step, want) => expect(stepFrom(times, at, step, { from: 15, to: 45 })).toBe(want));

test("nothing is shown", () => expect(stepFrom(times, null, 1, { from: 60, to: 70 })).toBeNull());
