// Runs with-node where a machine's programs are made up: what matters is which
// of them are there, which version node has, and what apt-get and npm bring.
import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

vi.setConfig({ testTimeout: 60_000 }); // each starts some programs

let root;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "with-node-"));
  mkdirSync(join(root, "path"));
  mkdirSync(join(root, "hub/dashboard/scripts"), { recursive: true });
  copyFileSync(fileURLToPath(new URL("with-node", import.meta.url)), join(root, "hub/dashboard/scripts/with-node"));
  for (const [name, at] of [["bash", "/bin/bash"], ["env", "/usr/bin/env"], ["dirname", "/usr/bin/dirname"], ["cp", "/bin/cp"], ["mkdir", "/bin/mkdir"]]) {
    symlinkSync(at, join(root, "path", name));
  }
});
afterEach(() => rmSync(root, { recursive: true }));

/** put makes a program; in a folder that is not on the path it can be brought. */
function put(name, lines, folder = "path") {
  mkdirSync(join(root, folder), { recursive: true });
  writeFileSync(join(root, folder, name), `#!/bin/bash\necho "${name} $*" >>${root}/calls\n${lines}\n`);
  chmodSync(join(root, folder, name), 0o755);
}

/** node is this one that says another version of itself, or whatever it is asked. */
const node = (version) =>
  `[ "$1" = -e ] || { echo "node ${version} ran $*"; exit; }
exec ${process.execPath} -e "Object.defineProperty(process, 'versions', { value: { node: '${version}' } }); $2"`;

function run() {
  const { status, stdout, stderr } = spawnSync(join(root, "hub/dashboard/scripts/with-node"), ["node", "a", "b"], { env: { PATH: join(root, "path") }, encoding: "utf8" });
  return { status, stdout, stderr };
}

const calls = () => (existsSync(join(root, "calls")) ? readFileSync(join(root, "calls"), "utf8").split("\n").filter((line) => /^(npm|apt-get)/.test(line)) : []);

/** npmBrings installs a node as npm would. */
const npmBrings = (version) => {
  put("node", node(version), "brought");
  return `echo added; mkdir -p "$3/node_modules/node/bin"; cp ${root}/brought/node "$3/node_modules/node/bin/node"`;
};

test.each([
  ["18.20.4", false], ["20.18.3", false], ["20.19.0", true], ["21.7.3", false], ["22.11.0", false], ["22.12.0", true], ["23.11.0", false], ["24.0.0", true], ["26.1.0", true],
])("Node.js %s fits: %s", (version, fits) => {
  put("node", node(version));
  put("npm", npmBrings("22.23.3"));
  const { status, stdout } = run();
  expect({ status, stdout }).toEqual({ status: 0, stdout: `node ${fits ? version : "22.23.3"} ran a b\n` });
  expect(calls()).toEqual(fits ? [] : [`npm install --prefix ${root}/bin/node --no-save --no-audit --no-fund node@22`]);
  run();
  expect(calls()).toHaveLength(fits ? 0 : 1); // what is there is not brought again
});

test("apt brings npm and an old Node.js, npm a new one", () => {
  put("node", node("18.20.4"), "brought-by-apt");
  put("npm", npmBrings("22.23.3"), "brought-by-apt");
  put("apt-get", `echo apt speaks; [ "$1" = update ] || cp ${root}/brought-by-apt/* ${root}/path/`);
  const { status, stdout, stderr } = run();
  expect({ status, stdout }).toEqual({ status: 0, stdout: "node 22.23.3 ran a b\n" });
  expect(stderr).toContain("apt speaks");
  expect(calls()).toEqual(["apt-get update", "apt-get install -y --no-install-recommends nodejs npm", expect.stringMatching(/^npm install/)]);
});

test("apt brings a Node.js that fits", () => {
  put("node", node("20.19.2"), "brought");
  put("npm", "exit 1", "brought");
  put("apt-get", `[ "$1" = update ] || cp ${root}/brought/* ${root}/path/`);
  expect(run()).toEqual({ status: 0, stdout: "node 20.19.2 ran a b\n", stderr: "" });
});

test.each([
  ["no apt-get", {}, "there is no apt-get"],
  ["apt-get that fails", { "apt-get": "exit 100" }, "apt-get failed"],
  ["npm that fails", { npm: "exit 1" }, "npm failed"],
  ["npm that brings nothing", { npm: "exit 0" }, "what npm installed does not run"],
])("%s is said, and ends it", (_, programs, message) => {
  for (const [name, lines] of Object.entries(programs)) put(name, lines);
  const { status, stdout, stderr } = run();
  expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
  expect(stderr).toBe(`with-node: Node.js 20.19, 22.12, 24 or newer is needed, with npm, and could not be installed: ${message}\n`);
});
