// The states that a page can be in besides the usual one.
import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, test } from "vitest";
import { cpu, text } from "../../hub/dashboard/src/format/number";
import { launch, rest, settled, violations, type Visit, visit } from "./browser";
import { Proxy } from "./proxy";

const hub = inject("hub");
let browser: Browser;
let proxy: Proxy;
let seen: Visit;

beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());
beforeEach(async () => {
  proxy = await Proxy.before(hub);
});
afterEach(async () => {
  // The login page is not this page's, and not there without authentication.
  if (new URL(seen.page.url()).pathname !== "/login") expect(await violations(seen.page)).toEqual([]);
  await seen.page.context().close();
  await proxy.close();
});

const main = () => seen.page.locator("main").innerText();

test("a node that is down says why, and its charts show until when", async () => {
  seen = await visit(browser, `${hub}/nodes/worker-5?range=1h`);
  await settled(seen.page);
  expect(await seen.page.locator(".notice").innerText()).toContain("EOF");
  await expect.poll(() => seen.page.locator("[data-chart=cpu] .plot").getAttribute("aria-label")).toContain("used: now unknown");
  expect(await main()).toContain("Not known: there is no current sample of this node.");
});

test("a kernel without pressure says so, and shows no zeros", async () => {
  seen = await visit(browser, `${hub}/nodes/edge-2`);
  await settled(seen.page);
  expect(await seen.page.locator("[data-chart=pressure] .chart-missing").innerText()).toBe("PSI is not enabled in this kernel");
});

test("a node whose control groups are not v2 is named as such", async () => {
  seen = await visit(browser, `${hub}/nodes/edge-3`);
  await settled(seen.page);
  expect(await seen.page.locator("h1").innerText()).toContain("unsupported");
  expect(await seen.page.locator(".notice").innerText()).toContain("hybrid");
});

test("what is not known is a dash with its reason", async () => {
  seen = await visit(browser, `${hub}/pods?q=kube-proxy+worker-1`);
  await settled(seen.page);
  const unknown = seen.page.locator("tbody .unknown").first();
  expect(await unknown.innerText()).toContain("—");
  expect(await unknown.getAttribute("title")).toBe("no CPU request is set");
});

test("a sum of which some part has no limit has none, and says so", async () => {
  seen = await visit(browser, `${hub}/namespaces/edge`);
  await settled(seen.page);
  expect(await seen.page.locator("[data-chart=cpu] .legend").innerText()).not.toContain("limit");
  expect(await seen.page.locator(".facts .unknown").first().getAttribute("title")).toBe("not all have a limit");
});

test("a tile's bar is the hub's share of what is allocatable", async () => {
  const ratios = { cpuOfRequest: null, cpuOfLimit: null, cpuOfAllocatable: 0.42, cpuRequestOfAllocatable: 0.6, memoryOfRequest: null, memoryOfLimit: null, memoryOfAllocatable: 0.85, memoryRequestOfAllocatable: 0.7 };
  proxy.change = (path, body) => (/\/cluster\?/.test(path) ? { ...(body as object), ratios } : body);
  seen = await visit(browser, proxy.url);
  await settled(seen.page);
  const widths = await seen.page.locator(".tile .meter-fill").evaluateAll((fills) => fills.slice(0, 2).map((fill) => (fill as HTMLElement).style.width));
  expect(widths).toEqual(["42%", "85%"]);
  expect(await seen.page.locator(".tile h3", { hasText: "Memory" }).innerText()).toContain("▲");
});

test("a page that is paused has its charts' numbers of that time, and says of when the others are", async () => {
  const { series } = await rest<{ series: { times: number[]; cpuMillicores: number[] } }>(hub, "nodes/worker-1?window=1h&fields=series");
  const place = series.times.length - 100;
  seen = await visit(browser, `${hub}/nodes/worker-1?range=5m&at=${series.times[place]}`);
  await settled(seen.page);
  const chart = seen.page.locator("[data-chart=cpu]");
  expect(await chart.locator(".legend-value").first().innerText()).toBe(text(cpu(series.cpuMillicores[place] ?? NaN)));
  expect(await chart.locator(".plot").getAttribute("aria-label")).toContain("used: at the end ");
  expect(await main()).toMatch(/All other numbers are of \d\d:\d\d:\d\d/);
  await seen.page.context().close();
  seen = await visit(browser, `${hub}/nodes/worker-1?at=${(series.times[0] ?? 0) - 1}`);
  await settled(seen.page);
  expect(await seen.page.locator("[data-chart=cpu] .chart-missing").innerText()).toBe("no sample in the time shown");
});

test("in a grid of many nodes a mark tells what is wrong, and not colour alone", async () => {
  const many = (items: { name: string }[]) => Array.from({ length: 90 }, (_, i) => ({ ...items[i % items.length], name: `node-${i}` }));
  proxy.change = (path, body) => (/\/nodes\?/.test(path) ? { ...(body as object), items: many((body as { items: { name: string }[] }).items) } : body);
  seen = await visit(browser, `${proxy.url}/nodes`);
  await settled(seen.page);
  const marks = seen.page.locator(".heat-grid.crowded .heat-cell.down .heat-mark");
  expect(await marks.first().innerText()).toBe("✕");
  expect(await marks.first().evaluate((mark) => mark.getBoundingClientRect().width)).toBeGreaterThan(5);
});

test("a pod of which nobody knows the namespace leads nowhere", async () => {
  proxy.change = (path, body) => (/\/(pods|top)\?/.test(path) ? { ...(body as object), items: [{ ...(body as { items: object[] }).items[0], name: "a-stranger", namespace: undefined }] } : body);
  seen = await visit(browser, proxy.url);
  await settled(seen.page);
  await seen.page.locator(".top-list").getByText("a-stranger").first().waitFor();
  expect(await seen.page.locator(".top-list").getByRole("link").count()).toBe(0);
  await seen.page.getByRole("link", { name: "Pods", exact: true }).click();
  await seen.page.locator("tbody th").getByText("a-stranger").waitFor();
  expect(await seen.page.locator("tbody").getByRole("link").count()).toBe(0);
});

test("a search that finds nothing can be cleared", async () => {
  seen = await visit(browser, `${hub}/pods?q=nothing-is-called-this`);
  await settled(seen.page);
  expect(await main()).toContain("matches");
  await seen.page.getByRole("button", { name: "Clear the search" }).click();
  await expect.poll(() => seen.page.locator("tbody tr[data-index]").count()).toBeGreaterThan(10);
});

test("a pod that there is not, and an address that is no page", async () => {
  seen = await visit(browser, `${hub}/pods/shop/nobody`);
  await expect.poll(main).toContain("Not found");
  expect(await main()).toContain('there is no pod "nobody" in namespace "shop"');
  await seen.page.context().close();
  seen = await visit(browser, `${hub}/pods/shop`);
  await expect.poll(main).toContain("There is no such page");
});

test("a hub that has no round yet", async () => {
  proxy.faults = [{ on: /^\/api\/v1\/(?!events)/, status: 503, detail: "the hub has not finished its first round yet; ask again in a few seconds" }];
  seen = await visit(browser, proxy.url);
  await expect.poll(main, { timeout: 20_000 }).toContain("the hub has not finished its first round yet");
  proxy.faults = [];
  await expect.poll(main, { timeout: 30_000 }).toContain("requested");
});

test("who may not see nodes is told which right is missing", async () => {
  const detail = "this takes the right to list nodes, which you do not have";
  proxy.faults = [{ on: /^\/api\/v1\/(status|nodes)/, status: 403, detail }];
  seen = await visit(browser, `${proxy.url}/status`);
  await expect.poll(main).toContain("No permission");
  expect(await main()).toContain(detail);
  await seen.page.getByRole("link", { name: "Overview", exact: true }).click();
  await seen.page.getByText("Could not be looked at: nodes, the API server.").waitFor();
  expect(await main()).not.toContain("Node down");
  await seen.page.getByRole("button", { name: "Log out" }).waitFor();
});

test("nothing is well of which nothing is known", async () => {
  proxy.faults = [{ on: /^\/api\/v1\/(?!events)/, status: 500, detail: "the hub could not answer; its log says why" }];
  seen = await visit(browser, proxy.url);
  await seen.page.getByText("Nothing could be looked at.").waitFor();
  expect(await main()).not.toContain("every node reports");
});

test("who sees some namespaces is told which", async () => {
  proxy.change = (path, body) => (/\/pods\?/.test(path) ? { ...(body as object), scope: { nodes: false, allNamespaces: false, namespaces: ["payments", "shop"] } } : body);
  seen = await visit(browser, `${proxy.url}/pods`);
  await settled(seen.page);
  expect(await main()).toContain("You see the namespaces payments, shop: those in which you may list pods.");
});

test("a hub that asks nobody who he is says so at the foot, and has no logout", async () => {
  seen = await visit(browser, `${hub}/pods`);
  await settled(seen.page);
  const foot = seen.page.locator("footer");
  expect(await foot.innerText()).toContain("Without authentication: whoever reaches this hub sees everything.");
  expect(await foot.getByRole("button", { name: "Log out" }).count()).toBe(0);
});

test("a session that is over leads to the login, and from there back", async () => {
  seen = await visit(browser, `${proxy.url}/nodes?range=1h`);
  await settled(seen.page);
  proxy.faults = [{ on: /^\/api\//, status: 401, detail: "the session is over" }];
  // Each answer that is refused leads there, so that one way there may end another.
  const at = () => new URL(seen.page.url());
  await expect.poll(() => at().pathname).toBe("/login");
  expect(at().searchParams.get("next")).toBe("/nodes?range=1h");
});

test("a hub that goes away leaves its last numbers, and comes back", async () => {
  seen = await visit(browser, proxy.url);
  await settled(seen.page);
  proxy.goAway();
  await seen.page.getByText("The hub does not answer.").waitFor({ timeout: 60_000 });
  expect(await main()).toContain("requested");
  expect(await violations(seen.page)).toEqual([]);
  proxy.comeBack();
  await seen.page.getByText("The hub does not answer.").waitFor({ state: "detached", timeout: 60_000 });
});

test("a part that fails leaves the others alone", async () => {
  proxy.faults = [{ on: /^\/api\/v1\/cluster/, status: 500, detail: "the hub could not answer; its log says why" }];
  seen = await visit(browser, proxy.url);
  await expect.poll(main, { timeout: 20_000 }).toContain("The hub could not answer");
  expect(await main()).toContain("Node down");
});

// A page whose other pages come only when they are asked for.
async function visitAlone(): Promise<void> {
  seen = await visit(browser, "about:blank");
  await seen.page.addInitScript(() => (window.requestIdleCallback = () => 0));
  await seen.page.goto(proxy.url);
  await settled(seen.page);
}

test("a page that does not come while the hub is away comes with it", async () => {
  await visitAlone();
  proxy.goAway();
  await seen.page.getByRole("link", { name: "Nodes", exact: true }).click();
  await seen.page.locator("main .failure strong").getByText("The hub does not answer").waitFor();
  proxy.comeBack();
  await seen.page.locator("main").getByRole("heading", { name: "Nodes" }).waitFor();
  await settled(seen.page);
});

test("a page that the hub no longer has says so, and leaves the others alone", async () => {
  await visitAlone();
  proxy.faults = [{ on: /^\/assets\/nodes-.*js/, status: 404, detail: "there is no such file" }];
  await seen.page.getByRole("link", { name: "Nodes", exact: true }).click();
  await seen.page.getByText("The hub has another page").waitFor();
  await seen.page.getByRole("link", { name: "Pods", exact: true }).click();
  await seen.page.locator("main").getByRole("heading", { name: "Pods" }).waitFor();
  await settled(seen.page);
});

/** lasting returns whether the failure on the screen is still the one that was there at first. */
async function lasting(): Promise<() => Promise<boolean>> {
  const failure = await seen.page.locator("main .failure").elementHandle();
  return async () => (await failure?.evaluate((element) => element.isConnected)) ?? false;
}

test("what is not found is asked for again each round, without a flicker", async () => {
  seen = await visit(browser, `${proxy.url}/pods/shop/nobody`);
  await expect.poll(main).toContain("Not found");
  const lasts = await lasting();
  const asked: string[] = [];
  seen.page.on("response", (response) => asked.push(response.url()));
  await expect.poll(() => asked.filter((url) => url.includes("nobody")).length).toBeGreaterThanOrEqual(2);
  expect(await lasts()).toBe(true);
});

test("what may not be seen is not asked for again each round", async () => {
  proxy.faults = [{ on: /^\/api\/v1\/status/, status: 403, detail: "no" }];
  seen = await visit(browser, `${proxy.url}/status`);
  await expect.poll(main).toContain("No permission");
  const lasts = await lasting();
  const aRound = async () => {
    const { time } = await rest<{ time: string }>(hub, "cluster");
    await expect.poll(async () => (await rest<{ time: string }>(hub, "cluster")).time).not.toBe(time);
  };
  await aRound(); // what was under way has come
  const asked: string[] = [];
  seen.page.on("request", (request) => asked.push(request.url()));
  await aRound();
  await aRound();
  expect(asked.filter((url) => url.endsWith("/api/v1/status"))).toEqual([]);
  expect(await lasts()).toBe(true);
});

test("numbers go on when the browser calls itself offline", async () => {
  seen = await visit(browser, hub);
  await settled(seen.page);
  const time = seen.page.locator(".live time");
  await seen.page.evaluate(() => window.dispatchEvent(new Event("offline")));
  for (let round = 0; round < 2; round++) {
    const told = await time.innerText();
    await expect.poll(() => time.innerText()).not.toBe(told);
  }
});

test("numbers go on when the events stall", async () => {
  proxy.ownEvents = true;
  seen = await visit(browser, proxy.url);
  await settled(seen.page);
  const label = () => seen.page.locator(".live").innerText();
  await expect.poll(() => proxy.listening).toBe(1);
  proxy.tell(1, 1);
  await expect.poll(label).toContain("Live");
  const asked: string[] = [];
  seen.page.on("request", (request) => asked.push(request.url()));
  await expect.poll(label).toContain("Polling");
  await expect.poll(() => asked.some((url) => url.includes("/cluster"))).toBe(true);
  await expect.poll(() => {
    proxy.tell(2, 60); // between two connections nobody hears it
    return label();
  }).toContain("Live");
});

test("a page that nobody sees leaves its connection to others", async () => {
  proxy.ownEvents = true;
  seen = await visit(browser, proxy.url);
  await expect.poll(() => proxy.listening).toBe(1);
  const show = (hidden: boolean) =>
    seen.page.evaluate((value) => {
      Object.defineProperty(document, "hidden", { configurable: true, value });
      document.dispatchEvent(new Event("visibilitychange"));
    }, hidden);
  await show(true);
  await expect.poll(() => proxy.listening).toBe(0);
  await show(false);
  await expect.poll(() => proxy.listening).toBe(1);
  await settled(seen.page);
});

test("numbers go on without events", async () => {
  proxy.faults = [{ on: /^\/api\/v1\/events/, status: 503, detail: "256 listen already" }];
  seen = await visit(browser, proxy.url);
  await settled(seen.page);
  await expect.poll(() => seen.page.locator(".live").innerText()).toContain("Polling");
  const asked: string[] = [];
  seen.page.on("request", (request) => asked.push(request.url()));
  await expect.poll(() => asked.some((url) => url.includes("/cluster")), { timeout: 30_000 }).toBe(true);
});
