// A part of a page that shows one answer, or why there is none. A part that
// fails leaves the others alone.
import type { ReactNode } from "react";
import type { Answer } from "../api/queries";
import { ApiError } from "../api/client";
import type { Look } from "../derive/looks";

interface Props<T> {
  answer: Answer<T>;
  children: (data: T) => ReactNode;
  /** How high the part will be, in pixels, so that nothing jumps. */
  height?: number;
}

/** Loaded shows an answer once it is there. Old numbers stay, greyed by the page, when a later answer fails. */
export function Loaded<T>({ answer, children, height = 120 }: Props<T>) {
  const look = lookOf(answer);
  if (look === "known" && answer.data !== undefined) return <>{children(answer.data)}</>;
  return answer.error ? <Failure error={answer.error} /> : <Skeleton height={height} />;
}

/** Skeleton stands in for what is still to come. */
export function Skeleton({ height }: { height: number }) {
  return (
    <div className="skeleton" style={{ minHeight: height }} role="status">
      <span className="unseen">loading</span>
    </div>
  );
}

/** lookOf is what became of a request; an answer is known until a later one takes it back. */
export function lookOf(answer: Pick<Answer<unknown>, "data" | "error">): Look {
  if (answer.data !== undefined && !(answer.error instanceof ApiError && isFinal(answer.error))) return "known";
  return answer.error ? "failed" : "pending";
}

/** isFinal tells of an answer that takes back what was shown before. */
function isFinal(error: ApiError): boolean {
  return error.status === 401 || error.status === 403 || error.status === 404;
}

const headings: Record<number, string> = {
  401: "Your session is over",
  403: "No permission",
  404: "Not found",
  503: "Not ready yet",
};

/** Failure says what went wrong, in the hub's words. */
function Failure({ error }: { error: Error }) {
  const status = error instanceof ApiError ? error.status : 0;
  const heading = status === 0 ? "The hub does not answer" : (headings[status] ?? "The hub could not answer");
  const waits = status === 0 || status === 503;
  return (
    <div className={`failure ${waits ? "waits" : ""}`} role="status">
      <strong>{heading}</strong>
      <p>{error.message}</p>
      {waits && <p className="hint">The page asks again by itself.</p>}
    </div>
  );
}
