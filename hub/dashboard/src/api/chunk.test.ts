import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { chunk, OtherPage } from "./chunk";
import { HubAway } from "./client";

beforeEach(() => vi.stubGlobal("document", { baseURI: "http://hub/tools/" }));
afterEach(() => vi.unstubAllGlobals());

const asked: string[] = [];
const hub = (answer: () => Promise<Response>) =>
  vi.stubGlobal("fetch", (url: URL) => {
    asked.push(url.href);
    return answer();
  });
const failing = (times: number) => {
  let left = times;
  return () => (left-- > 0 ? Promise.reject(new TypeError("Failed to fetch dynamically imported module")) : Promise.resolve("the part"));
};

test("what loads asks for nothing else", async () => {
  hub(() => Promise.reject(new TypeError("never")));
  expect(await chunk(failing(0))).toBe("the part");
  expect(asked).toEqual([]);
});

test("a hub that is away", async () => {
  hub(() => Promise.reject(new TypeError("Failed to fetch")));
  await expect(chunk(failing(1))).rejects.toBeInstanceOf(HubAway);
  expect(asked).toEqual(["http://hub/tools/livez"]);
});

test("a proxy whose hub is away", async () => {
  hub(() => Promise.resolve(new Response("", { status: 502 })));
  await expect(chunk(failing(1))).rejects.toBeInstanceOf(HubAway);
});

test("a hub that just came back", async () => {
  hub(() => Promise.resolve(new Response("ok")));
  expect(await chunk(failing(1))).toBe("the part");
});

test("a hub with another page", async () => {
  hub(() => Promise.resolve(new Response("", { status: 401 })));
  await expect(chunk(failing(2))).rejects.toBeInstanceOf(OtherPage);
});
