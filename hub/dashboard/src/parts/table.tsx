// A table that sorts, filters, and stays smooth with ten thousand rows: only
// the rows on the screen are in the document. It is a real table all the same,
// and says how many rows it has.
import { type ReactNode, useDeferredValue, useEffect, useMemo, useRef, useState } from "react";
import { matcher, parseSort, type Sort, sorted, type SortValue, writeSort } from "../derive/rows";
import { useParam } from "../url/use-address";
import { Search } from "./search";
import { cellClass, Rows } from "./table-rows";

/** A Column of rows of T. */
export interface Column<T> {
  /** Its name in the address, when sorted by. */
  id: string;
  /** What the label is of, for who does not see the column before. */
  of?: string;
  label: string;
  /** What the heading's short form stands for. */
  title?: string;
  cell(row: T): ReactNode;
  /** What a pointer on the cell is told. */
  hint?(row: T): string | undefined;
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
  path?(row: T): string | undefined;
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

/** DataTable is the table with its search. */
export function DataTable<T>({ caption, rows, columns, rowKey, path, searched, sort: byDefault, controls, empty, prefix = "" }: Props<T>) {
  const [search, setSearch] = useParam(`${prefix}q`, "replace");
  const [sortText, setSort] = useParam(`${prefix}sort`);
  const [shown, late] = useShown(rows, columns, searched, search, sortText || byDefault);
  const [holder, toRows] = useToRows(late);
  const total = rows.length.toLocaleString("en");
  return (
    <div className="data-table" ref={holder}>
      {(searched || controls) && (
        <div className="table-tools">
          {searched && <Search value={search} onChange={setSearch} caption={caption} keyed={prefix === ""} onLeave={toRows} />}
          {controls}
          <span className="table-count" role="status">{shown.length === rows.length ? total : `${shown.length.toLocaleString("en")} of ${total}`}</span>
        </div>
      )}
      <Rows caption={caption} rows={shown} columns={columns} rowKey={rowKey} path={path}
        head={<Head columns={columns} sort={parseSort(sortText, byDefault)} onSort={(next) => setSort(writeSort(next))} />}
        none={rows.length === 0 ? empty : <>None of {total} matches. <button type="button" className="link" onClick={() => setSearch("")}>Clear the search</button></>} />
    </div>
  );
}

/**
 * useShown filters and sorts. What was typed or pressed is on the screen first;
 * then the rows follow, in slices between which the browser can do other things.
 * Until they do, they are late.
 */
function useShown<T>(rows: readonly T[], columns: readonly Column<T>[], searched: ((row: T) => string) | undefined, search: string, sort: string): [shown: readonly T[], late: boolean] {
  const all = useDeferredValue(rows);
  const sought = useDeferredValue(search).trim();
  const { column, descending } = parseSort(useDeferredValue(sort), "");
  const value = columns.find(({ id }) => id === column)?.sort;
  const inOrder = useMemo(() => (value ? sorted(all, value, descending) : all), [all, value, descending]);
  const searches = searched !== undefined && sought !== "";
  // Once for all letters of a search.
  const texts = useMemo(() => (searches ? inOrder.map((row) => searched(row).toLowerCase()) : []), [searches, inOrder, searched]);
  const shown = useMemo(() => {
    if (!searches) return inOrder;
    const matches = matcher(sought);
    return inOrder.filter((_, i) => matches(texts[i] ?? ""));
  }, [searches, sought, inOrder, texts]);
  return [shown, sought !== search.trim()];
}

/** useToRows leads from the search to the first row, as soon as the rows are those that were searched for. */
function useToRows(late: boolean) {
  const holder = useRef<HTMLDivElement>(null);
  const [asked, ask] = useState(0);
  const answered = useRef(0);
  useEffect(() => {
    if (late || asked === answered.current) return;
    answered.current = asked;
    holder.current?.querySelector<HTMLElement>("[data-rows] [data-row]")?.focus();
  }, [asked, late]);
  return [holder, () => ask(asked + 1)] as const;
}

interface HeadProps<T> {
  columns: readonly Column<T>[];
  sort: Sort;
  onSort(sort: Sort): void;
}

function Head<T>({ columns, sort, onSort }: HeadProps<T>) {
  return (
    <thead>
      <tr aria-rowindex={1}>
        {columns.map((column) => {
          const by = sort.column === column.id;
          const order = by ? (sort.descending ? "descending" : "ascending") : "none";
          const next = by ? !sort.descending : column.number === true;
          return (
            <th key={column.id} scope="col" className={cellClass(column)} aria-sort={column.sort ? order : undefined} title={column.title}>
              {column.sort ? (
                <button type="button" onClick={() => onSort({ column: column.id, descending: next })}>
                  {column.of && <span className="unseen">{column.of} </span>}
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
