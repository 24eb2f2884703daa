// Numbers as people read them: three significant digits, a unit, no exponent.
// Every function is pure; what is not known is not its business.

/** A Quantity is a number's text and its unit, so that both can be set apart. */
interface Quantity {
  digits: string;
  unit: string;
}

/** A Format turns a metric's value into a quantity. */
export type Format = (value: number) => Quantity;

/** text joins a quantity: "1.25 GiB", "250m", "42 %". */
export function text({ digits, unit }: Quantity): string {
  return unit === "" || unit === "m" ? digits + unit : `${digits} ${unit}`;
}

/**
 * significant has three significant digits, and two decimals at most: 0.04, 1.20, 12.0, 120. Zeros stay, so that numbers
 * that change each round keep their width.
 */
export function significant(value: number): string {
  const size = Math.abs(value);
  if (size >= 99.95) return value.toFixed(0);
  return value.toFixed(size >= 9.995 ? 1 : 2);
}

/** cpu takes millicores: "250m" below one core, "1.25 cores" from there. */
export function cpu(millicores: number): Quantity {
  const size = Math.abs(millicores);
  if (size > 0 && size < 0.95) return { digits: "<1", unit: "m" };
  if (size < 999.5) return { digits: Math.round(millicores).toString(), unit: "m" };
  return { digits: significant(millicores / 1000), unit: "cores" };
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
  if (value > 0 && value < 0.005) return { digits: "<0.01", unit: "/s" };
  if (value < 999.5) return { digits: value === 0 ? "0" : significant(value), unit: "/s" };
  return scaled(value / 1000, 1000, ["k/s", "M/s", "G/s"], significant);
}

/** percent takes a share: 1 is 100 %. */
export function percent(share: number): Quantity {
  const value = share * 100;
  if (value > 0 && value < 0.05) return { digits: "<0.1", unit: "%" };
  return { digits: value > 0 && value < 9.95 ? value.toFixed(1) : Math.round(value).toString(), unit: "%" };
}

/** count takes a whole number. */
export function count(value: number): Quantity {
  return { digits: Math.round(value).toLocaleString("en"), unit: "" };
}

/** milliseconds takes milliseconds: "832 µs", "6.70 ms", "1.50 s". */
export function milliseconds(value: number): Quantity {
  return value === 0 ? { digits: "0", unit: "ms" } : scaled(value * 1000, 1000, ["µs", "ms", "s"]);
}

/** scaled takes the smallest unit in which a value has three digits before the point; of the first of them there are no parts. */
function scaled(value: number, base: number, units: readonly string[], smallest = whole): Quantity {
  let rest = value;
  let unit = 0;
  // 999.5 and more would show as four digits.
  while (Math.abs(rest) >= Math.min(999.5, base) && unit < units.length - 1) {
    rest /= base;
    unit++;
  }
  return { digits: unit === 0 ? smallest(rest) : significant(rest), unit: units[unit] ?? "" };
}

function whole(value: number): string {
  return value > 0 && value < 0.5 ? "<1" : Math.round(value).toString();
}
