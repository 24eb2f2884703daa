import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { LiveFeed } from "./live";
import type { Tick } from "./types";

/** Stream is an EventSource whose events are the test's. */
class Stream extends EventTarget {
  static all: Stream[] = [];
  closed = false;

  constructor(readonly url: URL) {
    super();
    Stream.all.push(this);
  }

  static get open(): Stream[] {
    return Stream.all.filter(({ closed }) => !closed);
  }

  close(): void {
    this.closed = true;
  }

  tell(number: number, intervalSeconds = 10): void {
    const tick: Tick = { number, time: "2026-01-02T03:04:05Z", intervalSeconds, windowSeconds: 3600, etag: `t-${number}` };
    this.dispatchEvent(new MessageEvent("round", { data: JSON.stringify(tick) }));
  }
}

let told: (number | null)[];
let feed: LiveFeed;

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("document", { baseURI: "http://hub/" });
  vi.stubGlobal("EventSource", Stream);
  Stream.all = [];
  told = [];
  feed = new LiveFeed((tick) => told.push(tick?.number ?? null));
  feed.start();
});
afterEach(() => {
  feed.stop();
  expect(Stream.open).toEqual([]);
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const seconds = (count: number) => vi.advanceTimersByTime(count * 1000);
const stream = () => {
  const [first, ...others] = Stream.open;
  if (!first || others.length > 0) throw new Error(`${Stream.open.length} streams are open, want one`);
  return first;
};

test("each event is a round, and nothing is polled", () => {
  expect(stream().url.href).toBe("http://hub/api/v1/events");
  for (let number = 1; number <= 12; number++) {
    stream().tell(number);
    expect(feed.current()).toMatchObject({ state: "telling", tick: { number } });
    seconds(10);
  }
  expect(told).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  expect(Stream.all).toHaveLength(1);
});

test("a stream that says nothing at first is polled for, and opened anew", () => {
  seconds(9);
  expect(feed.current().state).toBe("connecting");
  expect(told).toEqual([]);
  seconds(1);
  expect(feed.current()).toEqual({ state: "silent", tick: null });
  expect(told).toEqual([null]);
  seconds(26);
  expect(Stream.all).toHaveLength(3);
  expect(told).toEqual([null, null, null]);
  stream().tell(1);
  expect(feed.current().state).toBe("telling");
  seconds(10);
  expect(told).toEqual([null, null, null, 1]);
});

test("a stream that stalls is found out after three rounds, and opened anew", () => {
  stream().tell(1, 20);
  const stalled = stream();
  seconds(59);
  expect(feed.current().state).toBe("telling");
  seconds(1);
  expect(feed.current()).toMatchObject({ state: "silent", tick: { number: 1 } });
  expect(stalled.closed).toBe(true);
  expect(told).toEqual([1, null]);
  seconds(5);
  stream().tell(4, 20);
  expect(feed.current()).toMatchObject({ state: "telling", tick: { number: 4 } });
  expect(told).toEqual([1, null, 4]);
});

test("a stream that breaks is polled for, and opened anew until one comes through", () => {
  stream().tell(1);
  stream().dispatchEvent(new Event("error"));
  expect(feed.current().state).toBe("silent");
  expect(told).toEqual([1, null]);
  for (let tries = 0; tries < 4; tries++) {
    expect(Stream.open).toEqual([]);
    seconds(5);
    stream().dispatchEvent(new Event("error"));
  }
  expect(told).toEqual([1, null, null, null]);
  seconds(5);
  stream().tell(2);
  expect(feed.current().state).toBe("telling");
});

test("a page that is not seen has no stream and asks for nothing; seen again, it is told at once", () => {
  stream().tell(1);
  feed.stop();
  expect(Stream.open).toEqual([]);
  seconds(600);
  expect(told).toEqual([1]);
  feed.start();
  expect(feed.current()).toMatchObject({ state: "connecting", tick: { number: 1 } });
  stream().tell(60);
  expect(told).toEqual([1, 60]);
});

test("seen again where events do not come through, it asks at once", () => {
  seconds(10);
  feed.stop();
  seconds(600);
  expect(told).toEqual([null]);
  feed.start();
  expect(feed.current().state).toBe("silent");
  expect(told).toEqual([null, null]);
});

test("started twice, it listens once", () => {
  feed.start();
  stream().tell(1);
  expect(told).toEqual([1]);
});

test("who looks at it hears of its changes until he leaves", () => {
  const heard: string[] = [];
  const leave = feed.subscribe(() => heard.push(feed.current().state));
  stream().tell(1);
  stream().dispatchEvent(new Event("error"));
  leave();
  seconds(5);
  stream().tell(2);
  expect(heard).toEqual(["telling", "silent"]);
});
