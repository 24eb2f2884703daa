// The states that a page can be in besides the usual one.
import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, test } from "vitest";
import { launch, settled, violations, type Visit, visit } from "./browser";
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
  await seen.page.waitForURL(/\/login\?/, { timeout: 30_000 });
  expect(new URL(seen.page.url()).searchParams.get("next")).toBe("/nodes?range=1h");
});

test("a hub that goes away leaves its last numbers, and comes back", async () => {
  seen = await visit(browser, proxy.url);
  await settled(seen.page);
  proxy.goAway();
  await seen.page.getByText("The hub does not answer.").waitFor({ timeout: 60_000 });
  expect(await main()).toContain("requested");
  proxy.comeBack();
  await seen.page.getByText("The hub does not answer.").waitFor({ state: "detached", timeout: 60_000 });
});

test("a part that fails leaves the others alone", async () => {
  proxy.faults = [{ on: /^\/api\/v1\/cluster/, status: 500, detail: "the hub could not answer; its log says why" }];
  seen = await visit(browser, proxy.url);
  await expect.poll(main, { timeout: 20_000 }).toContain("The hub could not answer");
  expect(await main()).toContain("Node down");
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
