import { expect, test } from "vitest";
import { clockTime } from "../format/time";
import { type Lack, lacksInWords, lacksOf } from "./lacks";

const lack = (from: number, to: number, reporting: number, count: number): Lack => ({ from, to, reporting, count });

test.each<[string, number[] | undefined, number[] | undefined, Lack[]]>([
  ["what is not a sum", undefined, undefined, []],
  ["all report", [2, 2, 2, 2], [2, 2, 2, 2], []],
  ["fewer pods that all report", [3, 3, 2, 2], [3, 3, 2, 2], []],
  ["until now", [12, 12, 10, 10], [12, 12, 12, 12], [lack(3, 4, 10, 12)]],
  ["worse and worse", [11, 11, 10, 12], [12, 12, 12, 12], [lack(1, 2, 11, 12), lack(3, 3, 10, 12)]],
  ["now and then", [1, 2, 1, 2], [2, 2, 2, 2], [lack(1, 1, 1, 2), lack(3, 3, 1, 2)]],
])("lacks: %s", (_, reporting, count, want) => {
  expect(lacksOf({ times: [1, 2, 3, 4], ...(reporting && { reporting }), ...(count && { count }) })).toEqual(want);
});

test("lacks in words", () => {
  const [a, b, c, d, e] = [1e12, 2e12, 3e12, 4e12, 5e12];
  const lacks = [lack(a, a, 8, 12), lack(b, c, 11, 12), lack(d, d, 10, 12), lack(e, e, 9, 12)];
  expect(lacksInWords([], e)).toEqual([]);
  expect(lacksInWords(lacks.slice(1, 3), e)).toEqual([
    `10 of 12 pods reported at ${clockTime(d)}`,
    `11 of 12 pods reported from ${clockTime(b)} to ${clockTime(c)}`,
  ]);
  expect(lacksInWords(lacks, e)).toEqual([`9 of 12 pods report since ${clockTime(e)}`, "3 times before, at worst 8 of 12"]);
});
