// The hub that most tests look at: a made-up cluster in which something happens.
import type { TestProject } from "vitest/node";
import { start } from "./program";

declare module "vitest" {
  export interface ProvidedContext {
    hub: string;
  }
}

/** Runs before all test files; what it returns, after them. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env["KUBEMON_DEMO"]; // one that runs already, while tests are being written
  if (given) {
    project.provide("hub", given);
    return async () => {};
  }
  const demo = await start("demo", ["--hub", "bin/kubemon-hub", "--interval", "5s"], /^(http:\S+)$/);
  project.provide("hub", demo.url);
  return demo.stop;
}
