import { expect, test } from "vitest";
import { bounds, type Level, levelOf, levelOfAvailability } from "./levels";

test.each<[number | null, Level]>([[null, "ok"], [0, "ok"], [0.799, "ok"], [0.8, "high"], [0.899, "high"], [0.9, "full"], [2, "full"]])(
  "%d of a limit is %s", (share, want) => expect(levelOf(share, bounds.ofLimit)).toBe(want));

test.each<[number, Level]>([[1, "ok"], [0.99, "ok"], [0.989, "high"], [0.9, "high"], [0.899, "full"], [0, "full"]])(
  "an availability of %d is %s", (share, want) => expect(levelOfAvailability(share)).toBe(want));
