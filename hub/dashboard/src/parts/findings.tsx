// What is wrong, worst first, as a list that leads to where to look.
import { Link } from "wouter";
import type { Finding } from "../derive/problems";
import { useHref } from "../url/use-address";
import { LevelMark } from "./meter";

// More than these are in the tables, sorted by the same numbers.
const most = 12;

/** Findings is the list. */
export function Findings({ findings }: { findings: readonly Finding[] }) {
  const href = useHref();
  const rest = findings.length - most;
  return (
    <section aria-labelledby="findings-title">
      <div className="section-head"><h2 id="findings-title">Needs attention</h2></div>
      {findings.length === 0 && <p className="none">Nothing: every node reports, and nothing is near a limit, throttled, stalled or killed.</p>}
      <ul className="findings">
        {findings.slice(0, most).map((finding) => (
          <li key={`${finding.kind} ${finding.name} ${finding.text}`}>
            <LevelMark level={finding.level} />
            <span className="finding-kind">{finding.kind}</span>
            <span className="finding-text"><Link href={href(finding.path)}>{finding.name}</Link> {finding.text}</span>
          </li>
        ))}
      </ul>
      {rest > 0 && <p className="none">and {rest} more</p>}
    </section>
  );
}
