// kubemon's page. It knows nothing that the hub's REST does not say.
//
//	address ─▶ url/      what to show: the path, the time range, search, sort
//	hub     ─▶ api/      answers by address, asked for again with each round that
//	                     api/live.ts hears of, unless the page is paused
//	answers ─▶ derive/   pure: what is wrong, which charts, which rows in which order
//	numbers ─▶ format/   pure: as people read them
//	all     ─▶ parts/    what pages are made of · pages/ one file for each page
//
// Every choice is in the address; only the theme and the unit of networks are
// kept by the browser (parts/settings.tsx).
import { QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { type AroundNavHandler, Router } from "wouter";
import { LiveFeed } from "./api/live";
import { FeedContext, newQueries } from "./api/queries";
import { nextRound } from "./api/rounds";
import { App } from "./app";
import { FailedPage } from "./parts/failed-page";
import { SettingsProvider } from "./parts/settings";
import "./style/tokens.css";
import "./style/base.css";
import "./style/frame.css";
import "./style/overview.css";
import "./style/table.css";
import "./style/chart.css";
import { keepPlace } from "./url/place";
import { parseTimeRange } from "./url/time-range";

// The hub says in <base> how far up its root is from the path that was asked
// for. As the path will change, the root is written down once and for all.
const base = document.querySelector("base");
if (base) base.href = document.baseURI;

const queries = newQueries();

const feed = new LiveFeed((tick) => {
  const { pausedAt } = parseTimeRange(new URLSearchParams(location.search));
  nextRound(queries, tick, pausedAt !== null);
});
const follow = () => (document.hidden ? feed.stop() : feed.start());
document.addEventListener("visibilitychange", follow);
follow();

/** leave goes to an address, and notes where the reader was if the back button will lead there. */
const leave: AroundNavHandler = (navigate, to, options) => {
  if (!options?.replace) keepPlace();
  navigate(to, options);
};

const root = document.getElementById("page");
if (!root) throw new Error("index.html has no element with the id page");
createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={queries}>
      <FeedContext value={feed}>
        <SettingsProvider>
          <Router base={new URL(document.baseURI).pathname.replace(/\/$/, "")} aroundNav={leave}>
            <FailedPage><App /></FailedPage>
          </Router>
        </SettingsProvider>
      </FeedContext>
    </QueryClientProvider>
  </StrictMode>,
);
