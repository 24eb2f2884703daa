import { expect, test } from "vitest";
import { causeOf } from "./cause";

test.each([
  ["get http://10.0.0.7:9100/snapshot: EOF", "EOF"],
  ["get https://[fd00::7]:9100/snapshot: connect: connection refused", "connect: connection refused"],
  ["the round was skipped", "the round was skipped"],
  ["", ""],
])("%s", (error, want) => expect(causeOf(error)).toBe(want));
