// Hears of each round: the hub tells by server-sent events, and where those do
// not come through, a timer stands in for them.
import { address } from "./client";
import type { Tick } from "./types";

/** How the page learns of rounds. */
export interface Feed {
  /** telling: events come. silent: none do, and a timer stands in. */
  state: "connecting" | "telling" | "silent";
  /** The latest round that the hub told of. */
  tick: Tick | null;
}

// The hub tells of its latest round at once, so the first event is due soon.
const firstMilliseconds = 10_000;
// After that, a stream in which so many rounds did not come is taken for dead:
// a proxy may hold events back, and a network that is gone says nothing.
const missedRounds = 3;
// A stream that broke, or is taken for dead, is opened anew after this time.
const reopenMilliseconds = 5_000;
// Without events, numbers are asked for this often.
const pollMilliseconds = 10_000;

/**
 * LiveFeed follows the hub's rounds from start to stop, and again after that. A
 * page that nobody sees should not: browsers open few connections to one hub,
 * and each stream keeps one of them.
 */
export class LiveFeed {
  private feed: Feed = { state: "connecting", tick: null };
  private readonly listeners = new Set<() => void>();
  private following = false;
  private source: EventSource | null = null;
  // Until the next event is overdue, or the stream is opened anew.
  private timer: ReturnType<typeof setTimeout> | undefined;
  private polling: ReturnType<typeof setInterval> | undefined;

  /** onRound is called for every round, or with null when there may be one. */
  constructor(private readonly onRound: (tick: Tick | null) => void) {}

  start(): void {
    if (this.following) return;
    this.following = true;
    this.open();
    if (this.feed.state === "silent") this.poll();
  }

  stop(): void {
    this.following = false;
    clearInterval(this.polling);
    this.close();
    if (this.feed.state === "telling") this.set({ ...this.feed, state: "connecting" });
  }

  /** For useSyncExternalStore. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  readonly current = (): Feed => this.feed;

  private open(): void {
    this.source = new EventSource(address("api/v1/events"));
    this.source.addEventListener("round", (event: MessageEvent<string>) => this.hear(JSON.parse(event.data) as Tick));
    this.source.addEventListener("error", () => this.miss());
    this.timer = setTimeout(() => this.miss(), firstMilliseconds);
  }

  private close(): void {
    clearTimeout(this.timer);
    this.source?.close();
  }

  private hear(tick: Tick): void {
    clearInterval(this.polling);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.miss(), missedRounds * tick.intervalSeconds * 1000);
    this.set({ state: "telling", tick });
    this.onRound(tick);
  }

  private miss(): void {
    this.close();
    this.timer = setTimeout(() => this.open(), reopenMilliseconds);
    if (this.feed.state === "silent") return;
    this.set({ ...this.feed, state: "silent" });
    this.poll();
  }

  private poll(): void {
    this.onRound(null);
    this.polling = setInterval(() => this.onRound(null), pollMilliseconds);
  }

  private set(feed: Feed): void {
    this.feed = feed;
    for (const listener of this.listeners) listener();
  }
}
