import { defineConfig } from "vitest/config";

// Not a test: it writes docs/images. `make screenshots` runs it.
export default defineConfig({
  test: {
    globalSetup: "./demo.ts",
    include: ["screenshots.ts"],
    testTimeout: 300_000,
    hookTimeout: 180_000,
    expect: { poll: { timeout: 30_000 } },
  },
});
