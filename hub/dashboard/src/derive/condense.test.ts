import { expect, test } from "vitest";
import type { Line } from "./charts";
import { condense } from "./condense";

const line = (label: string, ...values: (number | null)[]): Line => ({ label, values, kind: "use" });
const parts = (...sizes: number[]) => sizes.map((size, i) => line(`c${i}`, size, size));

test("as many parts as there are colours have a line each", () => {
  expect(condense(parts(1, 2, 3, 4, 5, 6, 7, 8), "sum").map(({ label, colour }) => [label, colour])).toEqual(Array.from({ length: 8 }, (_, i) => [`c${i}`, i]));
});

test("of more, the biggest have a line, in the order in which they came", () => {
  const lines = condense(parts(1, 20, 3, 40, 5, 60, 7, 80, 90, 100), "sum");
  expect(lines.map(({ label, values, colour }) => [label, values[0], colour])).toEqual([
    ["c1", 20, 0], ["c3", 40, 1], ["c5", 60, 2], ["c6", 7, 3], ["c7", 80, 4], ["c8", 90, 5], ["c9", 100, 6], ["others (3)", 9, 7],
  ]);
});

test("of shares the others' greatest counts", () => {
  expect(condense(parts(0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.1, 0.3), "greatest").at(-1)).toEqual({ label: "most of others (2)", values: [0.3, 0.3], kind: "use", colour: 7 });
});

test("a part that is missing does not pass for less of the others, and one that never was counts for none", () => {
  const lines = condense([...parts(9, 9, 9, 9, 9, 9, 9), line("late", null, 2), line("small", 1, 1), line("never", null, null)], "sum");
  expect(lines.at(-1)).toMatchObject({ label: "others (2)", values: [null, 3] });
});
