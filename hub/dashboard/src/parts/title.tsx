// The head of one thing's page: what it is, where it belongs, how it is.
import type { ReactNode } from "react";
import { Link } from "wouter";
import type { Item } from "../api/types";
import { clockTime, duration } from "../format/time";
import { useHref } from "../url/use-address";
import { StateBadge, stateWords } from "./state-badge";

/** A Fact is a word or two about the thing. */
export interface Fact {
  label: string;
  value: ReactNode;
}

interface Props {
  /** Where it belongs: a path of the page and its name. */
  up: { path: string; label: string; choices?: Record<string, string> };
  name: string;
  item: Pick<Item, "status"> | undefined;
  facts?: Fact[];
}

/** Title is the head. */
export function Title({ up, name, item, facts = [] }: Props) {
  const href = useHref();
  return (
    <div className="title">
      <nav aria-label="Up"><Link href={href(up.path, up.choices)}>{up.label}</Link> <span aria-hidden="true">/</span></nav>
      <h1>{name} {item && <StateBadge status={item.status} />}</h1>
      {item && item.status.state !== "ok" && <p className={`notice ${item.status.state}`} role="status">{noticeOf(item.status)}</p>}
      {facts.length > 0 && (
        <dl className="facts">
          {facts.map(({ label, value }) => (
            <div key={label}>
              <dt>{label}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
      )}
    </div>
  );
}

/** noticeOf says since when there is nothing new, and why. */
function noticeOf({ state, reason, sampleTime, ageSeconds }: Item["status"]): string {
  const last = sampleTime == null || ageSeconds == null ? "There is no sample yet." : `The last sample is of ${clockTime(sampleTime)}, ${duration(ageSeconds)} ago.`;
  return `${last} ${reason || `This is ${stateWords[state]}.`}`;
}
