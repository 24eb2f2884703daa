// The dashboard: asks the hub's REST once a round and shows the answer.
// Text goes into the page as text only. What is null is shown as a dash whose
// tooltip says why, never as 0.
"use strict";

const byId = (id) => document.getElementById(id);
const LIMIT = 50;
const DASH = "\u2014";
const ICONS = { ok: "\u25cf", stale: "\u25d0", pending: "\u25cb", down: "\u2715", unsupported: "\u2298" };

// element makes an element; children are nodes or text.
function element(tag, attributes, ...children) {
  const e = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value) e.setAttribute(name, value);
  }
  e.append(...children);
  return e;
}

// Numbers have three significant digits, and never an exponent.
const digits = (v) => String(v >= 100 ? Math.round(v) : Number(v.toPrecision(3)));
const cpu = (milli) => (milli < 1000 ? digits(milli) + "m" : digits(milli / 1000));

function bytes(v) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
  let i = 0;
  while (v >= 1024 && i < units.length - 1) { v /= 1024; i++; }
  return digits(v) + " " + units[i];
}

const rate = (v) => bytes(v) + "/s";

// why says why a metric of an item is not known.
function why(item, metric) {
  const reasons = item.unavailable || {};
  const group = metric.match(/^[a-z]+/)[0];
  return reasons[metric] || reasons[group] || reasons.usage || (item.status && item.status.reason) || "not known yet";
}

// shown is a metric of an item as text, or a dash that says why not.
function shown(item, metric, format) {
  const value = item.usage ? item.usage[metric] : null;
  if (typeof value === "number") return element("span", {}, format(value));
  return element("span", { class: "unknown", title: why(item, metric) }, DASH);
}

const pair = (item, first, second, format) =>
  element("span", {}, shown(item, first, format), " / ", shown(item, second, format));

// share is what part of a bound is used. It is coloured when a limit or what is
// allocatable runs out; using more than requested is nothing bad.
function share(item, metric, bound, of) {
  const limit = bound && bound[metric];
  const value = item.usage && item.usage[metric];
  if (typeof limit !== "number" || limit === 0) return element("span", { class: "of" }, " no " + of);
  const format = metric === "cpuMillicores" ? cpu : bytes;
  if (typeof value !== "number") return element("span", { class: "of" }, " of " + format(limit));
  const percent = Math.round(100 * value / limit);
  const level = of === "request" || percent < 80 ? "" : percent < 90 ? " high" : " full";
  return element("span", { class: "of" + level, title: "of the " + of }, ` ${percent}% of ${format(limit)}`);
}

const used = (item, metric, bound, of) =>
  element("span", {}, shown(item, metric, metric === "cpuMillicores" ? cpu : bytes), share(item, metric, bound, of));

function state(item) {
  const s = item.status;
  const age = typeof s.ageSeconds === "number" ? `sample of ${digits(s.ageSeconds)} s ago` : "";
  return element("span", { class: s.state, title: [s.reason, age].filter(Boolean).join(", ") }, `${ICONS[s.state] || "?"} ${s.state}`);
}

const restarts = (pod) => String((pod.containers || []).reduce((sum, c) => sum + c.restarts, 0));

// room is what pods may use of a node; without an API server, all it has.
const room = (n) => (n.allocatable ? [n.allocatable, "allocatable"] : [n.capacity, "capacity"]);

// Columns: heading, what an item shows there, and whether that is a number.
const nodeColumns = [
  ["Node", (n) => n.name],
  ["State", state],
  ["CPU", (n) => used(n, "cpuMillicores", ...room(n)), true],
  ["Memory", (n) => used(n, "memoryBytes", ...room(n)), true],
  ["Disk read / write", (n) => pair(n, "diskReadBytesPerSecond", "diskWriteBytesPerSecond", rate), true],
  ["Network in / out", (n) => pair(n, "networkRxBytesPerSecond", "networkTxBytesPerSecond", rate), true],
  ["Pods", (n) => (n.pods ? `${n.pods.reporting} of ${n.pods.count}` : DASH), true],
];

const podColumns = [
  ["Pod", (p) => p.name],
  ["Namespace", (p) => p.namespace || DASH],
  ["Node", (p) => p.node || DASH],
  ["State", state],
  ["CPU, of request", (p) => used(p, "cpuMillicores", p.requests, "request"), true],
  ["of limit", (p) => share(p, "cpuMillicores", p.limits, "limit"), true],
  ["Memory, of request", (p) => used(p, "memoryBytes", p.requests, "request"), true],
  ["of limit", (p) => share(p, "memoryBytes", p.limits, "limit"), true],
  ["Network in / out", (p) => pair(p, "networkRxBytesPerSecond", "networkTxBytesPerSecond", rate), true],
  ["Disk read / write", (p) => pair(p, "diskReadBytesPerSecond", "diskWriteBytesPerSecond", rate), true],
  ["Restarts", restarts, true],
];

function fill(table, columns, items) {
  const head = columns.map(([name, , number]) => element("th", { scope: "col", class: number && "number" }, name));
  table.tHead.replaceChildren(element("tr", {}, ...head));
  const rows = items.map((item) => element("tr", {}, ...columns.map(([, cell, number], i) =>
    element(i ? "td" : "th", { scope: !i && "row", class: number && "number" }, cell(item)))));
  const none = element("tr", {}, element("td", { class: "empty", colspan: columns.length }, "none"));
  table.tBodies[0].replaceChildren(...(rows.length ? rows : [none]));
}

const tile = (name, value, note) => element("div", { class: "tile" }, name, element("b", {}, value), element("small", {}, note));

function requested(c, metric, format) {
  const text = (r) => (r && typeof r[metric] === "number" ? format(r[metric]) : DASH);
  const [bound, of] = room(c);
  return `${c.requests ? text(c.requests) + " requested, " : ""}${text(bound)} ${of}`;
}

function fillTiles(c) {
  byId("tiles").replaceChildren(
    tile("CPU", shown(c, "cpuMillicores", cpu), requested(c, "cpuMillicores", cpu)),
    tile("Memory", shown(c, "memoryBytes", bytes), requested(c, "memoryBytes", bytes)),
    tile("Network in", shown(c, "networkRxBytesPerSecond", rate), element("span", {}, "out ", shown(c, "networkTxBytesPerSecond", rate))),
    tile("Disk read", shown(c, "diskReadBytesPerSecond", rate), element("span", {}, "written ", shown(c, "diskWriteBytesPerSecond", rate))),
    c.nodes ? tile("Nodes", String(c.nodes.reporting), `reporting, of ${c.nodes.count}`) : tile("Nodes", DASH, "for who may list nodes"),
    tile("Pods", String(c.pods.reporting), `reporting, of ${c.pods.count}`));
}

function fillNamespaces(list) {
  const select = byId("namespace");
  const names = list.items.map((n) => n.name);
  if (select.value && !names.includes(select.value)) names.push(select.value);
  const options = names.map((n) => element("option", { value: n, selected: n === select.value && "selected" }, n));
  select.replaceChildren(select.options[0], ...options);
}

function fillPods(list) {
  byId("shown").textContent = `${list.items.length} of ${list.total}`;
  fill(byId("pods"), podColumns, list.items);
}

// fillStatus returns what is wrong with kubemon itself.
function fillStatus(s) {
  byId("about").textContent = `${new Date(s.time).toLocaleTimeString()}, every ${digits(s.intervalSeconds)} s, hub ${s.hub.version}`;
  const problems = s.agents.filter((a) => a.state !== "ok").map((a) => `node ${a.node} is ${a.state}: ${a.reason || "no reason given"}`);
  if (s.kubernetes.configured && !s.kubernetes.connected) {
    problems.unshift(`the API server cannot be reached, so names may be old: ${s.kubernetes.error || "no answer"}`);
  }
  return problems;
}

function showProblems(problems) {
  const text = problems.slice(0, 5).concat(problems.length > 5 ? [`and ${problems.length - 5} more`] : []);
  if (byId("problems").textContent === text.join("")) return; // announced already
  byId("problems").replaceChildren(...text.map((p) => element("p", { class: "problem" }, p)));
}

// ask returns an answer, or throws what the hub's problem says. The browser
// keeps the last answer and its ETag, so asking again within a round is a 304.
async function ask(path) {
  const response = await fetch("api/v1/" + path, { cache: "no-cache" });
  if (response.status === 401) location.reload(); // the session has ended: the hub leads to its login page
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw Object.assign(new Error(answer.detail || `the hub answered ${response.status} ${response.statusText}`), { status: response.status });
  isOpen ||= response.headers.get("X-Kubemon-Auth") === "none";
  return answer;
}

let isOpen = false; // whoever reaches the hub reads everything

// askIfAllowed returns null for what this reader may not see.
const askIfAllowed = (path) => ask(path).catch((error) => { if (error.status === 403) return null; throw error; });

// fillScope says how much of the cluster this reader sees, and whether all do.
function fillScope(list, nodes) {
  const about = [];
  if (isOpen) about.push("Nobody is asked who they are: whoever reaches this address reads everything.");
  if (list.scope) about.push(list.scope.allNamespaces ? "You see every namespace." : `You see ${list.scope.namespaces.join(", ") || "no namespace"} and no others.`);
  if (!nodes) about.push("Nodes are for who may list nodes.");
  byId("scope").textContent = about.join(" ");
  byId("logout").hidden = isOpen;
}

byId("logout").addEventListener("click", async () => {
  await fetch("logout", { method: "POST" });
  location.href = "login";
});

// The hub tells of each round as it is published; what it does not tell of, the
// timer asks for.
let told = false;
const events = new EventSource("api/v1/events");
events.addEventListener("round", () => { told = true; if (!document.hidden) refresh(); });
events.addEventListener("error", () => { told = false; });

let timer = 0;
let failures = 0;
let asked = 0; // counts refreshes, so that a late answer never replaces a newer one

async function refresh() {
  clearTimeout(timer);
  const turn = ++asked;
  let wait = 5000;
  const pods = new URLSearchParams({ sort: "-" + byId("by").value, limit: LIMIT, namespace: byId("namespace").value });
  try {
    const [status, cluster, nodes, spaces, list] = await Promise.all(
      ["status", "cluster", "nodes", "namespaces", "pods?" + pods].map(askIfAllowed));
    if (!cluster || !list) throw new Error("you may see no namespace");
    if (turn !== asked) return;
    failures = 0;
    wait = 1000 * list.intervalSeconds * (told ? 3 : 1);
    fillTiles(cluster);
    fillScope(list, nodes);
    fill(byId("nodes"), nodeColumns, nodes ? nodes.items : []);
    fillNamespaces(spaces ?? { items: [] });
    fillPods(list);
    showProblems(status ? fillStatus(status) : []);
  } catch (error) {
    if (turn !== asked) return;
    wait = Math.min(60000, wait * 2 ** failures++);
    showProblems([`no new numbers: ${error.message}; asking again in ${digits(wait / 1000)} s`]);
  }
  byId("main").classList.toggle("old", failures > 0);
  timer = setTimeout(refresh, wait);
}

byId("by").addEventListener("change", refresh);
byId("namespace").addEventListener("change", refresh);
document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
refresh();
