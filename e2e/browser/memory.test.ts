// Half an hour of live updates leaves the page as big as it was.
import type { Browser, CDPSession, Page } from "playwright-core";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { launch, rest, settled, visit } from "./browser";
import { Proxy } from "./proxy";

const hub = inject("hub");
const rounds = 180; // half an hour of them, ten seconds apart
const warm = 40;
const half = (warm + rounds) / 2;

let browser: Browser;
let proxy: Proxy;

beforeAll(async () => {
  browser = await launch();
  proxy = await Proxy.before(hub);
});
afterAll(async () => {
  await browser.close();
  await proxy.close();
});

/** later makes an answer one of a later round: other numbers, at other times. */
function later(body: unknown, round: number): unknown {
  return JSON.parse(JSON.stringify(body), (key: string, value: unknown) => {
    if (key === "times" && Array.isArray(value)) return value.map((time: number) => time + round * 10_000);
    if (key === "cpuMillicores" && typeof value === "number") return value * (1 + (round % 7) / 50);
    return value;
  }) as unknown;
}

interface Size {
  heap: number;
  nodes: number;
  listeners: number;
}

async function sizeOf(session: CDPSession): Promise<Size> {
  for (let i = 0; i < 3; i++) await session.send("HeapProfiler.collectGarbage");
  const { metrics } = await session.send("Performance.getMetrics");
  const metric = (name: string) => metrics.find((m) => m.name === name)?.value ?? 0;
  return { heap: metric("JSHeapUsedSize"), nodes: metric("Nodes"), listeners: metric("JSEventListeners") };
}

/** answered tells of a round until the page has asked for it: while it is at work on one, it takes no other. */
async function answered(page: Page, path: string, round: number): Promise<void> {
  let done = false;
  const asked = page.waitForResponse((response) => response.url().includes(path)).then(() => (done = true));
  while (!done) {
    proxy.tell(round);
    await Promise.race([asked, page.waitForTimeout(500)]);
  }
}

/** The pages, each with a part of an address that it asks for with each round. */
const looks = [
  { what: "the overview", path: () => "/", asks: "/cluster" },
  { what: "a pod with its charts", path: async () => `/pods/payments/${await ledger()}`, asks: "/namespaces/payments/pods/" },
  { what: "the list of pods", path: () => "/pods", asks: "/pods?" },
];

async function ledger(): Promise<string | undefined> {
  const { items } = await rest<{ items: { name: string }[] }>(hub, "namespaces/payments/pods");
  return items.find(({ name }) => name.startsWith("ledger"))?.name;
}

test.each(looks)("$what", async ({ what, path, asks }) => {
  let round = 0;
  proxy.ownEvents = true;
  proxy.change = (_path, body) => later(body, round);
  const { page, errors } = await visit(browser, proxy.url + (await path()));
  await settled(page);
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable");
  const sizes: Size[] = [];
  for (round = 1; round <= rounds; round++) {
    await answered(page, asks, round);
    if (round === warm || round === half || round === rounds) sizes.push(await sizeOf(session));
  }
  const [begin, middle, end] = sizes;
  if (!begin || !middle || !end) throw new Error("not all sizes were taken");
  for (const [at, { heap, nodes, listeners }] of [[warm, begin], [half, middle], [rounds, end]] as const) {
    console.log(`${what}, round ${at}: heap ${(heap / 1e6).toFixed(2)} MB, ${nodes} nodes, ${listeners} listeners`);
  }
  expect(end.heap).toBeLessThan(begin.heap * 1.1 + 300_000);
  expect(end.nodes).toBeLessThan(begin.nodes * 1.1 + 200);
  expect(end.listeners).toBeLessThanOrEqual(begin.listeners + 20);
  expect(errors).toEqual([]);
  await page.context().close();
});
