// One number on the screen: its text, or a dash that says why there is none.
import { type Format, text } from "../format/number";
import type { Item } from "../api/types";
import { whyNull } from "../derive/metric";

interface Props {
  value: number | null | undefined;
  format: Format;
  /** Why value is null. */
  why?: string;
}

/** Value is a metric's number. */
export function Value({ value, format, why = "not known" }: Props) {
  if (value === null || value === undefined) return <Unknown why={why} />;
  return <span className="value">{text(format(value))}</span>;
}

/** Unknown is the dash in the place of a number. */
export function Unknown({ why }: { why: string }) {
  return (
    <span className="unknown" title={why}>
      <span aria-hidden="true">—</span>
      <span className="unseen">unknown: {why}</span>
    </span>
  );
}

/** Metric is a Value of an item, by the name of its reason. */
export function Metric({ of, name, value, format }: { of: Pick<Item, "unavailable" | "status"> | Pick<Item, "unavailable">; name: string; value: number | null; format: Format }) {
  return <Value value={value} format={format} why={value === null ? whyNull(of, name) : ""} />;
}
