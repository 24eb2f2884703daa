// Every page: it shows what it is for, on a laptop and on a phone, light and
// dark, and does nothing that it should not.
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { cpu, text } from "../../hub/dashboard/src/format/number";
import { launch, rest, settled, violations, visit } from "./browser";

const hub = inject("hub");
let browser: Browser;
let pages: { path: string; heading: string; shows: string[] }[];

beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());

/** The pages with what each must show; the pod's name is the cluster's to choose. */
async function allPages() {
  const { items } = await rest<{ items: { name: string }[] }>(hub, "namespaces/payments/pods");
  const ledger = items.find(({ name }) => name.startsWith("ledger-"))?.name ?? "";
  return [
    { path: "/", heading: "Overview", shows: ["Needs attention", "Node down", "OOM kill", "Throttled", "Memory limit", "worker-5"] },
    { path: "/?findings=all", heading: "Overview", shows: ["Disk stall", "Node memory", "Unsupported", "edge-3"] },
    { path: "/nodes", heading: "Nodes", shows: ["data-1", "unsupported", "down"] },
    { path: "/nodes/data-1", heading: "data-1", shows: ["CPU by mode", "waiting for disks", "Slices", "kubepods.slice", "kubelet", "/var/lib/containerd", "nvme0n1", "eth0", "postgres-0"] },
    { path: "/namespaces", heading: "Namespaces", shows: ["payments", "search"] },
    { path: "/namespaces/data", heading: "data", shows: ["kafka", "postgres-1", "StatefulSet"] },
    { path: "/workloads", heading: "Workloads", shows: ["CronJob", "DaemonSet", "Deployment", "Job", "Pod", "Rollout", "StatefulSet"] },
    { path: "/workloads/shop/Deployment/web", heading: "web", shows: ["Deployment", "requested"] },
    { path: "/pods", heading: "Pods", shows: ["postgres-0", "kafka-0"] },
    { path: `/pods/payments/${ledger}?range=1h`, heading: ledger, shows: ["OOM kill", "ledger restarted", "ledger limit", "worker-3", "Restarts"] },
    { path: "/status", heading: "Agents", shows: ["Availability", "Clock skew", "worker-5", "EOF"] },
  ];
}

beforeAll(async () => {
  pages = await allPages();
});

const looks = [
  { name: "laptop, light", viewport: { width: 1280, height: 900 }, colorScheme: "light" },
  { name: "phone, dark", viewport: { width: 390, height: 844 }, colorScheme: "dark" },
] as const;

describe.each(looks)("$name", ({ viewport, colorScheme }) => {
  test("each page by its own address", async () => {
    for (const { path, heading, shows } of pages) {
      const { page, errors, foreign, refused } = await visit(browser, hub + path, { viewport, colorScheme });
      await settled(page);
      await expect.poll(() => page.locator("h1").first().innerText(), { message: path }).toContain(heading);
      const text = await page.locator("main").innerText();
      if (viewport.width > 1000) for (const words of shows) expect(text, path).toContain(words);
      expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth), `${path} is wider than the screen`).toBeLessThanOrEqual(0);
      expect(await violations(page), path).toEqual([]);
      expect({ errors, foreign, refused }, path).toEqual({ errors: [], foreign: [], refused: [] });
      await page.context().close();
    }
  });
});

test("charts as tables have the numbers, and no violation either", async () => {
  const { page, errors } = await visit(browser, `${hub}/nodes/data-1?view=table`);
  await settled(page);
  expect(await page.locator(".chart-table tbody tr").count()).toBeGreaterThan(50);
  expect(await page.locator(".chart-table").first().innerText()).toMatch(/\d\d:\d\d:\d\d\s+\d/);
  expect(await violations(page)).toEqual([]);
  expect(errors).toEqual([]);
});

test("digits are of one width, and names are drawn as they are spelled", async () => {
  const { page } = await visit(browser, `${hub}/pods`);
  await settled(page);
  const variants = await page.locator("tbody th").first().evaluate((cell) => {
    const { fontVariantNumeric, fontVariantLigatures } = getComputedStyle(cell);
    return { numeric: fontVariantNumeric, ligatures: fontVariantLigatures };
  });
  expect(variants).toEqual({ numeric: "tabular-nums", ligatures: "no-contextual" });
  await page.context().close();
});

test("CPU by mode has the numbers of REST, which add up", async () => {
  const { page } = await visit(browser, `${hub}/nodes/data-1?view=table`);
  await settled(page);
  const shown = await page.locator("[data-chart=cpu-modes] tr").evaluateAll((rows) =>
    rows.slice(0, 20).map((row) => [...row.children].map((cell) => cell.textContent)),
  );
  expect(shown[0]).toEqual(["Time", "user", "system", "interrupts", "stolen", "waiting for disks", "idle"]);
  type Modes = Record<"user" | "system" | "irq" | "steal" | "iowait" | "idle", (number | null)[]>;
  const { series } = await rest<{ series: { times: number[]; cpuMillicores: (number | null)[]; cpuMillicoresByMode: Modes } }>(hub, "nodes/data-1?window=1h");
  const { user, system, irq, steal, iowait, idle } = series.cpuMillicoresByMode;
  const said = new Map(series.times.map((time, i) => [
    new Date(time).toISOString().slice(11, 19),
    [user, system, irq, steal, iowait, idle].map((column) => (column[i] == null ? "—" : text(cpu(column[i])))),
  ]));
  expect(shown.slice(1).map(([, ...values]) => values)).toEqual(shown.slice(1).map(([time]) => said.get(time ?? "")));
  const sum = (columns: (number | null)[][], i: number) => columns.reduce((total, column) => total + (column[i] ?? NaN), 0);
  const last = series.cpuMillicores.findLastIndex((value) => value !== null);
  expect(sum([user, system, irq], last)).toBeCloseTo(series.cpuMillicores[last] ?? NaN, 0);
  expect(sum([user, system, irq, steal, iowait, idle], last)).toBeCloseTo(8000, 0);
});

test("what a chart shows is said in words", async () => {
  const { page } = await visit(browser, `${hub}/nodes/data-1`);
  await page.locator(".plot canvas").first().waitFor();
  expect(await page.locator("[data-chart=cpu] .plot").getAttribute("aria-label")).toMatch(/^CPU\. used: now .*, between .* and .*; requested /);
});

test("reduced motion and forced colours", async () => {
  const { page, errors } = await visit(browser, hub, { reducedMotion: "reduce", forcedColors: "active" });
  await settled(page);
  expect(await page.locator(".meter-fill").first().evaluate((e) => getComputedStyle(e).transitionDuration)).toBe("0s");
  const lineOf = (selector: string) => page.locator(selector).first().evaluate((e) => getComputedStyle(e).borderBottomColor);
  expect(await lineOf(".header nav a[aria-current]")).not.toBe(await lineOf(".header nav a:not([aria-current])"));
  expect(errors).toEqual([]);
});

const phone = { viewport: { width: 390, height: 844 } };

test("a pod's containers have their names on a phone", async () => {
  const { page } = await visit(browser, `${hub}/pods/data/postgres-0`, phone);
  await settled(page);
  const names = page.locator("tbody th");
  expect(await names.allInnerTexts()).toEqual(["exporter", "postgres"]);
  for (const { scrollWidth, clientWidth } of await names.evaluateAll((cells) => cells.map(({ scrollWidth, clientWidth }) => ({ scrollWidth, clientWidth })))) {
    expect(clientWidth).toBeGreaterThanOrEqual(scrollWidth);
  }
});

test("names as long as they may be make no page wider than a phone", async () => {
  // Sixty-three letters of a namespace among others, and of a container in a legend.
  for (const [path, selector] of [["/pods", "select option"], ["/pods/data/postgres-0", ".legend li"], ["/pods", "tbody th a"], ["/pods/data/postgres-0", "h1"]] as const) {
    const { page } = await visit(browser, hub + path, phone);
    await settled(page);
    await page.locator(selector).first().waitFor({ state: "attached" });
    const over = await page.locator(selector).first().evaluate((element) => {
      element.textContent = "a".repeat(63);
      return document.documentElement.scrollWidth - innerWidth;
    });
    expect(over, `${path} ${selector}`).toBeLessThanOrEqual(0);
    await page.context().close();
  }
});

test("a table's head sticks right below the page's, at any width", async () => {
  for (const width of [1280, 800, 390]) {
    const { page } = await visit(browser, `${hub}/pods`, { viewport: { width, height: 844 } });
    await settled(page);
    const sticks = await page.locator("thead th").first().evaluate((th) => parseFloat(getComputedStyle(th).top));
    expect(sticks, `${width} px`).toBe(await page.locator("header").evaluate((header) => header.getBoundingClientRect().height));
    await page.context().close();
  }
});
