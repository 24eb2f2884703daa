// The frame of every page: head, banner, the page, foot.
import { lazy, Suspense, useEffect, useRef, useState } from "react";
import { useIsFetching, useQueryClient } from "@tanstack/react-query";
import { Route, Switch, useLocation } from "wouter";
import { useAnswer, useFeed } from "./api/queries";
import type { Status } from "./api/types";
import { ApiError, HubAway, logOut } from "./api/client";
import { clockTime } from "./format/time";
import { FailedPage } from "./parts/failed-page";
import { Header, usePause } from "./parts/header";
import { Help, useKeyboard } from "./parts/keyboard";
import { useSettings } from "./parts/settings";
import { backTo, placeKept } from "./url/place";
import { type RangeName, ranges } from "./url/time-range";
import { useParam, useTimeRange } from "./url/use-address";

// Each page comes when it is asked for.
const Overview = lazy(() => import("./pages/overview"));
const Nodes = lazy(() => import("./pages/nodes"));
const NodePage = lazy(() => import("./pages/node"));
const Namespaces = lazy(() => import("./pages/namespaces"));
const NamespacePage = lazy(() => import("./pages/namespace"));
const Workloads = lazy(() => import("./pages/workloads"));
const WorkloadPage = lazy(() => import("./pages/workload"));
const Pods = lazy(() => import("./pages/pods"));
const PodPage = lazy(() => import("./pages/pod"));
const StatusPage = lazy(() => import("./pages/status"));
const Missing = lazy(() => import("./pages/missing"));

/** App is the frame. */
export function App() {
  const [help, setHelp] = useState(false);
  const away = useHubAway();
  const [path] = useLocation();
  const main = useNewPage(path);
  useKeyboard({ ...useTimeCommands(), help: () => setHelp(true) });
  return (
    <>
      <a className="skip" href="#main" onClick={(event) => { event.preventDefault(); main.current?.focus(); }}>Skip to the content</a>
      <Header />
      <div role="alert">{away && <p className="banner">The hub does not answer. What is shown is of {away}; the page asks again by itself.</p>}</div>
      <main id="main" ref={main} tabIndex={-1} className={away ? "old" : ""}>
        <FailedPage key={path}>
          <Suspense fallback={<div className="skeleton tall" />}><Pages /></Suspense>
        </FailedPage>
      </main>
      <Footer onHelp={() => setHelp(true)} />
      <Help open={help} onClose={() => setHelp(false)} />
    </>
  );
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
  const { tick } = useFeed();
  const failed = queries.getQueryCache().findAll({ type: "active" }).some(({ state }) => state.error instanceof HubAway || state.fetchFailureReason instanceof HubAway);
  if (!failed) return "";
  return tick ? clockTime(tick.time) : "no round yet";
}

/** useNewPage names the page to the browser, and takes who goes there to its top, or who comes back to where he was. */
function useNewPage(path: string) {
  const main = useRef<HTMLElement>(null);
  const first = useRef(true);
  useEffect(() => {
    const words = path.split("/").filter((part) => part !== "").map(decodeURIComponent);
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
  const forbidden = status.error instanceof ApiError && status.error.status === 403;
  if (status.data?.access.auth === "none") return <span className="unguarded"><span aria-hidden="true">▲</span> Without authentication: whoever reaches this hub sees everything.</span>;
  if (!status.data && !forbidden) return null;
  return <button type="button" className="link" onClick={() => void logOut()}>Log out</button>;
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
