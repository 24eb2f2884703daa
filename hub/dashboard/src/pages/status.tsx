// How kubemon itself does: the hub, its window, and each agent.
import type { ReactNode } from "react";
import { useAnswer } from "../api/queries";
import type { Agent, Status } from "../api/types";
import { causeOf } from "../derive/cause";
import { levelOfAvailability } from "../derive/levels";
import { bytes, count, milliseconds, percent, text } from "../format/number";
import { clockTime, dateTime, duration } from "../format/time";
import { Share, nameColumn, stateColumn } from "../parts/columns";
import { Loaded } from "../parts/section";
import { type Column, DataTable } from "../parts/table";
import { Unknown, Value } from "../parts/value";
import { pathOf } from "../url/use-address";

/** StatusPage is the page. */
export default function StatusPage() {
  const status = useAnswer<Status>("status");
  return (
    <>
      <h1>Agents</h1>
      <Loaded answer={status} height={400}>
        {(data) => (
          <>
            <Hub status={data} />
            <DataTable caption="agents" rows={data.agents.map((agent) => ({ ...agent, status: agent, name: agent.node }))} columns={columns} rowKey={({ node, url }) => `${node} ${url}`}
              path={({ node }) => pathOf.node(node)} searched={(a) => `${a.node} ${a.url} ${a.state} ${a.lastError ?? ""}`} sort="node" empty="There are no agents: nothing is measured." />
          </>
        )}
      </Loaded>
    </>
  );
}

function Hub({ status }: { status: Status }) {
  const { hub, window, kubernetes, availability, replay } = status;
  const facts: [string, ReactNode][] = [
    ["Hub", `${hub.version}, since ${dateTime(hub.started)}`],
    ["Round", `${count(hub.round).digits}, every ${duration(status.intervalSeconds)}`],
    ["Window", `the last ${duration(hub.windowSeconds)}, in ${text(bytes(window.bytes))} of memory${window.maxBytes === null ? "" : ` (${text(bytes(window.maxBytes))} at most)`}`],
    ["From before the hub", replay.state === "done" ? `${count(replay.rounds).digits} rounds that agents had kept` : replay.state],
    ["Availability", availability.ratio === null ? <Unknown why="no sample has been expected yet" /> : `${text(percent(availability.ratio))} of ${count(availability.roundsExpected).digits} samples`],
    ["API server", !kubernetes.configured ? "none" : kubernetes.connected ? "connected" : `cannot be reached: ${kubernetes.error ?? "no answer"}`],
  ];
  if (window.droppedBefore) facts.push(["Dropped", `before ${clockTime(window.droppedBefore)}, to stay within the bound`]);
  return (
    <dl className="facts">
      {facts.map(([label, value]) => (
        <div key={label}>
          <dt>{label}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

type Row = Agent & { status: Agent; name: string };

const columns: readonly [Column<Row>, ...Column<Row>[]] = [
  { ...nameColumn<Row>("Node"), id: "node", hint: agentOf },
  stateColumn<Row>(),
  {
    id: "availability", label: "Availability", title: "Rounds of the window that there is a sample of", number: true, width: 120, sort: (a) => a.availability,
    cell: (a) => (a.availability === null ? <Unknown why="no round has been expected yet" /> : <Share share={a.availability} level={levelOfAvailability(a.availability)} />),
  },
  { id: "scrape", label: "Scrape", title: "How long the last good answer took", number: true, width: 92, from: "tablet", sort: (a) => a.scrapeMilliseconds, cell: (a) => <Value value={a.scrapeMilliseconds} format={milliseconds} why="no good answer yet" /> },
  { id: "bytes", label: "Size", title: "Size of the last good answer", number: true, width: 92, from: "laptop", sort: (a) => a.bytes, cell: (a) => <Value value={a.bytes} format={bytes} why="no good answer yet" /> },
  { id: "skew", label: "Clock skew", title: "The agent's clock minus the hub's", number: true, width: 100, from: "laptop", sort: (a) => a.clockSkewSeconds, cell: (a) => <Value value={a.clockSkewSeconds} format={skew} why="no good answer yet" /> },
  {
    id: "trust", label: "Trust", title: "Why its TLS key is taken for the agent's", width: 92, from: "desktop", sort: (a) => a.identity?.trust ?? null,
    cell: (a) => (a.identity ? <span title={a.identity.fingerprint}>{a.identity.trust}</span> : <Unknown why="there has been no contact yet" />),
  },
  { id: "attach", label: "Attached in", title: "From seeing the agent to storing its first sample", number: true, width: 100, from: "desktop", sort: (a) => a.attach.seconds, cell: (a) => (a.attach.seconds === null ? <Unknown why="it was not seen to attach" /> : duration(a.attach.seconds)) },
  { id: "error", label: "Last error", from: "tablet", sort: (a) => a.lastErrorTime ?? null, cell: lastError },
];

function skew(seconds: number) {
  return milliseconds(seconds * 1000);
}

/** agentOf has besides what only a wide screen has columns for. */
function agentOf({ url, identity, attach }: Agent): string {
  const facts = [url, identity && `trust: ${identity.trust}`, attach.seconds !== null && `attached in ${duration(attach.seconds)}`];
  return facts.filter((fact) => fact).join("\n");
}

/** lastError is why, without the address that was asked: its tooltip has all. */
function lastError(agent: Agent) {
  const { lastError: error = "", lastErrorTime, warnings } = agent;
  const at = lastErrorTime ? `${clockTime(lastErrorTime)} ` : "";
  const said = (words: string) => [...(error === "" ? [] : [at + words]), ...warnings];
  if (error === "" && warnings.length === 0) return <span className="quiet">none</span>;
  return <span title={said(error).join("\n")}>{said(causeOf(error)).join("; ")}</span>;
}
