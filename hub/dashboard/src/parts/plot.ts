// The room of uPlot: draws a chart's lines on a canvas, with the crosshair and
// the brush. What it is told in words is chart.tsx's.
import uPlot from "uplot";
import { type Chart, heightsOf, type Line } from "../derive/charts";
import { mostLines } from "../derive/condense";
import type { Lack } from "../derive/lacks";
import type { Mark } from "../derive/marks";
import { lone } from "../derive/runs";
import { axisText, stepsOf, topOf } from "../format/axis";
import { tickTime } from "../format/time";
import { type Interval } from "../url/time-range";

/** How many colours there are; lines beyond them take the first ones again. */
const colours = mostLines;

/** How far a plot is from the right edge of its canvas, in CSS pixels: room for half of a tick's "14:05". */
const edge = 16;

/** What a plot tells of. */
interface Listener {
  /** The crosshair is at a round, or at none. */
  onCursor(index: number | null): void;
  /** An interval was chosen. */
  onZoom(interval: Interval): void;
  onLeaveZoom(): void;
}

/** colourOf is a line's, as the name of a custom property. */
export function colourOf(line: Line, index: number): string {
  if (line.colour === undefined && line.kind !== "use") return `--${line.kind}`;
  return `--line-${((line.colour ?? index) % colours) + 1}`;
}

/** Plot is one chart on the screen. The charts' crosshairs move together. */
export class Plot {
  private readonly plot: uPlot;
  private lacks: Lack[] = [];
  private marks: Mark[];

  constructor(private readonly element: HTMLElement, chart: Chart, interval: Interval, height: number, listener: Listener) {
    this.marks = chart.marks;
    this.lacks = chart.lacks ?? [];
    this.plot = new uPlot(this.options(chart, interval, height, listener), dataOf(chart), element);
  }

  /** update shows other values of the same lines. */
  update(chart: Chart, interval: Interval): void {
    this.marks = chart.marks;
    this.lacks = chart.lacks ?? [];
    chart.lines.forEach((line, i) => {
      const series = this.plot.series[i + 1];
      if (series && isBound(line)) series.auto = isNear(line, chart); // use may have grown to it
    });
    this.plot.batch(() => {
      this.plot.setData(dataOf(chart), false);
      this.plot.setScale("x", { min: interval.from, max: interval.to });
    });
  }

  resize(width: number, height: number): void {
    if (width > 0 && width !== this.plot.width) this.plot.setSize({ width, height });
  }

  redraw(): void {
    this.plot.redraw(false, false);
  }

  /** moveCursor puts the crosshair at a time, here and in the other charts. */
  moveCursor(time: number): void {
    this.plot.setCursor({ left: this.plot.valToPos(time, "x"), top: 10 });
  }

  destroy(): void {
    this.plot.destroy();
  }

  private options(chart: Chart, interval: Interval, height: number, listener: Listener): uPlot.Options {
    const colour = (name: string) => () => getComputedStyle(this.element).getPropertyValue(name).trim();
    const axis = { stroke: colour("--quiet"), font: "11px system-ui, sans-serif", grid: { stroke: colour("--hairline"), width: 1 }, ticks: { show: false } };
    return {
      width: this.element.clientWidth || 300,
      height,
      ms: 1,
      padding: [8, edge, 0, 0],
      legend: { show: false },
      cursor: { sync: { key: "time" }, drag: { x: true, y: false, setScale: false }, points: { size: 6 }, y: false },
      scales: {
        x: { time: true, min: interval.from, max: interval.to, auto: false },
        y: { range: (_plot, _min, max) => [0, topOf(chart.format, max)] },
      },
      axes: [
        { ...axis, size: 24, gap: 4, space: 64, values: (plot, times) => times.map((time) => axisTime(plot, time)) },
        { ...axis, size: 64, gap: 6, space: 28, incrs: stepsOf(chart.format), values: (_plot, values) => values.map((value) => axisText(chart.format, value)) },
      ],
      series: [{}, ...chart.lines.map((line, i) => seriesOf(line, i, chart, colour))],
      bands: bandsOf(chart),
      hooks: {
        setCursor: [(plot) => listener.onCursor(plot.cursor.idx ?? null)],
        setSelect: [(plot) => this.chosen(plot, listener)],
        drawClear: [(plot) => drawLacks(plot, this.lacks, colour("--quiet")())],
        draw: [(plot) => drawMarks(plot, this.marks, colour("--full")(), colour("--quiet")())],
        ready: [(plot) => plot.over.addEventListener("dblclick", () => listener.onLeaveZoom())],
      },
    };
  }

  private chosen(plot: uPlot, listener: Listener): void {
    const { left, width } = plot.select;
    if (width < 4) return;
    const interval = { from: Math.round(plot.posToVal(left, "x")), to: Math.round(plot.posToVal(left + width, "x")) };
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    // The other charts follow the brush, without an event: one of them tells.
    if (plot.cursor.event) listener.onZoom(interval);
  }
}

function dataOf(chart: Chart): uPlot.AlignedData {
  return [chart.times, ...heightsOf(chart)];
}

/** bandsOf end what each line of a stack fills at the line below it. */
function bandsOf({ stacked, lines }: Chart): uPlot.Band[] {
  const uses = lines.filter(({ kind }) => kind === "use");
  return stacked ? uses.slice(1).map((_, i) => ({ series: [i + 2, i + 1] })) : [];
}

function seriesOf(line: Line, index: number, chart: Chart, colour: (name: string) => () => string): uPlot.Series {
  const stroke = colour(colourOf(line, index));
  if (line.kind === "rest") return { label: line.label, show: false };
  if (line.kind === "use") {
    const alone = chart.lines.filter(({ kind }) => kind === "use").length === 1;
    const share = chart.stacked ? 30 : alone ? 10 : 0;
    const fill = share > 0 ? { fill: () => `color-mix(in srgb, ${stroke()} ${share}%, transparent)` } : {};
    return { label: line.label, stroke, width: chart.stacked ? 1 : 1.5, points: { ...lonePoints, fill: stroke }, ...fill };
  }
  return { label: line.label, stroke, width: 1, dash: line.kind === "limit" ? [6, 4] : [2, 3], points: { show: false }, auto: isNear(line, chart) };
}

function isBound({ kind }: Line): boolean {
  return kind === "request" || kind === "limit";
}

/** lonePoints are drawn where a value has none on either side: no line goes there. */
const lonePoints: uPlot.Series.Points = { show: false, size: 5, filter: (plot, series) => lone(plot.data[series] ?? []) };

/** isNear tells whether a bound may stretch the chart: one far above would flatten what is used. */
export function isNear(bound: Line, chart: Chart): boolean {
  const used = chart.lines.filter(({ kind }) => kind === "use").flatMap(({ values }) => values);
  const most = used.reduce<number>((max, value) => Math.max(max, value ?? 0), 0);
  return (bound.values[0] ?? 0) <= 4 * most;
}

/** axisTime is a tick's time, empty where the canvas would end before it does, or where it would touch the other axis. */
function axisTime(plot: uPlot, time: number): string {
  const words = tickTime(time);
  const half = 3.2 * words.length; // a digit of 11 px is 6.4 px wide at most
  const at = plot.valToPos(time, "x");
  return at < half || at > plot.bbox.width / devicePixelRatio + edge - half ? "" : words;
}

/** drawLacks washes the rounds in which a sum lacked parts, the more of them the stronger. */
function drawLacks(plot: uPlot, lacks: Lack[], quiet: string): void {
  const { ctx, bbox } = plot;
  const [first = 0, second = first] = plot.data[0];
  const right = bbox.left + bbox.width;
  const x = (time: number) => Math.min(Math.max(plot.valToPos(time, "x", true), bbox.left), right);
  ctx.save();
  ctx.fillStyle = quiet;
  for (const { from, to, reporting, count } of lacks) {
    const [left, end] = [x(from - (second - first) / 2), x(to + (second - first) / 2)];
    ctx.globalAlpha = 0.05 + 0.2 * (1 - reporting / count);
    ctx.fillRect(left, bbox.top, end - left, bbox.height);
  }
  ctx.restore();
}

function drawMarks(plot: uPlot, marks: Mark[], bad: string, quiet: string): void {
  const { ctx, bbox } = plot;
  const pixel = devicePixelRatio;
  ctx.save();
  ctx.setLineDash([]);
  for (const mark of marks) {
    const x = plot.valToPos(mark.time, "x", true);
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.strokeStyle = ctx.fillStyle = mark.kind === "oom" ? bad : quiet;
    ctx.lineWidth = pixel;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    ctx.font = `${12 * pixel}px system-ui, sans-serif`;
    ctx.textAlign = "center";
    ctx.fillText(mark.kind === "oom" ? "◆" : "↻", x, bbox.top + 10 * pixel);
  }
  ctx.restore();
}
