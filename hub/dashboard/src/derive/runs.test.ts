import { expect, test } from "vitest";
import { lone, runsOf, spanOf } from "./runs";

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

test.each<[string, (number | null)[], [number, number]]>([
  ["nothing", [], [0, 1]],
  ["all nothing", [0, null, 0], [0, 1]],
  ["from least to greatest", [4, null, 2, 10], [2, 10]],
  ["noise", [99, 100], [90, 100]],
  ["one value", [5], [4.5, 5]],
])("span: %s", (_, values, want) => expect(spanOf(values)).toEqual(want));
