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
    vi.stubGlobal("document", { baseURI: "http://hub/" });
    vi.stubGlobal("fetch", (url: URL) => {
      asked.push(url.searchParams.get("continue") ?? "");
      return Promise.resolve(Response.json(pages.shift()));
    });
    return asked;
  };
  afterEach(() => vi.unstubAllGlobals());
  const { signal } = new AbortController();

  test("is joined from its pages", async () => {
    const asked = answers([{ time: "1", items: [1, 2], continue: "a" }, { time: "1", items: [3], continue: "b" }, { time: "1", items: [4] }]);
    expect((await askForAll<number>("pods", {}, signal)).items).toEqual([1, 2, 3, 4]);
    expect(asked).toEqual(["", "a", "b"]);
  });

  test("is asked for anew when its round ends meanwhile", async () => {
    answers([{ time: "1", items: [1], continue: "a" }, { time: "2", items: [2] }, { time: "2", items: [3], continue: "a" }, { time: "2", items: [4] }]);
    expect((await askForAll<number>("pods", {}, signal)).items).toEqual([3, 4]);
  });

  test("is taken as it is when rounds end too often", async () => {
    answers(["1", "2", "3", "4", "5", "6"].map((time, i) => ({ time, items: [i], ...(i % 2 === 0 ? { continue: "a" } : {}) })));
    expect((await askForAll<number>("pods", {}, signal)).items).toEqual([4, 5]);
  });
});
