// Filtering and sorting of long lists. Pure, and linear but for the sort: ten
// thousand rows must not be felt.

/** A sort's name in the address: "cpu" up, "-cpu" down. */
export interface Sort {
  column: string;
  descending: boolean;
}

export function parseSort(value: string, byDefault: string): Sort {
  const text = value || byDefault;
  return text.startsWith("-") ? { column: text.slice(1), descending: true } : { column: text, descending: false };
}

export function writeSort({ column, descending }: Sort): string {
  return descending ? `-${column}` : column;
}

/** What a row sorts by; null is not known and comes last, whichever way. */
export type SortValue = number | string | null;

/** sorted returns the rows in order; equal ones stay as they were. */
export function sorted<T>(rows: readonly T[], value: (row: T) => SortValue, descending: boolean): T[] {
  const keyed = rows.map((row) => ({ row, key: value(row) }));
  const sign = descending ? -1 : 1;
  keyed.sort((a, b) => {
    if (a.key === null || b.key === null) return Number(a.key === null) - Number(b.key === null);
    if (a.key === b.key) return 0;
    return a.key < b.key ? -sign : sign;
  });
  return keyed.map(({ row }) => row);
}

/**
 * matcher tells whether a text in lower case has what a search asks for: all of
 * its words in any order, and none of those with a ! in front.
 */
export function matcher(search: string): (text: string) => boolean {
  const words = search.toLowerCase().split(/\s+/).filter((word) => word !== "" && word !== "!");
  const wanted = words.filter((word) => !word.startsWith("!"));
  const unwanted = words.filter((word) => word.startsWith("!")).map((word) => word.slice(1));
  return (text) => wanted.every((word) => text.includes(word)) && !unwanted.some((word) => text.includes(word));
}

/** drawn are the indexes from first to before end, and one more that is drawn wherever it is. */
export function drawn(first: number, end: number, always: number | null): number[] {
  const indexes = Array.from({ length: end - first }, (_, i) => first + i);
  if (always === null || (always >= first && always < end)) return indexes;
  return always < first ? [always, ...indexes] : [...indexes, always];
}
