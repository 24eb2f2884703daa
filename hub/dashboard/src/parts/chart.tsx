// A chart with its title, its legend, and its words: what a plot shows is also
// a sentence and, on request, a table.
import "uplot/dist/uPlot.min.css";
import { type KeyboardEvent, type RefObject, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { type Chart, type Line, summaryOf } from "../derive/charts";
import { stepFrom } from "../derive/crosshair";
import { cut } from "../derive/shown";
import { lacksInWords } from "../derive/lacks";
import { text } from "../format/number";
import { clockTime } from "../format/time";
import { type Interval, shown, type TimeRange } from "../url/time-range";
import { useParam, useTimeRange } from "../url/use-address";
import { colourOf, Plot } from "./plot";

const height = 168;

/** Charts are all charts of a thing, or their tables. */
export function Charts({ charts }: { charts: readonly Chart[] }) {
  const [view, setView] = useParam("view");
  const [range, setRange] = useTimeRange();
  const zoom = useZoom(range, setRange);
  const parts = useMemo(() => charts.map((chart) => partShown(chart, range)), [charts, range]);
  const live = range.pausedAt === null && range.zoom === null;
  const tables = view === "table";
  return (
    <section className="charts" aria-label="History">
      <div className="charts-tools segments" role="group" aria-label="Show the history as">
        <button type="button" aria-pressed={!tables} onClick={() => setView("")}>Charts</button>
        <button type="button" aria-pressed={tables} onClick={() => setView("table")}>Tables</button>
      </div>
      <div className="chart-grid">
        {parts.map(({ chart, interval }) => (
          <figure key={chart.id} className="chart" data-chart={chart.id}>
            <figcaption>{chart.title}</figcaption>
            {chart.missing !== "" ? <p className="chart-missing">{chart.missing}</p> : tables ? <ChartTable chart={chart} /> : <Drawn chart={chart} interval={interval} live={live} zoom={zoom} />}
            <Marks chart={chart} />
          </figure>
        ))}
      </div>
    </section>
  );
}

/** partShown is what the address asks to be shown of a chart. */
function partShown(chart: Chart, range: TimeRange): { chart: Chart; interval: Interval } {
  const interval = shown(range, chart.times.at(-1) ?? Date.now());
  return { chart: cut(chart, interval), interval };
}

/** How charts change what is shown. */
type Zoom = (interval: Interval | null) => void;

function useZoom(range: TimeRange, setRange: (range: TimeRange) => void): Zoom {
  const latest = useRef({ range, setRange });
  latest.current = { range, setRange };
  return useCallback((zoom) => latest.current.setRange({ ...latest.current.range, zoom }), []);
}

interface DrawnProps {
  chart: Chart;
  interval: Interval;
  /** Whether the interval ends now. */
  live: boolean;
  zoom: Zoom;
}

function Drawn({ chart, interval, live, zoom }: DrawnProps) {
  const [cursor, setCursor] = useState<number | null>(null);
  const { element, plot } = usePlot(chart, interval, setCursor, zoom);
  const keys = useChartKeys(chart, interval, plot, zoom);
  return (
    <>
      {cursor !== null && <time className="legend-time">{clockTime(chart.times[cursor] ?? 0)}</time>}
      <Legend chart={chart} at={cursor} />
      <div ref={element} className="plot" style={{ height }} tabIndex={0} role="img" aria-label={summaryOf(chart, live)} onKeyDown={keys.listen} />
      <p className="unseen" role="status">{keys.said}</p>
    </>
  );
}

/** usePlot keeps a plot on the screen for as long as the lines are the same. */
function usePlot(chart: Chart, interval: Interval, onCursor: (index: number | null) => void, zoom: Zoom) {
  const element = useRef<HTMLDivElement>(null);
  const plot = useRef<Plot>(null);
  const latest = useRef({ chart, interval });
  latest.current = { chart, interval };
  const lines = chart.lines.map(({ label, kind }) => `${kind} ${label}`).join("\n");
  useEffect(() => {
    if (!element.current) return;
    const holder = element.current;
    const listener = { onCursor, onZoom: zoom, onLeaveZoom: () => zoom(null) };
    const made = new Plot(holder, latest.current.chart, latest.current.interval, height, listener);
    plot.current = made;
    const resized = new ResizeObserver(() => made.resize(holder.clientWidth, height));
    resized.observe(holder);
    const stop = onTheme(() => made.redraw());
    return () => {
      stop();
      resized.disconnect();
      made.destroy();
    };
  }, [lines, chart.format, onCursor, zoom]);
  useEffect(() => plot.current?.update(chart, interval), [chart, interval.from, interval.to]);
  return { element, plot };
}

/** onTheme calls back when the colours change. */
function onTheme(callback: () => void): () => void {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const chosen = new MutationObserver(callback);
  dark.addEventListener("change", callback);
  chosen.observe(document.documentElement, { attributeFilter: ["data-theme"] });
  return () => {
    dark.removeEventListener("change", callback);
    chosen.disconnect();
  };
}

/** useChartKeys is the crosshair and the brush by keyboard, and what they are at in words. */
function useChartKeys(chart: Chart, interval: Interval, plot: RefObject<Plot | null>, zoom: Zoom) {
  const [said, say] = useState("");
  const at = useRef<number | null>(null);
  const start = useRef<number | null>(null);
  const move = (step: -1 | 1, choosing: boolean) => {
    const to = stepFrom(chart.times, at.current, step, interval);
    if (to === null) return;
    start.current = choosing ? (start.current ?? at.current ?? chart.times.findLast((time) => time <= interval.to) ?? to) : null;
    at.current = to;
    plot.current?.moveCursor(to);
    say(start.current === null ? wordsOf(chart, to) : `from ${clockTime(start.current)} to ${clockTime(to)}`);
  };
  const listen = (event: KeyboardEvent) => {
    if (event.key === "ArrowLeft") move(-1, event.shiftKey);
    else if (event.key === "ArrowRight") move(1, event.shiftKey);
    else if (event.key === "Backspace") zoom(null);
    else if (event.key === "Enter" && start.current !== null && at.current !== null && start.current !== at.current) {
      zoom({ from: Math.min(start.current, at.current), to: Math.max(start.current, at.current) });
      start.current = null;
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return { listen, said };
}

/** wordsOf is what the lines have at a time. */
function wordsOf(chart: Chart, time: number): string {
  const index = chart.times.indexOf(time);
  return `${clockTime(time)}: ${chart.lines.map((line) => `${line.label} ${valueAt(chart, line, index)}`).join(", ")}`;
}

/** Legend names the lines, with their values at the crosshair, or the last that is shown. */
function Legend({ chart, at }: { chart: Chart; at: number | null }) {
  return (
    <ul className="legend">
      {chart.lines.map((line, i) => (
        <li key={line.label}>
          <span className={`swatch ${line.kind}`} style={{ color: `var(${colourOf(line, i)})` }} aria-hidden="true" />
          {line.label} <span className="legend-value">{valueAt(chart, line, at ?? chart.times.length - 1)}</span>
        </li>
      ))}
    </ul>
  );
}

function valueAt(chart: Chart, line: Line, index: number): string {
  const value = line.values[index];
  return value == null ? "—" : text(chart.format(value));
}

/** ChartTable has the same values as rows, the latest first. */
function ChartTable({ chart }: { chart: Chart }) {
  const rows = chart.times.map((time, index) => ({ time, index })).reverse();
  return (
    <div className="chart-table" tabIndex={0} role="region" aria-label={`${chart.title} as a table`}>
      <table>
        <thead>
          <tr>
            <th scope="col">Time</th>
            {chart.lines.map(({ label }) => <th key={label} scope="col" className="number">{label}</th>)}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ time, index }) => (
            <tr key={time}>
              <th scope="row">{clockTime(time)}</th>
              {chart.lines.map((line) => <td key={line.label} className="number">{valueAt(chart, line, index)}</td>)}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Marks are the events of a chart in words, and what it lacks. */
function Marks({ chart: { marks, times, lacks = [] } }: { chart: Chart }) {
  const lacking = lacksInWords(lacks, times.at(-1) ?? 0);
  if (marks.length + lacking.length === 0) return null;
  return (
    <ul className="marks">
      {lacking.map((words) => <li key={words}><span className="swatch lack" aria-hidden="true" /> {words}</li>)}
      {marks.map((mark) => (
        <li key={`${mark.time} ${mark.text}`} className={mark.kind}>
          <span aria-hidden="true">{mark.kind === "oom" ? "◆" : "↻"}</span> {mark.text} at <time>{clockTime(mark.time)}</time>
        </li>
      ))}
    </ul>
  );
}
