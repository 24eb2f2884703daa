// One number on the screen: its text, or a dash that says why there is none.
import { type Format, text } from "../format/number";

interface Props {
  value: number | null | undefined;
  format: Format;
  /** Why value is null. */
  why: string;
}

/** Value is a metric's number. */
export function Value({ value, format, why }: Props) {
  if (value === null || value === undefined) return <Unknown why={why} />;
  return <>{text(format(value))}</>;
}

/** Unknown is the dash in the place of a number. */
export function Unknown({ why }: { why: string }) {
  return <span className="unknown" role="img" title={why} aria-label={`unknown: ${why}`}>—</span>;
}
