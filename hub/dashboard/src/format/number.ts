// Numbers as people read them: three significant digits, a unit, no exponent.
// Every function is pure; what is not known is not its business.

/** A Quantity is a number's text and its unit, so that both can be set apart. */
export interface Quantity {
  digits: string;
  unit: string;
}

/** A Format turns a metric's value into a quantity. */
export type Format = (value: number) => Quantity;

/** text joins a quantity: "1.25 GiB", "250m", "42 %". */
export function text({ digits, unit }: Quantity): string {
  return unit === "" || unit === "m" ? digits + unit : `${digits} ${unit}`;
}

/** significant has three significant digits: 0.0123, 1.23, 12.3, 123, 1234. */
export function significant(value: number): string {
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 100) return Math.round(value).toString();
  if (size >= 10) return trimmed(value, 1);
  if (size >= 1) return trimmed(value, 2);
  return size < 0.001 ? "<0.001" : trimmed(value, 3);
}

function trimmed(value: number, decimals: number): string {
  return String(Number(value.toFixed(decimals)));
}

/** cpu takes millicores: "250m" below one core, "1.25 cores" from there. */
export function cpu(millicores: number): Quantity {
  const size = Math.abs(millicores);
  if (size > 0 && size < 0.95) return { digits: "<1", unit: "m" };
  if (size < 999.5) return { digits: Math.round(millicores).toString(), unit: "m" };
  return { digits: fixed(millicores / 1000), unit: "cores" };
}

/** bytes takes bytes, in binary units. */
export function bytes(value: number): Quantity {
  return scaled(value, 1024, ["B", "KiB", "MiB", "GiB", "TiB", "PiB"]);
}

/** bytesPerSecond takes bytes per second, in binary units. */
export function bytesPerSecond(value: number): Quantity {
  return scaled(value, 1024, ["B/s", "KiB/s", "MiB/s", "GiB/s", "TiB/s", "PiB/s"]);
}

/** bitsPerSecond takes bytes per second, in the decimal units of networks. */
export function bitsPerSecond(value: number): Quantity {
  return scaled(value * 8, 1000, ["bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s", "Pbit/s"]);
}

/** perSecond takes how many there are in a second. */
export function perSecond(value: number): Quantity {
  return { digits: significant(value), unit: "/s" };
}

/** percent takes a share: 1 is 100 %. */
export function percent(share: number): Quantity {
  const value = share * 100;
  if (value > 0 && value < 0.05) return { digits: "<0.1", unit: "%" };
  return { digits: value < 9.95 ? trimmed(value, 1) : Math.round(value).toString(), unit: "%" };
}

/** count takes a whole number. */
export function count(value: number): Quantity {
  return { digits: Math.round(value).toLocaleString("en"), unit: "" };
}

/** milliseconds takes milliseconds. */
export function milliseconds(value: number): Quantity {
  return value < 999.5 ? { digits: significant(value), unit: "ms" } : { digits: significant(value / 1000), unit: "s" };
}

function scaled(value: number, base: number, units: readonly string[]): Quantity {
  let rest = value;
  let unit = 0;
  // 999.5 and more would show as four digits.
  while (Math.abs(rest) >= Math.min(999.5, base) && unit < units.length - 1) {
    rest /= base;
    unit++;
  }
  const name = units[unit] ?? "";
  return { digits: unit === 0 ? Math.round(rest).toString() : fixed(rest), unit: name };
}

// Numbers that change each round keep their zeros, so that a column is quiet:
// 1.20, 12.0, 120.
function fixed(value: number): string {
  const size = Math.abs(value);
  if (size >= 99.95) return value.toFixed(0);
  return value.toFixed(size >= 9.995 ? 1 : 2);
}
