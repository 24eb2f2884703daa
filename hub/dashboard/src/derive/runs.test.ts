import { expect, test } from "vitest";
import { lone, runsOf } from "./runs";

test.each<[string, (number | null)[], [number, number][][], number[]]>([
  ["nothing", [], [], []],
  ["gaps alone", [null, null], [], []],
  ["one run", [1, 0, 3], [[[0, 1], [1, 0], [2, 3]]], []],
  ["every third round", [null, 7, null, null, 8, null], [[[1, 7]], [[4, 8]]], [1, 4]],
  ["alone at both ends", [1, null, 2, 3, null, 4], [[[0, 1]], [[2, 2], [3, 3]], [[5, 4]]], [0, 5]],
])("runs: %s", (_, values, runs, alone) => {
  expect(runsOf(values)).toEqual(runs);
  expect(lone(values)).toEqual(alone);
});
