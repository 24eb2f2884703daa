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

// Browsers reconnect by themselves when a connection breaks, and give up when
// the hub refuses one; then it is opened anew after this time.
const reopenMilliseconds = 5_000;
// Without events, numbers are asked for this often.
const pollMilliseconds = 10_000;

/** LiveFeed follows the hub's rounds from start to stop. */
export class LiveFeed {
  private feed: Feed = { state: "connecting", tick: null };
  private readonly listeners = new Set<() => void>();
  private source: EventSource | null = null;
  private reopening: ReturnType<typeof setTimeout> | undefined;
  private polling: ReturnType<typeof setInterval> | undefined;

  /** onRound is called for every round, or when the timer says that there is one. */
  constructor(private readonly onRound: () => void) {}

  start(): void {
    this.open();
    this.polling = setInterval(() => {
      if (this.feed.state !== "telling") this.onRound();
    }, pollMilliseconds);
  }

  stop(): void {
    clearInterval(this.polling);
    clearTimeout(this.reopening);
    this.source?.close();
  }

  /** catchUp tells of the rounds that came while the page was not seen. */
  catchUp(): void {
    this.onRound();
  }

  /** For useSyncExternalStore. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  readonly current = (): Feed => this.feed;

  private open(): void {
    const source = new EventSource(address("api/v1/events"));
    this.source = source;
    source.addEventListener("round", (event: MessageEvent<string>) => {
      this.set({ state: "telling", tick: JSON.parse(event.data) as Tick });
      this.onRound();
    });
    source.addEventListener("error", () => {
      this.set({ ...this.feed, state: "silent" });
      if (source.readyState !== EventSource.CLOSED) return;
      clearTimeout(this.reopening);
      this.reopening = setTimeout(() => this.open(), reopenMilliseconds);
    });
  }

  private set(feed: Feed): void {
    this.feed = feed;
    for (const listener of this.listeners) listener();
  }
}
