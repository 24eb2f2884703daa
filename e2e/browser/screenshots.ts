// Makes the pictures of docs/images: every page, light and dark, of a made-up
// cluster.
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, inject, test } from "vitest";
import { launch, rest, settled, visit } from "./browser";

const hub = inject("hub");
const images = fileURLToPath(new URL("../../docs/images/", import.meta.url));
const laptop = { width: 1280, height: 860 };
const phone = { width: 390, height: 844 };
let browser: Browser;

beforeAll(async () => {
  // The page has the reader's own font: here one that many have, and that is the same everywhere.
  process.env["FONTCONFIG_FILE"] = fileURLToPath(new URL("fonts.conf", import.meta.url));
  browser = await launch();
});
afterAll(() => browser.close());

async function pages() {
  const { items } = await rest<{ items: { name: string }[] }>(hub, "namespaces/payments/pods");
  const ledger = items.find(({ name }) => name.startsWith("ledger-"))?.name ?? "";
  return [
    { name: "overview", path: "/?range=1h", viewport: laptop },
    { name: "nodes", path: "/nodes", viewport: laptop },
    { name: "node", path: "/nodes/data-1?range=1h", viewport: { ...laptop, height: 1500 } },
    { name: "namespaces", path: "/namespaces", viewport: laptop },
    { name: "namespace", path: "/namespaces/data?range=1h", viewport: { ...laptop, height: 1200 } },
    { name: "workloads", path: "/workloads", viewport: laptop },
    { name: "workload", path: "/workloads/shop/Deployment/recommendations?range=1h", viewport: { ...laptop, height: 1100 } },
    { name: "pods", path: "/pods", viewport: laptop },
    { name: "pod", path: `/pods/payments/${ledger}?range=1h`, viewport: { ...laptop, height: 1240 } },
    { name: "agents", path: "/status", viewport: laptop },
    { name: "phone", path: "/", viewport: phone },
    { name: "phone-pods", path: "/pods", viewport: phone },
  ];
}

test.each(["light", "dark"] as const)("%s", async (colorScheme) => {
  for (const { name, path, viewport } of await pages()) {
    const { page } = await visit(browser, hub + path, { viewport, colorScheme });
    await settled(page);
    await page.waitForTimeout(800); // charts are drawn in the next frames
    const file = `${images}${name}-${colorScheme}.png`;
    await page.screenshot({ path: file });
    execFileSync("pngquant", ["--force", "--strip", "--quality", "75-95", "--output", file, file]);
    await page.context().close();
  }
});
