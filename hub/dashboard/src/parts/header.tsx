// The page's head: where one is, what time is shown, and whether it is live.
import { Link, useLocation } from "wouter";
import { useFeed, useLatestTime, useWindowLimit } from "../api/queries";
import { clockTime } from "../format/time";
import { type RangeName, ranges } from "../url/time-range";
import { useHref, useTimeRange } from "../url/use-address";
import { places } from "./keyboard";

/** Header is on every page. */
export function Header() {
  const [path] = useLocation();
  const href = useHref();
  // Lists show what is now.
  const shows = places.some((place) => place.path !== "/" && place.path === path) ? "now" : "history";
  return (
    <header className="header">
      <Link href={href("/")} className="wordmark">kubemon</Link>
      <nav aria-label="Pages">
        {places.map((place) => {
          const current = place.path === "/" ? path === "/" : path === place.path || path.startsWith(`${place.path}/`);
          return <Link key={place.path} href={href(place.path)} aria-current={current ? "page" : undefined}>{place.label}</Link>;
        })}
      </nav>
      <div className="time-controls">
        {shows === "history" && <RangeButtons />}
        <LiveButton />
      </div>
    </header>
  );
}

function RangeButtons() {
  const [range, setRange] = useTimeRange();
  const limit = useWindowLimit() ?? ranges["1h"];
  return (
    <>
      {range.zoom && (
        <button type="button" className="zoomed" onClick={() => setRange({ ...range, zoom: null })}>
          {clockTime(range.zoom.from)}–{clockTime(range.zoom.to)} <span aria-hidden="true">✕</span>
          <span className="unseen">leave the zoom</span>
        </button>
      )}
      <div className="segments" role="group" aria-label="Time shown">
        {(Object.keys(ranges) as RangeName[]).map((name) => {
          const tooLong = name !== "5m" && ranges[name] > limit && !isShortestThatCovers(name, limit);
          return (
            <button key={name} type="button" aria-pressed={range.name === name && !range.zoom} disabled={tooLong}
              title={tooLong ? "The hub keeps less than that" : undefined} onClick={() => setRange({ ...range, name, zoom: null })}>
              {name}
            </button>
          );
        })}
      </div>
    </>
  );
}

/** isShortestThatCovers is true of the first range that has all that the hub keeps. */
function isShortestThatCovers(name: RangeName, limit: number): boolean {
  const first = (Object.keys(ranges) as RangeName[]).find((other) => ranges[other] >= limit);
  return name === first;
}

/** usePause is whether the page stands still, and its switch. */
export function usePause(): [boolean, () => void] {
  const [range, setRange] = useTimeRange();
  const latest = useLatestTime();
  const paused = range.pausedAt !== null;
  return [paused, () => setRange({ ...range, pausedAt: paused ? null : (latest ?? Date.now()) })];
}

function LiveButton() {
  const [paused, toggle] = usePause();
  const [range] = useTimeRange();
  const { state } = useFeed();
  const latest = useLatestTime();
  const time = range.pausedAt ?? latest;
  const label = paused ? "Paused" : state === "telling" ? "Live" : state === "silent" ? "Polling" : "Connecting";
  return (
    <button type="button" className={`live ${paused ? "paused" : state}`} aria-pressed={paused} onClick={toggle} title={paused ? "Go on (Space)" : "Pause (Space)"}>
      <span aria-hidden="true" className="live-mark">{paused ? "❚❚" : "●"}</span> {label}
      {time !== null && <time>{clockTime(time)}</time>}
    </button>
  );
}
