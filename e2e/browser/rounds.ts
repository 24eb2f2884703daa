// Round after round: what the page shows beside what REST says of the same moment.
import type { Page } from "playwright-core";
import { expect } from "vitest";
import { bytes, cpu, text } from "../../hub/dashboard/src/format/number";

/** An Ask gets a path of REST. */
export type Ask = <T>(path: string) => Promise<T>;

/** A Told is what REST says of the round at a time, as the page would say it. */
interface Told {
  time: string;
  words: string;
}

interface Used {
  time: string;
  usage: { cpuMillicores: number; memoryBytes: number };
}

/**
 * agree waits until the page has shown what REST told, in three rounds and in
 * as many more as it takes until that has changed.
 */
export async function agree(told: () => Promise<Told>, shown: () => Promise<string>): Promise<void> {
  const agreed = new Map<string, string>();
  await expect
    .poll(
      async () => {
        const { time, words } = await told();
        if ((await shown()) === words) agreed.set(time, words);
        return agreed.size >= 3 && new Set(agreed.values()).size > 1;
      },
      { timeout: 90_000, interval: 100 },
    )
    .toBe(true);
}

/** overviewAgrees is agree of the first two tiles, on the overview. */
export async function overviewAgrees(page: Page, ask: Ask): Promise<void> {
  const big = async (label: string) => (await page.getByRole("region", { name: label, exact: true }).locator(".big").innerText()).replace(/\s+/g, "");
  await agree(
    async () => {
      const { time, usage } = await ask<Used>("cluster");
      return { time, words: [text(cpu(usage.cpuMillicores)), text(bytes(usage.memoryBytes))].join().replace(/\s+/g, "") };
    },
    async () => [await big("CPU"), await big("Memory")].join(),
  );
}

/** podsAgree is agree of the ten biggest pods in their order, on /pods?sort=-memory. */
export async function podsAgree(page: Page, ask: Ask): Promise<void> {
  await agree(
    async () => {
      const { time, items } = await ask<{ time: string; items: { name: string; usage: { memoryBytes: number } }[] }>("pods?sort=-memoryBytes&limit=10");
      return { time, words: items.map(({ name, usage }) => `${name} ${text(bytes(usage.memoryBytes))}`).join() };
    },
    () =>
      page.locator("tbody tr[data-index]").evaluateAll((rows) => {
        const memory = [...document.querySelectorAll("thead th")].findIndex((th) => th.textContent.startsWith("Memory"));
        return rows.slice(0, 10).map((row) => `${row.querySelector("th")?.textContent} ${row.children[memory]?.textContent}`).join();
      }),
  );
}
