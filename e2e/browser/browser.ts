// Debian's Chromium, and a page in it that remembers all that it should not do.
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";

const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** launch starts a browser that asks nobody for anything by itself. */
export async function launch(): Promise<Browser> {
  const executablePath = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
  if (!existsSync(executablePath)) throw new Error(`no browser at ${executablePath}: make browser and make cluster install it`);
  return chromium.launch({
    executablePath,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
}

/** A Visit is an open page and what went wrong in it. */
export interface Visit {
  page: Page;
  /** What the console said as an error, and what was thrown. */
  errors: string[];
  /** Requests to anywhere but the hub. */
  foreign: string[];
  /** Responses of 400 and more, by path. */
  refused: string[];
}

/** visit opens an address in a browser's new profile. */
export async function visit(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<Visit> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, timezoneId: "UTC", ...options });
  context.setDefaultTimeout(60_000); // no test is about the speed of the machine
  const page = await context.newPage();
  const seen: Visit = { page, errors: [], foreign: [], refused: [] };
  const origin = new URL(url).origin;
  page.on("console", (message) => void (message.type() === "error" && seen.errors.push(message.text())));
  page.on("pageerror", (error) => void seen.errors.push(error.message));
  page.on("request", (request) => void (new URL(request.url()).origin !== origin && seen.foreign.push(request.url())));
  page.on("response", (response) => void (response.status() >= 400 && seen.refused.push(`${response.status()} ${new URL(response.url()).pathname}`)));
  await page.goto(url);
  return seen;
}

/** settled returns when the page shows what it was opened for. */
export async function settled(page: Page): Promise<void> {
  await page.locator("main h1").first().waitFor({ state: "attached" });
  await page.waitForFunction(() => document.querySelectorAll(".skeleton").length === 0);
}

/** A Violation is one of axe's findings. */
export interface Violation {
  id: string;
  impact: string | null;
  nodes: string[];
}

/** violations are axe's serious and critical findings in the page as it is. */
export async function violations(page: Page): Promise<Violation[]> {
  // Not as a script of the page, whose policy would refuse it.
  await page.evaluate(axeSource);
  return page.evaluate(async () => {
    const { axe } = window as unknown as { axe: { run(): Promise<{ violations: { id: string; impact: string | null; nodes: { html: string }[] }[] }> } };
    const { violations: all } = await axe.run();
    return all
      .filter(({ impact }) => impact === "serious" || impact === "critical")
      .map(({ id, impact, nodes }) => ({ id, impact, nodes: nodes.slice(0, 3).map(({ html }) => html.slice(0, 200)) }));
  });
}

/** rest asks the hub as any client does; with a token where the hub wants to know who asks. */
export async function rest<T>(hub: string, path: string, token?: string): Promise<T> {
  const response = await fetch(`${hub}/api/v1/${path}`, token === undefined ? {} : { headers: { Authorization: `Bearer ${token}` } });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return (await response.json()) as T;
}
