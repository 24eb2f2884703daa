import { expect, test } from "vitest";
import { carried, edited, pathOf } from "./use-address";

test("a link keeps the time and the view, not the search of another table", () =>
  expect(carried("?range=1h&view=table&q=web&sort=-cpu&at=1795310144000", { ns: "shop" }).toString()).toBe("range=1h&at=1795310144000&view=table&ns=shop"));

test("names are spelled as a path takes them", () => {
  expect(pathOf.pod("shop", "web-1")).toBe("/pods/shop/web-1");
  expect(pathOf.workload("a b", "Deployment", "x/y")).toBe("/workloads/a%20b/Deployment/x%2Fy");
});

test.each<[string, (params: URLSearchParams) => void, string | null]>([
  ["?range=1h", (params) => params.set("q", "100%41"), "/pods/a%2Fb?range=1h&q=100%2541"],
  ["?q=web", (params) => params.delete("q"), "/pods/a%2Fb"],
  ["?q=a%20b&range=1h", (params) => params.set("range", "1h"), null],
  ["", (params) => params.delete("from"), null],
])("%s edited", (search, edit, want) => expect(edited({ pathname: "/pods/a%2Fb", search }, edit)).toBe(want));
