import { defineConfig } from "vitest/config";

/** What a test says that was cut off from the hub. */
export const wayBroken = "the way to the hub broke off";

// Not for `make browser`: e2e/cluster runs it, on the cluster that it has.
export default defineConfig({
  test: {
    include: ["lab.ts"],
    testTimeout: 240_000,
    hookTimeout: 120_000,
    // Nodes and a control plane run beside the browser, and no test is about the speed of the machine.
    expect: { poll: { timeout: 60_000 } },
    // A hub that is starved of time is not ready for a moment, and no connection is forwarded to it.
    retry: { count: 2, condition: new RegExp(wayBroken) },
  },
});
