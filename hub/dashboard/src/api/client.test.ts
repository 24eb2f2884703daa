import { afterEach, describe, expect, test, vi } from "vitest";
import { askForAll, loginAddress } from "./client";

test.each([
  ["http://hub/", "http://hub/", "http://hub/login?next=%2F"],
  ["http://hub/pods/shop/web-1?range=1h", "http://hub/", "http://hub/login?next=%2Fpods%2Fshop%2Fweb-1%3Frange%3D1h"],
  ["https://x/tools/kubemon/nodes?q=a", "https://x/tools/kubemon/", "https://x/tools/kubemon/login?next=%2Fnodes%3Fq%3Da"],
])("from %s", (href, base, want) => expect(loginAddress(href, base).href).toBe(want));

describe("a long list", () => {
  const answers = (pages: { time: string; items: number[]; continue?: string }[]) => {
    const asked: string[] = [];
    const named = pages.map((page) => ({ ...page, items: page.items.map((i) => ({ name: `pod-${i}` })) }));
    vi.stubGlobal("document", { baseURI: "http://hub/" });
    vi.stubGlobal("fetch", (url: URL) => {
      asked.push(url.searchParams.get("continue") ?? "");
      return Promise.resolve(Response.json(named.shift()));
    });
    return asked;
  };
  afterEach(() => vi.unstubAllGlobals());
  const names = async () => (await askForAll("pods", {}, new AbortController().signal)).items.map(({ name }) => name);

  test("is joined from its pages", async () => {
    const asked = answers([{ time: "1", items: [1, 2], continue: "a" }, { time: "1", items: [3], continue: "b" }, { time: "1", items: [4] }]);
    expect(await names()).toEqual(["pod-1", "pod-2", "pod-3", "pod-4"]);
    expect(asked).toEqual(["", "a", "b"]);
  });

  test("is asked for anew when its round ends meanwhile", async () => {
    answers([{ time: "1", items: [1], continue: "a" }, { time: "2", items: [2] }, { time: "2", items: [3], continue: "a" }, { time: "2", items: [4] }]);
    expect(await names()).toEqual(["pod-3", "pod-4"]);
  });

  test("has each item once when rounds end too often", async () => {
    answers([[0, 1], [1, 2], [0, 1], [1, 2], [0, 1], [1, 2]].map((items, i) => ({ time: `${i}`, items, ...(i % 2 === 0 ? { continue: "a" } : {}) })));
    expect(await names()).toEqual(["pod-0", "pod-1", "pod-2"]);
  });
});
