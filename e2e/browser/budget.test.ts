// What it costs to open the page.
import type { Browser } from "playwright-core";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { launch, rest, settled, visit } from "./browser";

const hub = inject("hub");
let browser: Browser;

beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());

/** What the scripts of a page may be, as gzip. */
const budget = 130_000;

/** Every page, each opened by its own address. */
async function addresses(): Promise<string[]> {
  const { items } = await rest<{ items: { name: string }[] }>(hub, "namespaces/payments/pods");
  return [
    "/", "/nodes", "/nodes/data-1", "/namespaces", "/namespaces/data", "/workloads", "/workloads/shop/Deployment/web",
    "/pods", `/pods/payments/${items[0]?.name}`, "/status", "/pods/shop", // which is no page
  ];
}

test("every page's scripts are at most 130 KB, with all that it shows, and what is served is coded and kept", async () => {
  for (const path of await addresses()) {
    const { page } = await visit(browser, "about:blank");
    const scripts: Promise<Buffer>[] = [];
    const headers = new Map<string, Record<string, string>>();
    page.on("response", (response) => {
      const { pathname } = new URL(response.url());
      if (pathname.startsWith("/assets/")) headers.set(pathname, response.headers());
      if (pathname.endsWith(".js")) scripts.push(response.body());
    });
    // What the page asks for when it has nothing else to do is other pages.
    await page.addInitScript(() => void (window.requestIdleCallback = () => 0));
    await page.goto(hub + path);
    await settled(page);
    // Charts count: none of their code is asked for later.
    await page.waitForFunction(() => document.querySelectorAll(".plot").length === document.querySelectorAll(".plot canvas").length);
    const sizes = (await Promise.all(scripts)).map((body) => gzipSync(body, { level: 9 }).length);
    const total = sizes.reduce((all, size) => all + size, 0);
    console.log(`${path}: ${total} bytes of JavaScript with gzip, in ${sizes.length} files`);
    expect(total, path).toBeGreaterThan(10_000);
    expect(total, path).toBeLessThanOrEqual(budget);
    for (const [asset, header] of headers) {
      expect(header["cache-control"], asset).toContain("immutable");
      expect(header["content-encoding"], asset).toMatch(/^(br|gzip)$/);
    }
    await page.context().close();
  }
});

test("a second visit asks for the index alone", async () => {
  const { page } = await visit(browser, "about:blank");
  await page.addInitScript(() => void (window.requestIdleCallback = () => 0)); // no other pages
  await page.goto(hub);
  await settled(page);
  const served: Promise<{ pathname: string; size: number }>[] = [];
  page.on("response", (response) => {
    const { pathname } = new URL(response.url());
    if (pathname.startsWith("/assets/")) served.push(response.request().sizes().then(({ responseBodySize: size }) => ({ pathname, size })));
  });
  await page.reload();
  await settled(page);
  const assets = await Promise.all(served);
  expect(assets.length).toBeGreaterThan(0);
  expect(assets.filter(({ size }) => size > 0)).toEqual([]);
});

test("its policy allows nothing from elsewhere and nothing inline", async () => {
  const response = await fetch(hub);
  const policy = response.headers.get("content-security-policy") ?? "";
  expect(policy).toContain("default-src 'none'");
  expect(policy).not.toMatch(/unsafe|\*|https?:|data:/);
  expect(response.headers.get("cache-control")).toBe("no-cache");
  expect(await (await fetch(`${hub}/assets/nothing.js`)).status).toBe(404);
});
