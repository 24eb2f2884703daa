// The rows of a table: those on the screen, and the one that has the focus,
// wherever it went. The others are as much empty room.
import { type FocusEvent, Fragment, type KeyboardEvent, memo, type MouseEvent, type ReactNode, type RefObject, useCallback, useMemo, useRef, useState } from "react";
import { useLocation, useRouter } from "wouter";
import { drawn } from "../derive/rows";
import { useHref } from "../url/use-address";
import { rowHeight, useRowsOnScreen } from "./rows-on-screen";
import type { Column } from "./table";

interface Props<T> {
  caption: string;
  rows: readonly T[];
  columns: readonly Column<T>[];
  rowKey(row: T): string;
  path: ((row: T) => string | undefined) | undefined;
  head: ReactNode;
  /** In the place of rows, if there is none. */
  none: ReactNode;
}

/** Rows is the table itself. */
export function Rows<T>({ caption, rows, columns, rowKey, path, head, none }: Props<T>) {
  const body = useRef<HTMLTableSectionElement>(null);
  const [{ first, end }, scrollTo] = useRowsOnScreen(body, rows.length);
  const [focused, watchFocus] = useFocused(rows, rowKey);
  const keys = useRowKeys(body, rows.length, scrollTo);
  const href = useHref();
  const links = useRowLinks();
  const indexes = drawn(first, end, focused);
  const table = (
    <table aria-rowcount={rows.length + 1} onKeyDown={keys} onClick={links} {...watchFocus}>
      <caption className="unseen">{caption}</caption>
      <Columns columns={columns} />
      {head}
      <tbody ref={body} data-rows="">
        {indexes.map((index, i) => {
          const row = rows[index];
          if (row === undefined) return null;
          const to = path?.(row);
          return (
            <Fragment key={rowKey(row)}>
              <Room rows={index - (indexes[i - 1] ?? -1) - 1} />
              <Row row={row} index={index} columns={columns} href={to && href(to)} />
            </Fragment>
          );
        })}
        <Room rows={rows.length - (indexes.at(-1) ?? -1) - 1} />
      </tbody>
    </table>
  );
  // Not a row of it: columns that are not shown count in a row's width.
  return rows.length === 0 ? <>{table}<p className="none">{none}</p></> : table;
}

/** Room is what rows take that are not drawn. */
function Room({ rows }: { rows: number }) {
  return rows > 0 && <tr aria-hidden="true" className="space" style={{ height: rows * rowHeight }} />;
}

function Columns<T>({ columns }: { columns: readonly Column<T>[] }) {
  return (
    <colgroup>
      {columns.map(({ id, width, from = "phone" }) => (
        <col key={id} className={`from-${from}`} style={width ? { width } : undefined} />
      ))}
    </colgroup>
  );
}

interface RowProps<T> {
  row: T;
  index: number;
  columns: readonly Column<T>[];
  href: string | undefined;
}

// A row is drawn anew only for another row, or after another round.
const Row = memo(function Row<T>({ row, index, columns, href }: RowProps<T>) {
  const base = useRouter().base;
  return (
    <tr data-index={index} aria-rowindex={index + 2}>
      {columns.map((column, i) => {
        const content = column.cell(row);
        const hint = column.hint?.(row);
        if (i > 0) return <td key={column.id} className={cellClass(column)} title={hint}>{content}</td>;
        return (
          <th key={column.id} scope="row" className={cellClass(column)} title={hint}>
            {href === undefined ? content : <a href={base + href} data-row={href}>{content}</a>}
          </th>
        );
      })}
    </tr>
  );
}) as <T>(props: RowProps<T>) => ReactNode;

/** cellClass is that of a column's cells. */
export function cellClass<T>({ number, from = "phone" }: Column<T>): string {
  return `${number ? "number " : ""}from-${from}`;
}

/** useRowLinks follows the rows' links within the page: one listener for all of them is lighter than a Link in each. */
function useRowLinks() {
  const [, navigate] = useLocation();
  return (event: MouseEvent) => {
    const to = (event.target as HTMLElement).closest<HTMLElement>("[data-row]")?.dataset["row"];
    if (to === undefined || event.button !== 0 || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    event.preventDefault();
    navigate(to);
  };
}

/** useFocused is where the row is now that has the focus, and what to listen to for it. */
function useFocused<T>(rows: readonly T[], rowKey: (row: T) => string) {
  const [key, setKey] = useState<string | null>(null);
  const index = useMemo(() => (key === null ? -1 : rows.findIndex((row) => rowKey(row) === key)), [rows, rowKey, key]);
  const onFocus = (event: FocusEvent<HTMLElement>) => {
    const row = rows[indexOf(event.target) ?? -1];
    setKey(row === undefined ? null : rowKey(row));
  };
  // Without another element that gets it, the focus comes back with the window.
  const onBlur = ({ relatedTarget, currentTarget }: FocusEvent<HTMLElement>) => {
    if (relatedTarget && !currentTarget.contains(relatedTarget)) setKey(null);
  };
  return [index === -1 ? null : index, { onFocus, onBlur }] as const;
}

/** indexOf is the place of the row that an element is in. */
function indexOf(element: EventTarget): number | null {
  const index = (element as HTMLElement).closest<HTMLElement>("[data-index]")?.dataset["index"];
  return index === undefined ? null : Number(index);
}

/** useRowKeys moves between rows with the arrow keys, Home and End; j and k do so from anywhere. */
function useRowKeys(body: RefObject<HTMLTableSectionElement | null>, count: number, scrollTo: (index: number) => void) {
  const focus = useCallback(
    (index: number, tries = 10) => {
      const link = body.current?.querySelector<HTMLElement>(`[data-index="${index}"] [data-row]`);
      if (link) return link.focus();
      scrollTo(index);
      if (tries > 0) requestAnimationFrame(() => focus(index, tries - 1));
    },
    [body, scrollTo],
  );
  return (event: KeyboardEvent) => {
    const at = indexOf(event.target);
    if (at === null || event.ctrlKey || event.metaKey || event.altKey) return;
    const to = { ArrowDown: at + 1, j: at + 1, ArrowUp: at - 1, k: at - 1, Home: 0, End: count - 1 }[event.key];
    if (to === undefined || to < 0 || to >= count) return;
    event.preventDefault();
    event.stopPropagation();
    focus(to);
  };
}
