// What a node has besides its usage, as small tables.
import type { ReactNode } from "react";
import type { NodeAnswer } from "../api/types";
import { bounds, levelOf } from "../derive/levels";
import { bytes, bytesPerSecond, count, cpu, percent, perSecond, text } from "../format/number";
import { Share } from "./columns";
import { useNetworkFormat } from "./settings";
import { Value } from "./value";

/** Slices are the control groups directly below the root. */
export function Slices({ slices }: { slices: NodeAnswer["system"] }) {
  const rows = [...(slices ?? [])].sort((a, b) => (b.usage?.cpuMillicores ?? 0) - (a.usage?.cpuMillicores ?? 0));
  return (
    <Small title="Slices" heads={["Control group", "CPU", "Memory", "Processes"]} known={slices !== null}>
      {rows.map(({ cgroup, usage }) => (
        <tr key={cgroup}>
          <th scope="row" title={cgroup}>{cgroup}</th>
          <td><Value value={usage?.cpuMillicores} format={cpu} why="no rate yet" /></td>
          <td><Value value={usage?.memoryBytes} format={bytes} why="the control group could not be read" /></td>
          <td><Value value={usage?.pids} format={count} why="the control group could not be read" /></td>
        </tr>
      ))}
    </Small>
  );
}

/** Processes are the biggest outside of every pod. */
export function Processes({ processes }: { processes: NodeAnswer["processes"] }) {
  const rows = [...(processes ?? [])].sort((a, b) => (b.cpuMillicores ?? 0) - (a.cpuMillicores ?? 0)).slice(0, 15);
  return (
    <Small title="Processes of the host" heads={["Process", "CPU", "Memory", "Threads"]} known={processes !== null}>
      {rows.map((p) => (
        <tr key={p.pid}>
          <th scope="row" title={p.args?.join(" ") ?? p.cgroup}>{p.name} <span className="quiet">{p.pid}</span></th>
          <td><Value value={p.cpuMillicores} format={cpu} why="no rate yet" /></td>
          <td>{text(bytes(p.memoryBytes))}</td>
          <td>{p.threads}</td>
        </tr>
      ))}
    </Small>
  );
}

/** Filesystems are the mounted ones. */
export function Filesystems({ filesystems }: { filesystems: NodeAnswer["filesystems"] }) {
  return (
    <Small title="File systems" heads={["Mount", "Used", "Size", "Inodes used"]} known={filesystems !== null}>
      {(filesystems ?? []).map((f) => {
        const used = f.totalBytes === 0 ? 0 : 1 - f.availableBytes / f.totalBytes;
        const inodes = f.totalInodes === 0 ? null : 1 - f.freeInodes / f.totalInodes;
        return (
          <tr key={f.mount}>
            <th scope="row" title={f.mount}>{f.mount}</th>
            <td><Share share={used} level={levelOf(used, bounds.filesystem)} /></td>
            <td>{text(bytes(f.totalBytes))}</td>
            <td><Value value={inodes} format={percent} why="this file system has no fixed number of inodes" /></td>
          </tr>
        );
      })}
    </Small>
  );
}

/** Disks are the whole disks. */
export function Disks({ disks }: { disks: NodeAnswer["disks"] }) {
  return (
    <Small title="Disks" heads={["Disk", "Read", "Written", "Operations", "Busy"]} known={disks !== null}>
      {(disks ?? []).map((d) => (
        <tr key={d.device}>
          <th scope="row">{d.name} <span className="quiet">{d.device}</span></th>
          <td><Value value={d.readBytesPerSecond} format={bytesPerSecond} why="no rate yet" /></td>
          <td><Value value={d.writeBytesPerSecond} format={bytesPerSecond} why="no rate yet" /></td>
          <td><Value value={d.readOpsPerSecond === null || d.writeOpsPerSecond === null ? null : d.readOpsPerSecond + d.writeOpsPerSecond} format={perSecond} why="no rate yet" /></td>
          <td><Value value={d.busyRatio} format={percent} why="no rate yet" /></td>
        </tr>
      ))}
    </Small>
  );
}

/** Interfaces are the uplinks. */
export function Interfaces({ interfaces }: { interfaces: NodeAnswer["network"] }) {
  const network = useNetworkFormat();
  return (
    <Small title="Interfaces" heads={["Interface", "In", "Out", "Errors", "Dropped"]} known={interfaces !== null} note="Errors and dropped packets are those since boot.">
      {(interfaces ?? []).map((i) => (
        <tr key={i.interface}>
          <th scope="row">{i.interface}</th>
          <td><Value value={i.rxBytesPerSecond} format={network} why="no rate yet" /></td>
          <td><Value value={i.txBytesPerSecond} format={network} why="no rate yet" /></td>
          <td>{count(i.rxErrors + i.txErrors).digits}</td>
          <td>{count(i.rxDropped + i.txDropped).digits}</td>
        </tr>
      ))}
    </Small>
  );
}

interface SmallProps {
  title: string;
  heads: [string, ...string[]];
  known: boolean;
  /** What the heads do not say. */
  note?: string;
  children: ReactNode[];
}

/** Small is a table that needs neither search nor sort. */
function Small({ title, heads, known, note, children }: SmallProps) {
  const nothing = known ? "None." : "Not known: there is no current sample of this node.";
  return (
    <section className="small-table" aria-label={title}>
      <h2>{title}</h2>
      {children.length === 0 ? <p className="none">{nothing}</p> : (
        <table>
          <thead>
            <tr>{heads.map((head) => <th key={head} scope="col">{head}</th>)}</tr>
          </thead>
          <tbody>{children}</tbody>
        </table>
      )}
      {note && children.length > 0 && <p className="quiet">{note}</p>}
    </section>
  );
}
