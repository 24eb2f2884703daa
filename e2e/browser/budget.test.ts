// What it costs to open the page.
import type { Browser } from "playwright-core";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { launch, settled, visit } from "./browser";

const hub = inject("hub");
let browser: Browser;

beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());

test("the first page's scripts are at most 130 KB, and all that is served is coded and kept", async () => {
  const { page } = await visit(browser, "about:blank");
  const scripts = new Map<string, Promise<Buffer>>();
  const headers = new Map<string, Record<string, string>>();
  page.on("response", (response) => {
    const { pathname } = new URL(response.url());
    if (pathname.startsWith("/assets/")) headers.set(pathname, response.headers());
    if (pathname.endsWith(".js")) scripts.set(pathname, response.body());
  });
  await page.goto(hub);
  await settled(page);
  const sizes = await Promise.all([...scripts.values()].map(async (body) => gzipSync(await body, { level: 9 }).length));
  const total = sizes.reduce((all, size) => all + size, 0);
  console.log(`initial JavaScript: ${total} bytes with gzip, in ${sizes.length} files`);
  expect(total).toBeGreaterThan(10_000);
  expect(total).toBeLessThanOrEqual(130 * 1024);
  for (const [path, header] of headers) {
    expect(header["cache-control"], path).toContain("immutable");
    expect(header["content-encoding"], path).toMatch(/^(br|gzip)$/);
  }
});

test("a second visit asks for the index alone", async () => {
  const { page } = await visit(browser, hub);
  await settled(page);
  const fresh: string[] = [];
  page.on("response", async (response) => {
    const { pathname } = new URL(response.url());
    if (pathname.startsWith("/assets/") && !response.fromServiceWorker() && (await response.request().sizes()).responseBodySize > 0) fresh.push(pathname);
  });
  await page.reload();
  await settled(page);
  expect(fresh).toEqual([]);
});

test("its policy allows nothing from elsewhere and nothing inline", async () => {
  const response = await fetch(hub);
  const policy = response.headers.get("content-security-policy") ?? "";
  expect(policy).toContain("default-src 'none'");
  expect(policy).not.toMatch(/unsafe|\*|https?:|data:/);
  expect(response.headers.get("cache-control")).toBe("no-cache");
  expect(await (await fetch(`${hub}/assets/nothing.js`)).status).toBe(404);
});
