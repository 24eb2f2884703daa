// All nodes in one picture: a cell for each, its colour by a number that the
// reader chooses. Few nodes have their name and number in the cell, many a mark
// where something is wrong: no colour says it alone.
import type { CSSProperties } from "react";
import { Link } from "wouter";
import type { Node } from "../api/types";
import { type Heat, heats } from "../derive/heat";
import { text } from "../format/number";
import { pathOf, useHref, useParam } from "../url/use-address";
import { LevelMark } from "./meter";
import { stateIcons, stateWords } from "./state-badge";

/** From how many nodes on the cells have no room for words. */
const crowd = 80;

/** HeatGrid is the grid with its choice of numbers; heading is "" where the page has one. */
export function HeatGrid({ nodes, heading }: { nodes: readonly Node[]; heading: string }) {
  const [name, setName] = useParam("heat");
  const heat = heats.find((h) => h.name === name) ?? heats[0];
  return (
    <section className="heat" aria-label="Nodes by load">
      <div className="section-head">
        {heading !== "" && <h2>{heading}</h2>}
        <label>
          coloured by <select value={heat.name} onChange={(event) => setName(event.target.value === heats[0].name ? "" : event.target.value)}>
            {heats.map((h) => <option key={h.name} value={h.name}>{h.label}</option>)}
          </select>
        </label>
      </div>
      {nodes.length === 0 && <p className="none">No node has an agent yet.</p>}
      <ul className={`heat-grid ${nodes.length > crowd ? "crowded" : ""}`}>
        {nodes.map((node) => <Cell key={node.name} node={node} heat={heat} />)}
      </ul>
    </section>
  );
}

function Cell({ node, heat }: { node: Node; heat: Heat }) {
  const href = useHref();
  const value = heat.value(node);
  const reports = node.status.state === "ok";
  const level = heat.level(value);
  const words = !reports ? stateWords[node.status.state] : value === null ? "" : text(heat.format(value));
  const why = !reports ? node.status.reason : value === null ? `unknown: ${heat.why(node)}` : "";
  const style = { "--heat": Math.min((value ?? 0) / heat.full, 1) } as CSSProperties;
  return (
    <li>
      <Link href={href(pathOf.node(node.name))} className={`heat-cell ${reports ? level : node.status.state}`} style={style}
        title={`${node.name}: ${[words, why].filter((part) => part !== "").join(", ")}`}>
        <span className="heat-name">{node.name}</span>
        <span className="heat-value">
          <span className="heat-mark">{reports && value !== null ? <LevelMark level={level} /> : <span aria-hidden="true">{reports ? "—" : stateIcons[node.status.state]}</span>}</span>
          <span className="heat-words">{words}</span>
          {why !== "" && <span className="unseen"> {why}</span>}
        </span>
      </Link>
    </li>
  );
}
