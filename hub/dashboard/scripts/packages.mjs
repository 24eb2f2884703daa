// A Vite plugin: says which packages the page is made of, which is those with a
// module in the bundle and not all that were installed. licenses.md is for
// people, packages.json for the bill of materials of the hub's image.

/** vitesList is where Vite itself is told to write what it found. */
export const vitesList = "licenses.json";

/** packages takes their checksums from the lock, which is that of package-lock.json. */
export function packages(lock) {
  return {
    name: "packages",
    apply: "build",
    enforce: "post",
    generateBundle: {
      order: "post", // after Vite's list
      handler(_, bundle) {
        const list = JSON.parse(bundle[vitesList].source);
        delete bundle[vitesList];
        this.emitFile({ type: "asset", fileName: "licenses.md", source: licenses(list) });
        this.emitFile({ type: "asset", fileName: "packages.json", source: `${JSON.stringify(list.map((found) => entry(found, lock)), null, 2)}\n` });
      },
    },
  };
}

/** licenses are the texts, each under its package's name. */
export function licenses(list) {
  const texts = list.map(({ name, version, identifier, text }) => `## ${name} ${version} (${identifier})\n${text ? `\n${text}\n` : ""}`);
  return `# Licenses\n\nkubemon's page is made of its own source, which is under Apache-2.0, and of these packages.\n\n${texts.join("\n")}`;
}

/** entry is one package as packages.json has it. It throws if something is not known. */
export function entry({ name, version, identifier }, lock) {
  if (!identifier) throw new Error(`${name} ${version}: its package.json has no license`);
  const locked = Object.entries(lock.packages).find(([path, { version: other }]) => path.endsWith(`node_modules/${name}`) && other === version);
  if (!locked?.[1].integrity) throw new Error(`${name} ${version}: package-lock.json has no checksum of it`);
  return { name, version, license: identifier, integrity: locked[1].integrity };
}
