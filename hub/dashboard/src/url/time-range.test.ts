import { describe, expect, test } from "vitest";
import { parseTimeRange, shown, type TimeRange, windowSeconds, writeTimeRange } from "./time-range";

const now = 1_795_310_144_000;
const live: TimeRange = { name: "15m", pausedAt: null, zoom: null };

describe("the address", () => {
  test.each<[string, TimeRange]>([
    ["", live],
    ["range=1h", { ...live, name: "1h" }],
    [`at=${now}`, { ...live, pausedAt: now }],
    [`range=5m&from=${now - 1000}&to=${now}`, { name: "5m", pausedAt: null, zoom: { from: now - 1000, to: now } }],
  ])("%s there and back", (search, range) => {
    expect(parseTimeRange(new URLSearchParams(search))).toEqual(range);
    const params = new URLSearchParams("q=web");
    writeTimeRange(range, params);
    expect(params.toString()).toBe(search === "" ? "q=web" : `q=web&${search}`);
  });

  test.each(["range=2h", "range=toString", "at=soon", `from=${now}`, `from=${now}&to=${now - 1}`, "from=-1&to=5"])("%s counts as not given", (search) =>
    expect(parseTimeRange(new URLSearchParams(search))).toEqual(live),
  );
});

describe("what is shown", () => {
  test("live is up to the latest round", () => expect(shown(live, now)).toEqual({ from: now - 900_000, to: now }));
  test("paused stands still", () => expect(shown({ ...live, pausedAt: now - 60_000 }, now)).toEqual({ from: now - 960_000, to: now - 60_000 }));
  test("a zoom is just that", () => expect(shown({ ...live, zoom: { from: 1, to: 2 } }, now)).toEqual({ from: 1, to: 2 }));
});

describe("what is asked for", () => {
  const hour = 3600;
  test("live is the range itself", () => expect(windowSeconds(live, now, hour)).toBe(900));
  test("paused reaches back further, in the next range", () => expect(windowSeconds({ ...live, pausedAt: now - 60_000 }, now, hour)).toBe(1800));
  test("a zoom reaches back to its beginning", () => expect(windowSeconds({ ...live, zoom: { from: now - 200_000, to: now - 100_000 } }, now, hour)).toBe(300));
  test("never more than the hub keeps", () => expect(windowSeconds({ ...live, name: "1h" }, now, 600)).toBe(600));
  test("what is long gone asks for the most there is", () => expect(windowSeconds({ ...live, pausedAt: now - 9e6 }, now, hour)).toBe(3600));
});
