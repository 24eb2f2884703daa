// A Vite plugin: clears the last build, and puts compressed forms of each file
// beside it, so that the hub never compresses one.
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

/** precompress works on the folder that is built into. */
export function precompress(folder) {
  return {
    name: "precompress",
    apply: "build",
    buildStart() {
      for (const name of ["assets", "index.html", "icon.svg", "licenses.md", "packages.json"]) rmSync(join(folder, name), { recursive: true, force: true });
    },
    closeBundle() {
      const assets = join(folder, "assets");
      for (const name of readdirSync(assets)) {
        const data = readFileSync(join(assets, name));
        writeFileSync(join(assets, `${name}.gz`), gzipSync(data, { level: 9 }));
        writeFileSync(join(assets, `${name}.br`), brotliCompressSync(data, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: data.length } }));
      }
    },
  };
}
