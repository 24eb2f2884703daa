// Going about: links, the back button, the keyboard, and what the address says.
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from "vitest";
import { launch, rest, settled, type Visit, visit } from "./browser";
import { Proxy } from "./proxy";

const hub = inject("hub");
let browser: Browser;
let seen: Visit;

beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());

const address = () => new URL(seen.page.url());

describe("from the overview", () => {
  beforeEach(async () => {
    seen = await visit(browser, hub);
    await settled(seen.page);
    return async () => {
      expect(seen.errors).toEqual([]);
      await seen.page.context().close();
    };
  });

  test("links lead on, and the back button back", async () => {
    const { page } = seen;
    await page.getByRole("link", { name: "worker-5" }).first().click();
    await expect.poll(() => address().pathname).toBe("/nodes/worker-5");
    await page.getByRole("button", { name: "1h" }).click();
    await expect.poll(() => address().search).toBe("?range=1h");
    await page.getByRole("link", { name: "Pods", exact: true }).click();
    await expect.poll(() => address().pathname + address().search).toBe("/pods?range=1h");
    for (const want of ["/nodes/worker-5?range=1h", "/nodes/worker-5", "/"]) {
      await page.goBack();
      await expect.poll(() => address().pathname + address().search).toBe(want);
    }
    await expect.poll(() => page.getByRole("button", { name: "15m" }).getAttribute("aria-pressed")).toBe("true");
    await page.goForward();
    await expect.poll(() => page.locator("h1").innerText()).toContain("worker-5");
  });

  test("the keyboard alone", async () => {
    const { page } = seen;
    await page.keyboard.press("g");
    await page.keyboard.press("p");
    await expect.poll(() => address().pathname).toBe("/pods");
    await settled(page);
    await page.getByRole("columnheader", { name: "Pod", exact: true }).getByRole("button").press("Enter"); // an order that no round changes
    await page.keyboard.press("/");
    await page.keyboard.type("postgres");
    await expect.poll(() => address().search).toBe("?sort=name&q=postgres");
    await expect.poll(() => page.locator("tbody tr").count()).toBe(2);
    const focused = () => page.evaluate(() => document.activeElement?.textContent);
    await page.keyboard.press("Enter");
    await expect.poll(focused).toBe("postgres-0");
    const first = await focused();
    await page.keyboard.press("j");
    expect(await focused()).not.toBe(first);
    await page.keyboard.press("k");
    expect(await focused()).toBe(first);
    await page.keyboard.press("Enter");
    await expect.poll(() => address().pathname).toBe(`/pods/data/${first}`);
    await page.keyboard.press("Escape");
    await expect.poll(() => address().pathname).toBe("/pods");
    await page.keyboard.press("4");
    await expect.poll(() => address().searchParams.get("range")).toBe("1h");
    await page.keyboard.press("?");
    await page.getByRole("dialog").waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "hidden" });
    expect(address().pathname).toBe("/pods");
  });

  test("the space bar pauses wherever the focus is, unless it presses what has it", async () => {
    const { page } = seen;
    await page.getByRole("link", { name: "Nodes", exact: true }).click();
    await expect.poll(() => address().pathname).toBe("/nodes");
    await settled(page);
    expect(await page.evaluate(() => document.activeElement?.id)).toBe("main");
    await page.keyboard.press("Space");
    await expect.poll(() => address().searchParams.has("at")).toBe(true);
    await page.getByRole("button", { name: /Keys/ }).press("Space");
    await page.getByRole("dialog").waitFor();
    expect(address().searchParams.has("at")).toBe(true);
  });

  test("the search leads to what was found, and stays where nothing was", async () => {
    const { page } = seen;
    await page.goto(`${hub}/pods?sort=name`);
    await settled(page);
    const focused = () => page.evaluate(() => document.activeElement?.textContent || document.activeElement?.tagName);
    await page.keyboard.press("/");
    await page.keyboard.type("postgres-1");
    await page.keyboard.press("Enter"); // before the rows are those of the search
    await expect.poll(focused).toBe("postgres-1");
    await page.keyboard.press("/");
    await page.keyboard.press("ArrowDown");
    await expect.poll(focused).toBe("postgres-1");
    await page.keyboard.press("/");
    await page.keyboard.type(" !postgres");
    await page.keyboard.press("Enter");
    await page.getByText(/^None of \d+ matches/).waitFor();
    expect(await focused()).toBe("INPUT");
  });

  test("time is chosen where there is a history", async () => {
    const { page } = seen;
    const ranges = page.getByRole("group", { name: "Time shown" });
    expect(await ranges.count()).toBe(1);
    await page.getByRole("link", { name: "Pods", exact: true }).click();
    await expect.poll(() => ranges.count()).toBe(0);
    await page.getByRole("button", { name: /Live/ }).waitFor();
  });

  test("the skip link is the first stop", async () => {
    const { page } = seen;
    await page.keyboard.press("Tab");
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe("Skip to the content");
    await page.keyboard.press("Enter");
    expect(await page.evaluate(() => document.activeElement?.id)).toBe("main");
  });
});

test("sorting is in the address, and said to who does not see it", async () => {
  seen = await visit(browser, `${hub}/pods?sort=name`);
  await settled(seen.page);
  const heading = seen.page.getByRole("columnheader", { name: "Memory", exact: true });
  await heading.getByRole("button").click();
  await expect.poll(() => address().searchParams.get("sort")).toBe("-memory");
  await expect.poll(() => heading.getAttribute("aria-sort")).toBe("descending");
  await heading.getByRole("button").click();
  await expect.poll(() => heading.getAttribute("aria-sort")).toBe("ascending");
});

test("an address is read as it is written", async () => {
  seen = await visit(browser, `${hub}/pods?q=%2541`);
  await settled(seen.page);
  const search = seen.page.getByRole("searchbox");
  expect(await search.inputValue()).toBe("%41");
  await search.fill("100%41");
  await expect.poll(() => address().search).toBe("?q=100%2541");
  expect(await search.inputValue()).toBe("100%41");
  await seen.page.goto(`${hub}/pods/shop/%25`);
  await seen.page.getByText('there is no pod "%"').waitFor();
  expect(await seen.page.title()).toBe("% · shop · pods · kubemon");
});

test("who chooses a namespace stays where he is", async () => {
  seen = await visit(browser, `${hub}/pods`);
  await settled(seen.page);
  const choice = seen.page.locator("main .section-head select");
  await choice.focus();
  await choice.selectOption("shop");
  await expect.poll(() => address().search).toBe("?ns=shop");
  await expect.poll(() => seen.page.getByRole("cell", { name: "data", exact: true }).count()).toBe(0);
  await settled(seen.page);
  expect(await choice.evaluate((element) => element === document.activeElement)).toBe(true);
});

test("a row that is gone up to is not behind the table's head", async () => {
  seen = await visit(browser, `${hub}/pods?sort=name`);
  await settled(seen.page);
  await seen.page.evaluate(() => window.scrollTo(0, 1000));
  const head = () => document.querySelector("[data-rows]")?.parentElement?.querySelector("thead th")?.getBoundingClientRect().bottom ?? 0;
  const place = () => seen.page.evaluate(`[document.activeElement.getBoundingClientRect().top, (${head.toString()})()]`) as Promise<[number, number]>;
  await expect.poll(() => seen.page.locator("tbody tr[data-index='30']").count()).toBe(1);
  await seen.page.evaluate(`[...document.querySelectorAll("[data-row]")].find((link) => link.getBoundingClientRect().top > (${head.toString()})()).focus({ preventScroll: true })`);
  const first = await seen.page.evaluate(() => document.activeElement?.textContent);
  await seen.page.keyboard.press("k");
  await expect.poll(() => seen.page.evaluate(() => document.activeElement?.textContent)).not.toBe(first);
  const [top, bottom] = await place();
  expect(top).toBeGreaterThanOrEqual(bottom);
});

describe("time", () => {
  test("a brush zooms all charts, and a second click leaves the zoom", async () => {
    seen = await visit(browser, `${hub}/nodes/data-1?range=1h`);
    const chart = seen.page.locator("[data-chart=cpu] .u-over");
    await chart.waitFor();
    const box = await chart.boundingBox();
    if (!box) throw new Error("the chart is not on the screen");
    const steps = () => seen.page.evaluate(() => history.length);
    const before = await steps();
    await seen.page.mouse.move(box.x + box.width * 0.5, box.y + 40);
    await seen.page.mouse.down();
    await seen.page.mouse.move(box.x + box.width * 0.75, box.y + 40, { steps: 4 });
    await seen.page.mouse.up();
    await expect.poll(() => address().searchParams.has("from")).toBe(true);
    const length = Number(address().searchParams.get("to")) - Number(address().searchParams.get("from"));
    expect(length / 60_000).toBeCloseTo(15, 0);
    expect(await steps()).toBe(before + 1);
    await seen.page.locator(".zoomed").click();
    await expect.poll(() => address().searchParams.has("from")).toBe(false);
    await chart.dblclick(); // there is no zoom to leave any more
    await seen.page.locator("[data-chart=cpu] .plot").press("Backspace");
    expect(await steps()).toBe(before + 2);
  });

  test("the crosshair is in every chart at once", async () => {
    seen = await visit(browser, `${hub}/nodes/data-1`);
    const chart = seen.page.locator("[data-chart=cpu] .u-over");
    await chart.hover({ position: { x: 200, y: 50 } });
    await expect.poll(async () => new Set(await seen.page.locator(".legend-time").allInnerTexts()).size).toBe(1);
    expect(await seen.page.locator(".legend-time").count()).toBe(await seen.page.locator(".plot").count());
  });

  test("the keyboard moves the crosshair, and zooms", async () => {
    seen = await visit(browser, `${hub}/nodes/data-1`);
    await seen.page.locator("[data-chart=cpu] .u-over").waitFor();
    await seen.page.locator("[data-chart=cpu] .plot").focus();
    await seen.page.keyboard.press("ArrowLeft");
    await expect.poll(() => seen.page.locator("[data-chart=cpu] [role=status]").innerText()).toMatch(/^\d\d:\d\d:\d\d: used .*cores/);
    for (let i = 0; i < 12; i++) await seen.page.keyboard.press("Shift+ArrowLeft");
    await seen.page.keyboard.press("Enter");
    await expect.poll(() => address().searchParams.has("from")).toBe(true);
    const zoomed = [Number(address().searchParams.get("from")), Number(address().searchParams.get("to"))] as const;
    await seen.page.reload();
    await seen.page.locator("[data-chart=cpu] .u-over").waitFor();
    await seen.page.locator("[data-chart=cpu] .plot").press("ArrowLeft");
    const said = seen.page.locator("[data-chart=cpu] [role=status]");
    await expect.poll(() => said.innerText()).not.toBe("");
    const at = (await said.innerText()).slice(0, 8); // of the same day, but for the minute around midnight
    expect(zoomed.map((time) => new Date(time).toISOString().slice(11, 19))).toEqual([expect.toSatisfy((from: string) => from <= at), expect.toSatisfy((to: string) => at <= to)]);
  });

  test("what is asked for goes by the hub's clock, not the browser's", async () => {
    const { time } = await rest<{ time: string }>(hub, "cluster");
    seen = await visit(browser, "about:blank");
    const asked: string[] = [];
    seen.page.on("request", (request) => asked.push(request.url()));
    await seen.page.addInitScript(() => {
      const now = Date.now;
      Date.now = () => now() - 360_000;
    });
    await seen.page.goto(`${hub}/nodes/data-1?at=${Date.parse(time) - 300_000}`); // 15 minutes, 5 minutes ago
    await settled(seen.page);
    expect(asked.filter((url) => url.includes("/api/v1/nodes/data-1?")).map((url) => new URL(url).searchParams.get("window"))).toEqual(["1800"]);
  });

  test("a pause stands still, and its link shows the same", async () => {
    seen = await visit(browser, `${hub}/nodes/data-1`);
    await settled(seen.page);
    await seen.page.getByRole("button", { name: /Live/ }).click();
    await expect.poll(() => address().searchParams.has("at")).toBe(true);
    const told = await seen.page.locator(".live time").innerText();
    const again = await visit(browser, seen.page.url());
    await settled(again.page);
    expect(await again.page.locator(".live").innerText()).toContain("Paused");
    expect(await again.page.locator(".live time").innerText()).toBe(told);
    await again.page.locator("body").press("Space");
    await expect.poll(() => again.page.locator(".live").innerText()).toContain("Live");
  });
});

test("below a path: every part, every link, and a deep one", async () => {
  const proxy = await Proxy.before(hub, "/tools/kubemon");
  try {
    seen = await visit(browser, `${proxy.url}/workloads/shop/Deployment/web`);
    await settled(seen.page);
    expect(await seen.page.locator("h1").innerText()).toContain("web");
    await seen.page.getByRole("link", { name: "Nodes", exact: true }).click();
    await expect.poll(() => address().pathname).toBe("/tools/kubemon/nodes");
    await seen.page.getByRole("link", { name: "data-1" }).first().click();
    await expect.poll(() => address().pathname).toBe("/tools/kubemon/nodes/data-1");
    await seen.page.locator(".plot canvas").first().waitFor();
    expect({ errors: seen.errors, foreign: seen.foreign, refused: seen.refused }).toEqual({ errors: [], foreign: [], refused: [] });
    // For a text the browser looks for an icon at the host's root by itself.
    await seen.page.getByRole("link", { name: "Licenses" }).click();
    await expect.poll(() => address().pathname).toBe("/tools/kubemon/licenses.md");
    expect(await seen.page.locator("body").innerText()).toMatch(/## react \S+ \(MIT\)/);
  } finally {
    await proxy.close();
  }
});
