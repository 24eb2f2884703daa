// Runs the programs that the tests look at, and ends them.
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** A Program that runs, and what its first telling line told. */
export interface Program {
  url: string;
  stop(): Promise<void>;
}

/**
 * start runs a program of bin/ until it prints a line with an address: the
 * programs do so when what they are for is there to be looked at.
 */
export async function start(name: string, args: string[], tells: RegExp): Promise<Program> {
  const child = spawn(`${root}bin/${name}`, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
  const said: string[] = [];
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const url = await new Promise<string>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on("line", (line) => {
        said.push(line);
        const found = tells.exec(line);
        if (found?.[1] !== undefined) resolve(found[1]);
      });
    }
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`${name} ended with ${code}: ${said.join("\n")}`)));
  });
  return { url, stop: () => end(child, ended) };
}

async function end(child: ChildProcess, ended: Promise<void>): Promise<void> {
  child.kill("SIGTERM");
  await ended;
}
