import { describe, expect, test } from "vitest";
import { drawn, matcher, parseSort, sorted, type SortValue, writeSort } from "./rows";

describe("sort", () => {
  test.each<[boolean, SortValue[], SortValue[]]>([
    [false, [3, null, 1, 2], [1, 2, 3, null]],
    [true, [3, null, 1, 2], [3, 2, 1, null]],
    [false, ["b", "a", null, "c"], ["a", "b", "c", null]],
    [true, [0, null, 0], [0, 0, null]],
  ])("descending %s", (descending, rows, want) => expect(sorted(rows, (row) => row, descending)).toEqual(want));

  test("equal ones stay as they were", () => {
    const rows = [{ id: 1, key: 5 }, { id: 2, key: 5 }, { id: 3, key: 5 }];
    expect(sorted(rows, ({ key }) => key, true)).toEqual(rows);
  });

  test.each(["cpu", "-cpu"])("%s in the address", (text) => expect(writeSort(parseSort(text, "name"))).toBe(text));
  test("by default", () => expect(parseSort("", "-cpu")).toEqual({ column: "cpu", descending: true }));
});

describe("search", () => {
  test.each<[string, string, boolean]>([
    ["", "anything", true], ["  ", "anything", true], ["web", "shop/web-1", true], ["WEB shop", "shop/web-1", true],
    ["web data", "shop/web-1", false], ["!web", "shop/web-1", false], ["shop !web", "shop/cart-1", true], ["!", "x", true], ["(", "a(b", true],
  ])("%s in %s: %s", (search, text, want) => expect(matcher(search)(text)).toBe(want));
});

test.each<[number, number, number | null, number[]]>([
  [2, 5, null, [2, 3, 4]], [2, 5, 2, [2, 3, 4]], [2, 5, 4, [2, 3, 4]], [2, 5, 0, [0, 2, 3, 4]], [2, 5, 5, [2, 3, 4, 5]], [2, 5, 9, [2, 3, 4, 9]],
  [0, 0, null, []],
])("from %s to before %s, and %s", (first, end, always, want) => expect(drawn(first, end, always)).toEqual(want));
