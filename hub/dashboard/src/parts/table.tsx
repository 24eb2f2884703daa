// A table that sorts, filters, and stays smooth with ten thousand rows: only
// the rows on the screen are in the document. It is a real table all the same,
// and says how many rows it has.
import { useWindowVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, memo, type MouseEvent, type ReactNode, type RefObject, useCallback, useDeferredValue, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import { useLocation, useRouter } from "wouter";
import { matcher, parseSort, type Sort, sorted, type SortValue, writeSort } from "../derive/rows";
import { useHref, useParam } from "../url/use-address";

/** A Column of rows of T. */
export interface Column<T> {
  /** Its name in the address, when sorted by. */
  id: string;
  label: string;
  /** What the heading's short form stands for. */
  title?: string;
  cell(row: T): ReactNode;
  /** What to sort by; a column without is not sorted by. */
  sort?(row: T): SortValue;
  /** Numbers are right-aligned, and start with the greatest. */
  number?: boolean;
  /** Shown from this width of the screen on. */
  from?: "phone" | "tablet" | "laptop" | "desktop";
  /** In pixels on a laptop; the columns without share the rest. */
  width?: number;
}

interface Props<T> {
  caption: string;
  rows: readonly T[];
  columns: readonly [Column<T>, ...Column<T>[]];
  rowKey(row: T): string;
  /** Where a row leads. */
  path?(row: T): string;
  /** What a search looks through; a table without it has no search. */
  searched?(row: T): string;
  sort: string;
  /** Besides the search. */
  controls?: ReactNode;
  /** What to say when there is no row at all. */
  empty: string;
  /** Before its names in the address, for the second table of a page. */
  prefix?: string;
}

const rowHeight = 30;

/** DataTable is the table with its search. */
export function DataTable<T>(props: Props<T>) {
  const { rows, columns, searched, prefix = "", controls } = props;
  const [search, setSearch] = useParam(`${prefix}q`, "replace");
  const [sortText, setSort] = useParam(`${prefix}sort`);
  const sort = parseSort(sortText, props.sort);
  const shown = useShown(rows, columns, searched, search, sortText || props.sort);
  return (
    <div className="data-table">
      {(searched || controls) && (
        <div className="table-tools">
          {searched && <Search value={search} onChange={setSearch} caption={props.caption} />}
          {controls}
          <span className="table-count" role="status">
            {shown.length === rows.length ? rows.length.toLocaleString("en") : `${shown.length.toLocaleString("en")} of ${rows.length.toLocaleString("en")}`}
          </span>
        </div>
      )}
      <Rows {...props} rows={shown} total={rows.length} sort={sort} onSort={(next) => setSort(writeSort(next))} onClear={() => setSearch("")} />
    </div>
  );
}

/**
 * useShown filters and sorts. What was typed or pressed is on the screen first;
 * then the rows follow, in slices between which the browser can do other things.
 */
function useShown<T>(rows: readonly T[], columns: readonly Column<T>[], searched: ((row: T) => string) | undefined, search: string, sort: string): T[] {
  const all = useDeferredValue(rows);
  const sought = useDeferredValue(search);
  const { column, descending } = parseSort(useDeferredValue(sort), "");
  const value = columns.find(({ id }) => id === column)?.sort;
  const inOrder = useMemo(() => (value ? sorted(all, value, descending) : [...all]), [all, value, descending]);
  return useMemo(() => {
    if (!searched || sought.trim() === "") return inOrder;
    const matches = matcher(sought);
    return inOrder.filter((row) => matches(searched(row)));
  }, [inOrder, searched, sought]);
}

function Search({ value, onChange, caption }: { value: string; onChange(value: string): void; caption: string }) {
  // The field is ahead of the address, which browsers let change only so often.
  const [typed, setTyped] = useState(value);
  const written = useRef(value);
  useEffect(() => {
    if (value !== written.current) setTyped((written.current = value));
  }, [value]);
  useEffect(() => {
    if (typed === written.current) return;
    const timer = setTimeout(() => onChange((written.current = typed)), 120);
    return () => clearTimeout(timer);
  }, [typed, onChange]);
  return (
    <input type="search" className="search" data-search="" placeholder="Search   /" aria-label={`Search ${caption}`} value={typed}
      onChange={(event) => setTyped(event.target.value)}
      onKeyDown={(event) => {
        if (event.key !== "Escape" && event.key !== "Enter") return;
        event.preventDefault();
        event.stopPropagation();
        if (event.key === "Escape") setTyped("");
        event.currentTarget.blur();
      }} />
  );
}

interface RowsProps<T> extends Omit<Props<T>, "sort"> {
  total: number;
  sort: Sort;
  onSort(sort: Sort): void;
  onClear(): void;
}

function Rows<T>({ caption, rows, columns, rowKey, path, sort, onSort, empty, total, onClear }: RowsProps<T>) {
  const body = useRef<HTMLTableSectionElement>(null);
  const top = useTop(body);
  const virtual = useWindowVirtualizer({ count: rows.length, estimateSize: () => rowHeight, overscan: 4, scrollMargin: top, useFlushSync: false });
  const items = virtual.getVirtualItems();
  const before = (items[0]?.start ?? top) - top;
  const after = virtual.getTotalSize() - ((items.at(-1)?.end ?? top) - top);
  const move = useCallback((to: number) => virtual.scrollToIndex(to), [virtual]);
  const keys = useRowKeys(body, rows.length, move);
  const href = useHref();
  const links = useRowLinks();
  return (
    <table aria-rowcount={rows.length + 1} onKeyDown={keys} onClick={links}>
      <caption className="unseen">{caption}</caption>
      <Columns columns={columns} />
      <Head columns={columns} sort={sort} onSort={onSort} />
      <tbody ref={body} data-rows="">
        {before > 0 && <tr aria-hidden="true" className="space" style={{ height: before }} />}
        {items.map((item) => {
          const row = rows[item.index];
          return row === undefined ? null : <Row key={rowKey(row)} row={row} index={item.index} columns={columns} href={path && href(path(row))} />;
        })}
        {after > 0 && <tr aria-hidden="true" className="space" style={{ height: after }} />}
        {rows.length === 0 && (
          <tr>
            <td className="none" colSpan={columns.length}>
              {total === 0 ? empty : <>None of {total.toLocaleString("en")} matches. <button type="button" className="link" onClick={onClear}>Clear the search</button></>}
            </td>
          </tr>
        )}
      </tbody>
    </table>
  );
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

function Columns<T>({ columns }: { columns: readonly Column<T>[] }) {
  return (
    <colgroup>
      {columns.map(({ id, width, from = "phone" }) => (
        <col key={id} className={`from-${from}`} style={width ? { width } : undefined} />
      ))}
    </colgroup>
  );
}

function Head<T>({ columns, sort, onSort }: { columns: readonly Column<T>[]; sort: Sort; onSort(sort: Sort): void }) {
  return (
    <thead>
      <tr>
        {columns.map((column) => {
          const by = sort.column === column.id;
          const order = by ? (sort.descending ? "descending" : "ascending") : "none";
          const next = by ? !sort.descending : column.number === true;
          return (
            <th key={column.id} scope="col" className={cellClass(column)} aria-sort={column.sort ? order : undefined} title={column.title}>
              {column.sort ? (
                <button type="button" onClick={() => onSort({ column: column.id, descending: next })}>
                  {column.label}
                  <span aria-hidden="true" className="sort-mark">{by ? (sort.descending ? "↓" : "↑") : ""}</span>
                </button>
              ) : (
                column.label
              )}
            </th>
          );
        })}
      </tr>
    </thead>
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
        if (i > 0) return <td key={column.id} className={cellClass(column)}>{content}</td>;
        return (
          <th key={column.id} scope="row" className={cellClass(column)}>
            {href === undefined ? content : <a href={base + href} data-row={href}>{content}</a>}
          </th>
        );
      })}
    </tr>
  );
}) as <T>(props: RowProps<T>) => ReactNode;

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

function cellClass<T>({ number, from = "phone" }: Column<T>): string {
  return `${number ? "number " : ""}from-${from}`;
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
  return useCallback(
    (event: KeyboardEvent) => {
      const row = (event.target as HTMLElement).closest<HTMLElement>("[data-index]");
      if (!row || event.ctrlKey || event.metaKey || event.altKey) return;
      const at = Number(row.dataset["index"]);
      const to = { ArrowDown: at + 1, j: at + 1, ArrowUp: at - 1, k: at - 1, Home: 0, End: count - 1 }[event.key];
      if (to === undefined || to < 0 || to >= count) return;
      event.preventDefault();
      event.stopPropagation();
      focus(to);
    },
    [count, focus],
  );
}
