import { defineConfig } from "vitest/config";

// One browser at a time, against one hub for all files.
export default defineConfig({
  test: {
    globalSetup: "./demo.ts",
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 180_000,
    // No bound is about the speed of the machine.
    expect: { poll: { timeout: 30_000 } },
  },
});
