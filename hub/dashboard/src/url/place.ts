// Where the reader was on a page, kept in the browser's history: the back button
// leads there, to the same row, and not to the page's top.

/** A Place is how far down the page was, and the address of the row with the focus, or "". */
interface Place {
  top: number;
  row: string;
}

// How long a place is waited for: the page may have to ask for its rows again.
const patienceMilliseconds = 3_000;

/** keepPlace notes it, before the reader goes to another page. */
export function keepPlace(): void {
  const focused = document.activeElement;
  const row = focused instanceof HTMLElement ? (focused.dataset["row"] ?? "") : "";
  history.replaceState({ place: { top: window.scrollY, row } satisfies Place }, "");
}

/** placeKept is that of the page that is shown; null if the reader was not here before. */
export function placeKept(): Place | null {
  return (history.state as { place?: Place } | null)?.place ?? null;
}

/** backTo goes to a place as soon as the page reaches that far, unless the reader goes elsewhere first. It returns what stops it. */
export function backTo({ top, row }: Place): () => void {
  const until = performance.now() + patienceMilliseconds;
  const given = new AbortController();
  const attempt = () => {
    if (given.signal.aborted) return;
    window.scrollTo(0, top);
    const link = row === "" ? null : document.querySelector<HTMLElement>(`[data-row="${CSS.escape(row)}"]`);
    link?.focus({ preventScroll: true });
    const arrived = Math.abs(window.scrollY - top) < 1 && (row === "" || link !== null);
    if (!arrived && performance.now() < until) requestAnimationFrame(attempt);
  };
  for (const event of ["wheel", "touchstart", "pointerdown", "keydown"]) document.addEventListener(event, () => given.abort(), { signal: given.signal, passive: true });
  attempt();
  return () => given.abort();
}
