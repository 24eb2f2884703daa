// Which rows of a long table are on the screen. All rows are of one height, so
// it is a division; only these rows are in the document.
import { type RefObject, useCallback, useLayoutEffect, useState } from "react";

/** Pixels; the style of tables has the same. */
export const rowHeight = 30;

// Rows that are drawn beyond the screen's edges, and how many are scrolled over
// before others are drawn: most events of a scroll change nothing.
const spare = 2;

/** The rows from the first to before the end. */
interface Slice {
  first: number;
  end: number;
}

/** useRowsOnScreen are those of count rows in body, and what scrolls one to the middle of the screen. */
export function useRowsOnScreen(body: RefObject<HTMLElement | null>, count: number): [Slice, (index: number) => void] {
  const top = useTop(body);
  const { above, rows } = useScreen(top);
  const first = Math.max(Math.min(above - spare, count - rows), 0);
  const end = Math.max(Math.min(above + rows + 2 * spare, count), first);
  const scrollTo = useCallback((index: number) => window.scrollTo(0, top + index * rowHeight - window.innerHeight / 2), [top]);
  return [{ first, end }, scrollTo];
}

/**
 * useScreen is how many rows, spare ones at a time, are above the screen, and how
 * many it has room for. A table that is below the screen has its first rows.
 */
function useScreen(top: number) {
  const [above, setAbove] = useState(0);
  const [rows, setRows] = useState(0);
  useLayoutEffect(() => {
    const look = () => {
      setAbove(Math.max(spare * Math.floor((window.scrollY - top) / rowHeight / spare), 0));
      setRows(Math.ceil(window.innerHeight / rowHeight) + 1); // one is above and below in parts
    };
    look();
    window.addEventListener("scroll", look, { passive: true });
    window.addEventListener("resize", look);
    return () => {
      window.removeEventListener("scroll", look);
      window.removeEventListener("resize", look);
    };
  }, [top]);
  return { above, rows };
}

/** useTop is how far down the page an element is: what is above it may come later, or change. */
function useTop(element: RefObject<HTMLElement | null>): number {
  const [top, setTop] = useState(0);
  useLayoutEffect(() => {
    const measure = () => setTop(element.current ? Math.round(element.current.getBoundingClientRect().top + window.scrollY) : 0);
    measure();
    const resized = new ResizeObserver(measure);
    resized.observe(document.body);
    return () => resized.disconnect();
  }, [element]);
  return top;
}
