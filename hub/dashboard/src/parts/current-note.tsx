// Says of when numbers are while the reader looks at another time.
import { clockTime } from "../format/time";
import { useTimeRange } from "../url/use-address";

/** CurrentNote is there while the page is paused or zoomed: histories show that time, all other numbers the round of the hub's answer. */
export function CurrentNote({ time }: { time: string | undefined }) {
  const [{ pausedAt, zoom }] = useTimeRange();
  if (time === undefined || (pausedAt === null && zoom === null)) return null;
  return <p className="notice scope">Only histories show the time that was chosen. All other numbers are of <time>{clockTime(time)}</time>.</p>;
}
