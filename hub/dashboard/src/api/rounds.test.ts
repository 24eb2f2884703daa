import { onlineManager, type QueryClient, QueryObserver } from "@tanstack/react-query";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ApiError } from "./client";
import { newQueries } from "./queries";
import { isSameButWindow, latestTime, nextRound } from "./rounds";
import type { Tick } from "./types";

const timeOfRound = (number: number) => new Date(Date.UTC(2026, 0, 2, 3, 4, 10 * number)).toISOString();
const tickOf = (number: number): Tick => ({ number, time: timeOfRound(number), intervalSeconds: 10, windowSeconds: 3600, etag: `t-${number}` });

/** A Question that is on the screen, and is answered when the test does so. */
class Question {
  asked = 0;
  private settle: { answer(data: unknown): void; fail(error: Error): void } | null = null;
  readonly leave: () => void;

  constructor(queries: QueryClient, once = false) {
    const observer = new QueryObserver(queries, {
      queryKey: [crypto.randomUUID(), {}],
      queryFn: () => {
        this.asked++;
        return new Promise((answer, fail) => (this.settle = { answer, fail }));
      },
      meta: { once },
    });
    this.leave = observer.subscribe(() => {});
  }

  async answer(round: number): Promise<void> {
    this.settle?.answer({ time: timeOfRound(round) });
    await settled();
  }

  async fail(status: number): Promise<void> {
    this.settle?.fail(new ApiError(status, "refused"));
    await settled();
  }
}

const settled = () => vi.advanceTimersByTimeAsync(0);

let queries: QueryClient;
beforeEach(() => {
  vi.useFakeTimers();
  queries = newQueries();
  queries.mount();
});
afterEach(() => {
  queries.unmount();
  queries.clear();
  vi.useRealTimers();
});

const next = async (number: number | null, standing = false) => {
  nextRound(queries, number === null ? null : tickOf(number), standing);
  await settled();
};

describe("a round", () => {
  test("asks again for what is on the screen, and not for what has left it", async () => {
    const shown = new Question(queries);
    const left = new Question(queries);
    await shown.answer(1);
    await left.answer(1);
    left.leave();
    await next(2);
    expect([shown.asked, left.asked]).toEqual([2, 1]);
  });

  test("that was not told of asks as well", async () => {
    const question = new Question(queries);
    await question.answer(1);
    await next(null);
    expect(question.asked).toBe(2);
  });

  test("does not ask again for what is asked once, unless it failed", async () => {
    const once = new Question(queries, true);
    await once.fail(500);
    await next(1);
    expect(once.asked).toBe(2);
    await once.answer(1);
    await next(2);
    expect(once.asked).toBe(2);
  });

  test("does not ask again for what the reader may not see, but for what is not there yet", async () => {
    const forbidden = new Question(queries);
    const missing = new Question(queries);
    await forbidden.fail(403);
    await missing.fail(404);
    await next(2);
    expect([forbidden.asked, missing.asked]).toEqual([1, 2]);
  });

  test("of a page that stands still only asks for what it never got", async () => {
    const there = new Question(queries);
    const failed = new Question(queries);
    await there.answer(1);
    await failed.fail(500);
    await next(2, true);
    expect([there.asked, failed.asked]).toEqual([1, 2]);
  });
});

describe("a round that comes while an answer is under way", () => {
  test("is asked for when that answer is of an earlier one, once however many came", async () => {
    const question = new Question(queries);
    await question.answer(1);
    await next(2);
    await next(3);
    await next(4);
    expect(question.asked).toBe(2);
    await question.answer(2);
    expect(question.asked).toBe(3);
    await question.answer(4);
    expect(question.asked).toBe(3);
  });

  test("is not asked for again when that answer is of it", async () => {
    const question = new Question(queries);
    await next(1);
    await question.answer(1);
    expect(question.asked).toBe(1);
  });
});

test("what a browser calls offline is asked for all the same", async () => {
  const question = new Question(queries);
  await question.answer(1);
  onlineManager.setOnline(false);
  try {
    await next(2);
    expect(question.asked).toBe(2);
  } finally {
    onlineManager.setOnline(true);
  }
});

test.each<[string, unknown[], number | null]>([
  ["no answer", [undefined, null, "text", {}], null],
  ["the newest of them", [{ time: timeOfRound(1) }, { time: timeOfRound(3) }, { time: timeOfRound(2) }], Date.parse(timeOfRound(3))],
])("the latest time of %s", (_, answers, want) => expect(latestTime(answers)).toBe(want));

test.each([
  ["another window", ["cluster", { window: 300, fields: "a" }], ["cluster", { window: 900, fields: "a" }], true],
  ["a window or none", ["cluster", {}], ["cluster", { window: 900 }], true],
  ["another order", ["top", { of: "pods", by: "cpu" }], ["top", { by: "cpu", of: "pods" }], true],
  ["another kind", ["top", { of: "pods", by: "cpu" }], ["top", { of: "nodes", by: "cpu" }], false],
  ["another path", ["nodes/a", { window: 300 }], ["nodes/b", { window: 300 }], false],
])("%s", (_, one, other, want) => expect(isSameButWindow(one, other)).toBe(want));
