// Live: what the page shows round after round is what REST says in that round.
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { bytes, cpu, text } from "../../hub/dashboard/src/format/number";
import { launch, rest, settled, visit } from "./browser";

const hub = inject("hub");
let browser: Browser;

beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());

interface Cluster {
  time: string;
  usage: { cpuMillicores: number; memoryBytes: number };
}

test("three rounds of the overview", async () => {
  const { page, errors } = await visit(browser, hub);
  await settled(page);
  const big = (label: string) => page.getByRole("region", { name: label, exact: true }).locator(".big").innerText();
  const agreed = new Map<string, string>();
  await expect
    .poll(
      async () => {
        const { time, usage } = await rest<Cluster>(hub, "cluster");
        const shown = [await big("CPU"), await big("Memory")].map((words) => words.replace(/\s+/g, ""));
        const want = [text(cpu(usage.cpuMillicores)), text(bytes(usage.memoryBytes))].map((words) => words.replace(/\s+/g, ""));
        if (shown.join() === want.join()) agreed.set(time, shown.join());
        // Three of them at least, and until the numbers have moved.
        return agreed.size >= 3 && new Set(agreed.values()).size > 1;
      },
      { timeout: 90_000, interval: 100 },
    )
    .toBe(true);
  expect(errors).toEqual([]);
});

test("three rounds of the pods, in their order", async () => {
  const { page } = await visit(browser, `${hub}/pods?sort=-memory`);
  await settled(page);
  const agreed = new Set<string>();
  await expect
    .poll(
      async () => {
        const { time, items } = await rest<{ time: string; items: { name: string; usage: { memoryBytes: number } }[] }>(hub, "pods?sort=-memoryBytes&limit=10");
        const want = items.map(({ name, usage }) => `${name} ${text(bytes(usage.memoryBytes))}`);
        const shown = await page.locator("tbody tr[data-index]").evaluateAll((rows) => {
          const memory = [...document.querySelectorAll("thead th")].findIndex((th) => th.textContent.startsWith("Memory"));
          return rows.slice(0, 10).map((row) => `${row.querySelector("th")?.textContent} ${row.children[memory]?.textContent}`);
        });
        if (shown.join() === want.join()) agreed.add(time);
        return agreed.size;
      },
      { timeout: 90_000, interval: 100 },
    )
    .toBeGreaterThanOrEqual(3);
});

test("a page that is paused asks for nothing more", async () => {
  const { page } = await visit(browser, hub);
  await settled(page);
  const told = await page.locator(".live time").innerText();
  await page.getByRole("button", { name: /Live/ }).click();
  await page.waitForLoadState("networkidle").catch(() => undefined); // the events' connection stays
  const asked: string[] = [];
  page.on("request", (request) => asked.push(request.url()));
  const { time } = await rest<Cluster>(hub, "cluster");
  await expect.poll(async () => (await rest<Cluster>(hub, "cluster")).time, { timeout: 30_000 }).not.toBe(time);
  expect(asked).toEqual([]);
  expect(await page.locator(".live time").innerText()).toBe(told);
});
