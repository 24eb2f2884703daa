// Live: what the page shows round after round is what REST says in that round.
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { launch, rest, settled, visit } from "./browser";
import { overviewAgrees, podsAgree } from "./rounds";

const hub = inject("hub");
let browser: Browser;

beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());

const ask = <T,>(path: string) => rest<T>(hub, path);

interface Cluster {
  time: string;
}

test("three rounds of the overview", async () => {
  const { page, errors } = await visit(browser, hub);
  await settled(page);
  await overviewAgrees(page, ask);
  expect(errors).toEqual([]);
});

test("three rounds of the pods, in their order", async () => {
  const { page } = await visit(browser, `${hub}/pods?sort=-memory`);
  await settled(page);
  await podsAgree(page, ask);
});

test("a page that is paused asks for nothing more", async () => {
  const { page } = await visit(browser, hub);
  await settled(page);
  const aRound = async () => {
    const { time } = await rest<Cluster>(hub, "cluster");
    await expect.poll(async () => (await rest<Cluster>(hub, "cluster")).time).not.toBe(time);
  };
  await page.getByRole("button", { name: /Live/ }).click();
  await page.getByRole("button", { name: /Paused/ }).waitFor();
  await aRound(); // what was under way has come
  const asked: string[] = [];
  page.on("request", (request) => asked.push(request.url()));
  await aRound();
  await aRound();
  expect(asked).toEqual([]);
  const at = Number(new URL(page.url()).searchParams.get("at"));
  expect(await page.locator(".live time").innerText()).toBe(new Date(at).toISOString().slice(11, 19));
});
