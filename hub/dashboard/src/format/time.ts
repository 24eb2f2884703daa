// Times and durations as people read them, in the browser's own time zone.

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });

const minute = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });

/** clockTime is the time of day: "14:05:09". */
export function clockTime(time: number | string | Date): string {
  return clock.format(typeof time === "number" ? time : new Date(time));
}

/** tickTime is the time of day on an axis: "14:05", or "14:05:10" within a minute. */
export function tickTime(time: number): string {
  return time % 60_000 === 0 ? minute.format(time) : clockTime(time);
}

const day = new Intl.DateTimeFormat("en-CA", { year: "numeric", month: "2-digit", day: "2-digit" });

/** dateTime is the day and the time of day: "2026-11-22 14:05:09". */
export function dateTime(time: string): string {
  return `${day.format(new Date(time))} ${clockTime(time)}`;
}

/** duration takes seconds: "8 s", "5 min", "1 h 20 min", "3 d". */
export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  if (Math.abs(seconds) < 9.95 && whole !== seconds) return `${Number(seconds.toFixed(1))} s`;
  if (whole < 120) return `${whole} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  return `${Math.round(hours / 24)} d`;
}
