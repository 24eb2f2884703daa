// How much of something is used, as a bar: the use, and a tick where the
// requests end. It repeats the number beside it, which says what it is of.
import { type Level } from "../derive/levels";

interface Props {
  /** 1 is the whole bar. */
  share: number | null | undefined;
  level: Level;
  /** Where to put a tick, as a share. */
  tick?: number | null | undefined;
}

/** Meter is the bar. */
export function Meter({ share, level, tick }: Props) {
  return (
    <span className={`meter ${level}`} aria-hidden="true">
      <span className="meter-fill" style={{ width: `${100 * Math.min(share ?? 0, 1)}%` }} />
      {tick != null && <span className="meter-tick" style={{ left: `${100 * Math.min(tick, 1)}%` }} />}
    </span>
  );
}

const marks: Record<Level, { icon: string; word: string } | null> = {
  ok: null,
  high: { icon: "▲", word: "high" },
  full: { icon: "◆", word: "very high" },
};

/** LevelMark stands beside a number that has a colour. */
export function LevelMark({ level }: { level: Level }) {
  const mark = marks[level];
  if (!mark) return null;
  return (
    <span className={`level-mark ${level}`}>
      <span aria-hidden="true">{mark.icon}</span>
      <span className="unseen"> {mark.word}</span>
    </span>
  );
}
