// The page of the hub that Helm installed on a cluster, as people meet it: they
// log in with a token of Kubernetes, and see what Kubernetes lets them see.
// e2e/cluster runs this as one story, on the cluster that it has, and hands over
// by the environment where the hub is, the tokens, and who does to the cluster
// what a browser cannot. No token may be in what a test says.
import { mkdirSync } from "node:fs";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launch, rest, settled, type Visit, violations, visit } from "./browser";
import { wayBroken } from "./lab.config";
import { overviewAgrees, podsAgree } from "./rounds";

const hub = given("KUBEMON_LAB_HUB");
const viewer = given("KUBEMON_LAB_VIEWER"); // may see everything
const reader = given("KUBEMON_LAB_READER"); // may list the pods of namespace loads
const node = given("KUBEMON_LAB_NODE"); // there to be crashed
const pictures = process.env["KUBEMON_LAB_PICTURES"]; // a folder, for people to look at

let browser: Browser;
let session: BrowserContextOptions; // the viewer's

beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());

function given(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: this runs by e2e/cluster, go test -run TestPage`);
  return value;
}

/** deed has something done to the cluster. */
async function deed(name: "crash" | "restart-hub"): Promise<void> {
  const response = await fetch(`${given("KUBEMON_LAB_DEEDS")}/${name}`, { method: "POST" });
  if (!response.ok) throw new Error(`${name}: ${await response.text()}`);
}

/** logIn fills in the form, which must be what is shown. */
async function logIn(page: Page, token: string): Promise<void> {
  await page.getByLabel("Token").fill(token);
  await page.getByRole("button", { name: "Log in" }).click();
}

/** sessionOf is a browser's profile after a login; visits with it are that reader's. */
async function sessionOf(token: string): Promise<BrowserContextOptions> {
  const { page } = await visit(browser, `${hub}/login`);
  await logIn(page, token);
  await settled(page);
  const storageState = await page.context().storageState();
  await page.context().close();
  return { storageState };
}

/** picture keeps what is on the screen, if somebody wants to look at it. */
async function picture(page: Page, name: string): Promise<void> {
  if (!pictures) return;
  mkdirSync(pictures, { recursive: true });
  const size = page.viewportSize() ?? { width: 1280, height: 900 };
  // All of it at once, with the rows that a table draws when one scrolls there.
  await page.setViewportSize({ ...size, height: await page.evaluate(() => document.documentElement.scrollHeight) });
  await page.waitForTimeout(500); // charts are drawn in the next frames
  await page.screenshot({ path: `${pictures}/${name}.png` });
  await page.setViewportSize(size);
}

const here = (page: Page) => page.url().slice(hub.length);
const main = (page: Page) => page.locator("main").innerText();

/**
 * blameless wants visits in which nothing went wrong. Where the way to the hub
 * broke off they tell nothing, and the test is made again (lab.config.ts).
 */
function blameless(...visits: Visit[]): void {
  for (const { errors, foreign, refused } of visits) {
    const broken = errors.find((error) => error.includes("net::ERR_"));
    if (broken) throw new Error(`${wayBroken}: ${broken}`);
    expect({ errors, foreign, refused }).toEqual({ errors: [], foreign: [], refused: [] });
  }
}

describe("a login", () => {
  const wanted = "/nodes/node1?range=5m";
  let seen: Visit;
  beforeAll(async () => {
    seen = await visit(browser, hub + wanted);
  });
  afterAll(() => seen.page.context().close());

  test("is what whoever is not known gets instead of the page", async () => {
    expect(new URL(seen.page.url()).pathname).toBe("/login");
    await picture(seen.page, "login");
    expect(await violations(seen.page)).toEqual([]);
    blameless(seen);
  });

  test("with a token that is none is refused in words", async () => {
    await logIn(seen.page, "let-me-in");
    await expect.poll(() => seen.page.getByRole("alert").innerText()).toContain("That did not work: ");
    expect(seen.refused).toEqual(["401 /login"]);
    expect(await violations(seen.page)).toEqual([]);
    await picture(seen.page, "login-refused");
  });

  test("leads to where one was going, and leaves no token behind", async () => {
    await logIn(seen.page, viewer);
    await expect.poll(() => here(seen.page)).toBe(wanted);
    await settled(seen.page);
    const { cookies, origins } = await seen.page.context().storageState();
    expect(cookies.map(({ name, httpOnly, sameSite }) => ({ name, httpOnly, sameSite }))).toEqual([{ name: "kubemon", httpOnly: true, sameSite: "Strict" }]);
    expect(JSON.stringify([cookies, origins, await seen.page.content()]).includes(viewer), "the token is kept").toBe(false);
    session = { storageState: { cookies, origins } };
  });
});

describe("each page by its own address", () => {
  const pages = [
    { name: "overview", path: "/", heading: "Overview", shows: ["Needs attention", "allocatable", "node1", "node2"] },
    { name: "nodes", path: "/nodes", heading: "Nodes", shows: ["node1", "node2"] },
    { name: "node", path: "/nodes/node1", heading: "node1", shows: ["Capacity", "system.slice", "kubelet", "ubda", "vec0", "burn-"] },
    { name: "namespaces", path: "/namespaces", heading: "Namespaces", shows: ["kubemon", "loads", "shop"] },
    { name: "namespace", path: "/namespaces/shop", heading: "shop", shows: ["web", "ledger", "StatefulSet"] },
    { name: "workloads", path: "/workloads", heading: "Workloads", shows: ["CronJob", "DaemonSet", "Deployment", "Job", "Pod", "StatefulSet"] },
    { name: "deployment", path: "/workloads/shop/Deployment/web", heading: "web", shows: ["Deployment", "web-"] },
    { name: "daemonset", path: "/workloads/kubemon/DaemonSet/kubemon-agent", heading: "kubemon-agent", shows: ["DaemonSet", "node1", "node2"] },
    { name: "pods", path: "/pods", heading: "Pods", shows: ["burn-", "ledger-0", "kubemon-hub-"] },
    { name: "pod", path: "/pods/shop/ledger-0", heading: "ledger-0", shows: ["StatefulSet", "cache", "Restarts"] },
    { name: "agents", path: "/status", heading: "Agents", shows: ["node1", "node2", "connected"] },
  ];

  test.each(pages)("$path", async ({ name, path, heading, shows }) => {
    const seen = await visit(browser, hub + path, session);
    await settled(seen.page);
    await expect.poll(() => seen.page.locator("h1").first().innerText()).toContain(heading);
    for (const words of shows) await expect.poll(() => main(seen.page)).toContain(words);
    await picture(seen.page, name);
    expect(await violations(seen.page)).toEqual([]);
    blameless(seen);
    await seen.page.context().close();
  });

  test("why each agent is trusted is told where there is room for it, and else in a tooltip", async () => {
    const seen = await visit(browser, `${hub}/status`, session);
    await settled(seen.page);
    for (const node of ["node1", "node2"]) {
      await expect.poll(() => seen.page.locator(`tr:has-text("${node}") [title*="trust: attested"]`).count(), { message: node }).toBe(1);
    }
    await seen.page.context().close();
  });

  test("no page is wider than a phone, in the dark", async () => {
    const seen = await visit(browser, hub, { ...session, viewport: { width: 390, height: 844 }, colorScheme: "dark" });
    for (const { name, path } of pages) {
      await seen.page.goto(hub + path);
      await settled(seen.page);
      await picture(seen.page, `phone-${name}`);
      expect(await seen.page.evaluate(() => document.documentElement.scrollWidth - innerWidth), path).toBeLessThanOrEqual(0);
    }
    blameless(seen);
    await seen.page.context().close();
  });
});

test("three rounds of two pages are those of REST", async () => {
  const ask = <T,>(path: string) => rest<T>(hub, path, viewer);
  const [overview, pods] = [await visit(browser, hub, session), await visit(browser, `${hub}/pods?sort=-memory`, session)];
  await Promise.all([overviewAgrees(overview.page, ask), podsAgree(pods.page, ask)]);
  blameless(overview, pods);
  await overview.page.context().close();
  await pods.page.context().close();
});

test("links lead on, and the back button back", async () => {
  const { page } = await visit(browser, hub, session);
  await page.getByRole("link", { name: "node1" }).first().click();
  await expect.poll(() => here(page)).toBe("/nodes/node1");
  await page.getByRole("link", { name: "Pods", exact: true }).click();
  await page.getByRole("link", { name: "ledger-0" }).click();
  await expect.poll(() => here(page)).toBe("/pods/shop/ledger-0");
  await page.getByRole("link", { name: "ledger", exact: true }).click();
  await expect.poll(() => here(page)).toBe("/workloads/shop/StatefulSet/ledger");
  for (const want of ["/pods/shop/ledger-0", "/pods", "/nodes/node1", "/"]) {
    await page.goBack();
    await expect.poll(() => here(page)).toBe(want);
  }
  await settled(page);
  expect(await main(page)).toContain("Needs attention");
  await page.context().close();
});

test("pressure, which these kernels do not have, is a reason and no zero", async () => {
  const why = "PSI is not enabled in this kernel";
  const { page } = await visit(browser, `${hub}/nodes/node1`, session);
  await settled(page);
  await expect.poll(() => page.locator("[data-chart=pressure] .chart-missing").innerText()).toBe(why);
  await expect.poll(() => main(page)).toContain("CONFIG_PSI is not set");
  await page.goto(`${hub}/nodes`);
  await settled(page);
  const stall = await page.locator("thead th").evaluateAll((all) => all.findIndex((th) => th.textContent.startsWith("CPU stall")));
  const cell = page.locator("tbody tr[data-index]").first().locator("> *").nth(stall);
  await expect.poll(() => cell.locator(".unknown").getAttribute("title")).toBe(why);
  expect(await cell.innerText()).toContain("—");
  await page.context().close();
});

describe("a reader of one namespace", () => {
  let his: BrowserContextOptions;
  beforeAll(async () => {
    his = await sessionOf(reader);
  });

  test.each(["/", "/pods", "/workloads", "/namespaces"])("sees that at %s, and is told so", async (path) => {
    const { page, foreign } = await visit(browser, hub + path, his);
    await settled(page);
    const text = await main(page);
    expect(text).toContain("You see the namespace loads: it is the one in which you may list pods.");
    expect(text).not.toContain("every node");
    for (const others of ["shop", "kube-system", "ledger", "kubemon-"]) expect(text).not.toContain(others);
    expect(await violations(page)).toEqual([]);
    expect(foreign).toEqual([]);
    await picture(page, `reader${path.replaceAll("/", "-")}`);
    await page.context().close();
  });

  test.each(["/nodes", "/nodes/node1", "/status"])("is told at %s which right is missing", async (path) => {
    const { page } = await visit(browser, hub + path, his);
    await expect.poll(() => main(page)).toMatch(/No permission[^]*list nodes/);
    expect(await main(page)).not.toContain("kubelet");
    expect(await violations(page)).toEqual([]);
    await picture(page, `reader${path.replaceAll("/", "-")}`);
    await page.context().close();
  });

  test("can leave", async () => {
    const { page } = await visit(browser, `${hub}/pods`, his);
    await page.getByRole("button", { name: "Log out" }).click();
    await expect.poll(() => here(page)).toBe("/login");
    await page.context().close();
  });
});

test("a node that crashes is stale and then down, and says why", async () => {
  const [overview, its] = [await visit(browser, hub, session), await visit(browser, `${hub}/nodes/${node}`, session)];
  const state = () => its.page.locator("h1").innerText();
  // The page leaves out which address was asked.
  const cause = async () => (await rest<{ status: { reason: string } }>(hub, `nodes/${node}`, viewer)).status.reason.replace(/^get \S+: /, "");
  await expect.poll(state).toMatch(/\bok\b/);
  await deed("crash");
  await expect.poll(state).toMatch(/stale|down/);
  await picture(its.page, "crashed-first");
  await expect.poll(state).toContain("down");
  await expect.poll(async () => (await its.page.locator(".notice").innerText()).includes(await cause())).toBe(true);
  await expect.poll(() => its.page.locator("[data-chart=cpu] .plot").getAttribute("aria-label")).toContain("used: now unknown");
  await expect.poll(() => main(overview.page)).toContain("Node down");
  await expect.poll(async () => (await main(overview.page)).includes(await cause())).toBe(true);
  expect(await violations(its.page)).toEqual([]);
  blameless(overview, its);
  await picture(its.page, "crashed-node");
  await picture(overview.page, "crashed-overview");
  await overview.page.context().close();
  await its.page.context().close();
});

test("a logout ends the session, for whoever kept the cookie too", async () => {
  const { page } = await visit(browser, `${hub}/nodes`, session);
  await settled(page);
  const cookie = (await page.context().cookies()).map(({ name, value }) => `${name}=${value}`).join("; ");
  const status = async () => (await fetch(`${hub}/api/v1/nodes`, { headers: { Cookie: cookie } })).status;
  expect(await status()).toBe(200);
  await page.getByRole("button", { name: "Log out" }).click();
  await expect.poll(() => here(page)).toBe("/login");
  expect(await status()).toBe(401);
  expect(await page.context().cookies()).toEqual([]);
  await page.goBack();
  await expect.poll(() => here(page)).toMatch(/^\/login/);
  await page.context().close();
});

test("a session that ends with its hub leads to the login, and from there back", async () => {
  const { page } = await visit(browser, `${hub}/nodes/node1?range=5m`, await sessionOf(viewer));
  await settled(page);
  await deed("restart-hub");
  // Each answer that is refused leads there, so that one way there may end another.
  await expect.poll(() => new URL(page.url()).pathname, { timeout: 120_000 }).toBe("/login");
  await logIn(page, viewer);
  await expect.poll(() => here(page)).toBe("/nodes/node1?range=5m");
  await settled(page);
  await page.locator("[data-chart=cpu] .plot canvas").waitFor();
  await page.context().close();
});
