// What is wrong, worst first, as a list that leads to where to look.
import { Link } from "wouter";
import { isPending, type Looks, verdict } from "../derive/looks";
import type { Finding } from "../derive/problems";
import { useHref, useParam } from "../url/use-address";
import { LevelMark } from "./meter";
import { Skeleton } from "./section";

// More than these are shown when asked for.
const most = 8;

interface Props {
  findings: readonly Finding[];
  /** What they were looked for in. */
  looks: Looks;
}

/** Findings is the list. */
export function Findings({ findings, looks }: Props) {
  const href = useHref();
  const [all, setAll] = useParam("findings");
  const said = verdict(findings.length, looks);
  const shown = all === "all" ? findings : findings.slice(0, most);
  return (
    <section aria-labelledby="findings-title">
      <div className="section-head">
        <h2 id="findings-title">Needs attention</h2>
        {findings.length > most && (
          <button type="button" className="link quiet" onClick={() => setAll(all === "all" ? "" : "all")}>
            {all === "all" ? `show the first ${most}` : `show all ${findings.length}`}
          </button>
        )}
      </div>
      <ul className="findings">
        {shown.map((finding) => (
          <li key={`${finding.kind} ${finding.name}`} className={finding.level}>
            <LevelMark level={finding.level} />
            <span className="finding-kind">{finding.kind}</span>
            <Link href={href(finding.path)} title={finding.name}>{finding.name}</Link>
            <span className="finding-text" title={finding.text}>{finding.text}</span>
          </li>
        ))}
      </ul>
      {isPending(looks) ? <Skeleton height={findings.length > 0 ? 30 : 120} /> : said !== "" && <p className="none">{said}</p>}
    </section>
  );
}
