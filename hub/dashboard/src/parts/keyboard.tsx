// The page by keyboard: the keys, what they do, and the list of them.
import { useEffect, useRef } from "react";
import { useLocation } from "wouter";
import { useHref } from "../url/use-address";

/** Where g and a letter lead. */
export const places = [
  { key: "o", path: "/", label: "Overview" },
  { key: "n", path: "/nodes", label: "Nodes" },
  { key: "s", path: "/namespaces", label: "Namespaces" },
  { key: "w", path: "/workloads", label: "Workloads" },
  { key: "p", path: "/pods", label: "Pods" },
  { key: "a", path: "/status", label: "Agents" },
] as const;

const others = [
  ["/", "search the table; Enter or ↓ leads to what was found"],
  ["j, k", "next and previous row; also the arrow keys"],
  ["Enter", "open the row"],
  ["Esc", "up one level, or out of the search"],
  ["Space", "pause and go on"],
  ["1 2 3 4", "the last 5, 15, 30, 60 minutes"],
  ["t", "charts as tables, and back"],
  ["←, →", "in a chart: move along; with Shift, choose an interval; Enter zooms into it"],
  ["?", "this list"],
] as const;

/** What the keys reach outside of this file. */
interface Commands {
  help(): void;
  pause(): void;
  range(index: number): void;
  tables(): void;
}

/** useKeyboard listens to the keys that work everywhere. */
export function useKeyboard(commands: Commands): void {
  const [path, navigate] = useLocation();
  const href = useHref();
  const latest = useRef({ commands, path, navigate, href });
  latest.current = { commands, path, navigate, href };
  useEffect(() => {
    let went = 0; // when g was pressed
    const listen = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      const { commands: run, path: at, navigate: go, href: link } = latest.current;
      const place = performance.now() - went < 1500 ? places.find(({ key }) => key === event.key) : undefined;
      went = event.key === "g" ? performance.now() : 0;
      if (place) return go(link(place.path));
      const handled = perform(event, run) || (event.key === "Escape" && at !== "/" && (go(link(parent(at))), true));
      if (handled) event.preventDefault();
    };
    document.addEventListener("keydown", listen);
    return () => document.removeEventListener("keydown", listen);
  }, []);
}

function perform(event: KeyboardEvent, run: Commands): boolean {
  switch (event.key) {
    case "/":
      document.querySelector<HTMLElement>("[data-search]")?.focus();
      return true;
    case "j":
    case "k":
      firstRow()?.focus();
      return true;
    case "?":
      run.help();
      return true;
    case "t":
      run.tables();
      return true;
    case " ":
      if (isPressed(event.target)) return false;
      run.pause();
      return true;
    case "1":
    case "2":
    case "3":
    case "4":
      run.range(Number(event.key) - 1);
      return true;
  }
  return false;
}

/** firstRow is the first one on the screen, or else of the page. */
function firstRow(): HTMLElement | undefined {
  const links = [...document.querySelectorAll<HTMLElement>("[data-rows] [data-row]")];
  const head = document.querySelector("[data-rows]")?.parentElement?.querySelector("thead")?.getBoundingClientRect().bottom ?? 0;
  return links.find((link) => link.getBoundingClientRect().top >= head) ?? links[0];
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest("input, select, textarea, dialog, [contenteditable]") !== null;
}

/** isPressed tells of what the space bar presses itself. */
function isPressed(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest("button, a, summary, [role=button]") !== null;
}

/** parent is one level up: a pod's is the pods. */
function parent(path: string): string {
  const top = path.split("/")[1] ?? "";
  return path === `/${top}` ? "/" : `/${top}`;
}

/** Help is the list of keys. */
export function Help({ open, onClose }: { open: boolean; onClose(): void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (open) dialog.current?.showModal();
    else dialog.current?.close();
  }, [open]);
  return (
    <dialog ref={dialog} className="help" onClose={onClose} aria-labelledby="help-title">
      <h2 id="help-title">Keys</h2>
      <dl>
        {places.map(({ key, label }) => (
          <div key={key}>
            <dt><kbd>g</kbd> <kbd>{key}</kbd></dt>
            <dd>{label}</dd>
          </div>
        ))}
        {others.map(([keys, what]) => (
          <div key={keys}>
            <dt><kbd>{keys}</kbd></dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <form method="dialog"><button type="submit">Close</button></form>
    </dialog>
  );
}
