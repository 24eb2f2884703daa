import { expect, test } from "vitest";
import { carried, pathOf } from "./use-address";

test("a link keeps the time and the view, not the search of another table", () =>
  expect(carried("?range=1h&view=table&q=web&sort=-cpu&at=1795310144000", { ns: "shop" }).toString()).toBe("range=1h&at=1795310144000&view=table&ns=shop"));

test("names are spelled as a path takes them", () => {
  expect(pathOf.pod("shop", "web-1")).toBe("/pods/shop/web-1");
  expect(pathOf.workload("a b", "Deployment", "x/y")).toBe("/workloads/a%20b/Deployment/x%2Fy");
});
