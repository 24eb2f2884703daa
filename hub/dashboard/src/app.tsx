// The frame of every page: head, banner, the page, foot.
import { useEffect, useRef, useState } from "react";
import { useIsFetching, useQueryClient } from "@tanstack/react-query";
import { Route, Switch, useLocation } from "wouter";
import { useAnswer, useLatestTime } from "./api/queries";
import type { Status } from "./api/types";
import { ApiError, HubAway, logOut } from "./api/client";
import { clockTime } from "./format/time";
import { FailedPage } from "./parts/failed-page";
import { Header, usePause } from "./parts/header";
import { Help, useKeyboard } from "./parts/keyboard";
import { later, whenIdle } from "./parts/later";
import { useSettings } from "./parts/settings";
import { backTo, placeKept } from "./url/place";
import { type RangeName, ranges } from "./url/time-range";
import { useParam, useTimeRange } from "./url/use-address";

const Overview = later("overview", () => import("./pages/overview"));
const Nodes = later("nodes", () => import("./pages/nodes"));
const NodePage = later("node", () => import("./pages/node"));
const Namespaces = later("namespaces", () => import("./pages/namespaces"));
const NamespacePage = later("namespace", () => import("./pages/namespace"));
const Workloads = later("workloads", () => import("./pages/workloads"));
const WorkloadPage = later("workload", () => import("./pages/workload"));
const Pods = later("pods", () => import("./pages/pods"));
const PodPage = later("pod", () => import("./pages/pod"));
const StatusPage = later("status", () => import("./pages/status"));
const Missing = later("missing", () => import("./pages/missing"));
const laterPages = [Overview, Nodes, NodePage, Namespaces, NamespacePage, Workloads, WorkloadPage, Pods, PodPage, StatusPage, Missing];

/** App is the frame. */
export function App() {
  const [help, setHelp] = useState(false);
  const away = useHubAway();
  const [path] = useLocation();
  const main = useNewPage(path);
  useLaterPages();
  useKeyboard({ ...useTimeCommands(), help: () => setHelp(true) });
  return (
    <>
      <a className="skip" href="#main" onClick={(event) => { event.preventDefault(); main.current?.focus(); }}>Skip to the content</a>
      <Header />
      <div role="alert">{away && <p className="banner">The hub does not answer. What is shown is of {away}; the page asks again by itself.</p>}</div>
      <main id="main" ref={main} tabIndex={-1} className={away ? "old" : ""}>
        <FailedPage key={path}>
          <Pages />
        </FailedPage>
      </main>
      <Footer onHelp={() => setHelp(true)} />
      <Help open={help} onClose={() => setHelp(false)} />
    </>
  );
}

/** useLaterPages gets them while the hub is there. */
function useLaterPages(): void {
  const queries = useQueryClient();
  useEffect(() => whenIdle(() => laterPages.forEach((page) => void page.prefetch(queries))), [queries]);
}

function Pages() {
  return (
    <Switch>
      <Route path="/"><Overview /></Route>
      <Route path="/nodes"><Nodes /></Route>
      <Route path="/nodes/:node">{({ node }) => <NodePage key={node} name={node} />}</Route>
      <Route path="/namespaces"><Namespaces /></Route>
      <Route path="/namespaces/:namespace">{({ namespace }) => <NamespacePage key={namespace} name={namespace} />}</Route>
      <Route path="/workloads"><Workloads /></Route>
      <Route path="/workloads/:namespace/:kind/:name">
        {({ namespace, kind, name }) => <WorkloadPage key={`${namespace}/${kind}/${name}`} namespace={namespace} kind={kind} name={name} />}
      </Route>
      <Route path="/pods"><Pods /></Route>
      <Route path="/pods/:namespace/:pod">{({ namespace, pod }) => <PodPage key={`${namespace}/${pod}`} namespace={namespace} name={pod} />}</Route>
      <Route path="/status"><StatusPage /></Route>
      <Route><Missing /></Route>
    </Switch>
  );
}

/** useTimeCommands are what the keys change of the time shown. */
function useTimeCommands() {
  const [range, setRange] = useTimeRange();
  const [view, setView] = useParam("view");
  const [, pause] = usePause();
  return {
    pause,
    range: (index: number) => setRange({ ...range, name: (Object.keys(ranges) as RangeName[])[index] ?? range.name, zoom: null }),
    tables: () => setView(view === "table" ? "" : "table"),
  };
}

/** useHubAway is the time of what is shown while the hub does not answer, else "". */
function useHubAway(): string {
  const queries = useQueryClient();
  useIsFetching(); // looks again when an answer came, or did not
  const latest = useLatestTime();
  const failed = queries.getQueryCache().findAll({ type: "active" }).some(({ state }) => state.error instanceof HubAway || state.fetchFailureReason instanceof HubAway);
  if (!failed) return "";
  return latest === null ? "no round yet" : clockTime(latest);
}

/** useNewPage names the page to the browser, and takes who goes there to its top, or who comes back to where he was. */
function useNewPage(path: string) {
  const main = useRef<HTMLElement>(null);
  const first = useRef(true);
  useEffect(() => {
    const words = path.split("/").filter((part) => part !== ""); // which wouter has decoded
    document.title = [...words.reverse(), "kubemon"].join(" · ");
    const opened = first.current; // then it is the browser's to do
    first.current = false;
    if (opened) return undefined;
    main.current?.focus({ preventScroll: true });
    const place = placeKept();
    if (place) return backTo(place);
    window.scrollTo(0, 0);
    return undefined;
  }, [path]);
  return main;
}

/** Access is the way out where readers are known, and says so where they are not. */
function Access() {
  const status = useAnswer<Status>("status", {}, { once: true });
  const [failed, setFailed] = useState("");
  const forbidden = status.error instanceof ApiError && status.error.status === 403;
  if (status.data?.access.auth === "none") return <span className="unguarded"><span aria-hidden="true">▲</span> Without authentication: whoever reaches this hub sees everything.</span>;
  if (!status.data && !forbidden) return null;
  return (
    <>
      <button type="button" className="link" onClick={() => void logOut().catch((error: Error) => setFailed(error.message))}>Log out</button>
      <span role="alert">{failed !== "" && `You are still logged in: ${failed}.`}</span>
    </>
  );
}

function Footer({ onHelp }: { onHelp(): void }) {
  const { theme, setTheme, networkUnit, setNetworkUnit } = useSettings();
  return (
    <footer>
      <label>Theme <select value={theme} onChange={(event) => setTheme(event.target.value as typeof theme)}><option>auto</option><option>light</option><option>dark</option></select></label>
      <label>Network in <select value={networkUnit} onChange={(event) => setNetworkUnit(event.target.value as typeof networkUnit)}><option value="bits">bit/s</option><option value="bytes">B/s</option></select></label>
      <button type="button" className="link" onClick={onHelp}>Keys <kbd>?</kbd></button>
      <a href="api/v1/openapi.json">API</a>
      <a href="metrics">Metrics</a>
      <a href="licenses.md">Licenses</a>
      <Access />
    </footer>
  );
}
