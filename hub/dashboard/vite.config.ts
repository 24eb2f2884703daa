import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";
import lock from "./package-lock.json" with { type: "json" };
import { packages, vitesList } from "./scripts/packages.mjs";
import { precompress } from "./scripts/precompress.mjs";

const folder = "../internal/dashboard/dist";

export default defineConfig({
  plugins: [react(), packages(lock), precompress(folder)],
  // Relative, so that the page works below any path; index.html has a <base>.
  base: "./",
  build: {
    outDir: folder,
    emptyOutDir: false, // it has a file that keeps it in the repository
    assetsInlineLimit: 0, // the page's policy takes no data: addresses
    modulePreload: { polyfill: false },
    target: "es2022",
    license: { fileName: vitesList },
  },
});
