import { expect, test } from "vitest";
import { entry, licenses, packages, vitesList } from "./packages.mjs";

const lock = {
  packages: {
    "": { name: "page" },
    "node_modules/words": { version: "1.0.0", integrity: "sha512-old" },
    "node_modules/@made/words": { version: "2.0.0", integrity: "sha512-other" },
    "node_modules/@made/up/node_modules/words": { version: "2.0.0", integrity: "sha512-new" },
    "node_modules/linked": { version: "1.0.0", link: true },
  },
};

test("a package has the checksum of its own version", () => {
  expect(entry({ name: "words", version: "2.0.0", identifier: "MIT", text: "Do." }, lock)).toEqual({
    name: "words", version: "2.0.0", license: "MIT", integrity: "sha512-new",
  });
  expect(entry({ name: "@made/words", version: "2.0.0", identifier: "MIT" }, lock).integrity).toBe("sha512-other");
});

test.each([
  ["no license", { name: "words", version: "1.0.0" }, "words 1.0.0: its package.json has no license"],
  ["another version", { name: "words", version: "3.0.0", identifier: "MIT" }, "words 3.0.0: package-lock.json has no checksum of it"],
  ["not in the lock", { name: "ords", version: "1.0.0", identifier: "MIT" }, "ords 1.0.0: package-lock.json has no checksum of it"],
  ["no checksum", { name: "linked", version: "1.0.0", identifier: "MIT" }, "linked 1.0.0: package-lock.json has no checksum of it"],
])("%s ends the build", (_, found, message) => {
  expect(() => entry(found, lock)).toThrow(message);
});

test("licenses have the text where a package has one", () => {
  const text = licenses([{ name: "a", version: "1.0.0", identifier: "MIT", text: "Do." }, { name: "b", version: "2.0.0", identifier: "Unlicense" }]);
  expect(text).toMatch(/## a 1\.0\.0 \(MIT\)\n\nDo\.\n\n## b 2\.0\.0 \(Unlicense\)\n$/);
});

test("Vite's list becomes the two files", () => {
  const bundle = { [vitesList]: { source: '[{"name": "words", "version": "1.0.0", "identifier": "MIT"}]' }, "index.js": {} };
  const emitted = {};
  packages(lock).generateBundle.handler.call({ emitFile: ({ fileName, source }) => void (emitted[fileName] = source) }, {}, bundle);
  expect(Object.keys(bundle)).toEqual(["index.js"]);
  expect(emitted["licenses.md"]).toContain("## words 1.0.0 (MIT)");
  expect(JSON.parse(emitted["packages.json"])).toEqual([{ name: "words", version: "1.0.0", license: "MIT", integrity: "sha512-old" }]);
});
