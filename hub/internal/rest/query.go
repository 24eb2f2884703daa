package rest

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// takes says which query parameters a path has.
type takes uint8

const (
	takesHistory   takes = 1 << iota // window, step, maxPoints
	takesOrder                       // sort, limit, continue
	takesSelector                    // labelSelector
	takesNamespace                   // namespace
	takesNode                        // node
	takesTop                         // of, by, limit
	takesFields                      // fields
	takesNone      takes = 0
)

// Bounds of what one answer may hold.
const (
	maxQueryBytes = 4096
	maxLimit      = 1000
	// maxHistories bounds a list with a window: each of its items reads the
	// window once.
	maxHistories = 20
	maxPoints    = 10000
	defaultTop   = 10
)

// A query is what the parameters of a request ask for. Zero fields were not
// given.
type query struct {
	window, step    time.Duration
	maxPoints       int
	sort            order
	limit           int
	after           *cursor
	matches         func(labels map[string]string) bool
	namespace, node string
	of              topic
	by              ranking
	fields          fields
}

// rules are what one path takes, at one moment.
type rules struct {
	takes takes
	// names are what fields may choose from.
	names fields
	// window is the hub's own: no query may ask for more.
	window   time.Duration
	selector func(string) (func(map[string]string) bool, error)
}

// A parameter reads one query parameter. The error of set says what it takes.
type parameter struct {
	name string
	of   takes
	set  func(q *query, value string) error
}

func (r rules) parameters() []parameter {
	return []parameter{
		{"window", takesHistory, func(q *query, v string) (err error) { q.window, err = parsePeriod(v, r.window); return }},
		{"step", takesHistory, func(q *query, v string) (err error) { q.step, err = parsePeriod(v, r.window); return }},
		{"maxPoints", takesHistory, func(q *query, v string) (err error) { q.maxPoints, err = parseCount(v, maxPoints); return }},
		{"sort", takesOrder, func(q *query, v string) (err error) { q.sort, err = parseOrder(v); return }},
		{"limit", takesOrder | takesTop, func(q *query, v string) (err error) { q.limit, err = parseCount(v, maxLimit); return }},
		{"continue", takesOrder, func(q *query, v string) (err error) { q.after, err = parseCursor(v); return }},
		{"labelSelector", takesSelector, r.setSelector},
		{"namespace", takesNamespace, func(q *query, v string) error { q.namespace = v; return nil }},
		{"node", takesNode, func(q *query, v string) error { q.node = v; return nil }},
		{"of", takesTop, func(q *query, v string) (err error) { q.of, err = parseTopic(v); return }},
		{"by", takesTop, func(q *query, v string) (err error) { q.by, err = parseRanking(v); return }},
		{"fields", takesFields, func(q *query, v string) (err error) { q.fields, err = parseFields(v, r.names); return }},
	}
}

// parse reads the query string. It refuses what the path does not take, what
// is given twice, and what cannot be meant together.
func (r rules) parse(raw string) (query, error) {
	if len(raw) > maxQueryBytes {
		return query{}, newProblem(http.StatusBadRequest, "the query string has %d bytes; at most %d are taken", len(raw), maxQueryBytes)
	}
	values, err := url.ParseQuery(raw)
	if err != nil {
		return query{}, newProblem(http.StatusBadRequest,
			"the query string is malformed: %v; it takes name=value pairs, percent-encoded, with & between them", err)
	}
	var q query
	params := r.parameters()
	for _, name := range slices.Sorted(maps.Keys(values)) {
		i := slices.IndexFunc(params, func(p parameter) bool { return p.name == name && p.of&r.takes != 0 })
		if i < 0 {
			return query{}, badParameter(name, "unknown parameter; this path takes %s", r.list())
		}
		if n := len(values[name]); n != 1 {
			return query{}, badParameter(name, "given %d times, takes one value", n)
		}
		if strings.ContainsFunc(values[name][0], unprintable) {
			return query{}, badParameter(name, "takes printable text in UTF-8, not %q", values[name][0])
		}
		if err := params[i].set(&q, values[name][0]); err != nil {
			return query{}, badParameter(name, "%v", err)
		}
	}
	return r.finish(q)
}

// unprintable reports what no name and no number has: control characters, and
// bytes that are not UTF-8.
func unprintable(c rune) bool { return unicode.IsControl(c) || c == utf8.RuneError }

// list has what the path takes, for people.
func (r rules) list() string {
	var names []string
	for _, p := range r.parameters() {
		if p.of&r.takes != 0 {
			names = append(names, p.name)
		}
	}
	if names == nil {
		return "none"
	}
	return strings.Join(names, ", ")
}

// finish checks parameters against each other and fills in the defaults.
func (r rules) finish(q query) (query, error) {
	switch {
	case q.step > 0 && q.window == 0:
		return query{}, badParameter("step", "is the step of a history: it takes a window beside it")
	case q.maxPoints > 0 && q.window == 0:
		return query{}, badParameter("maxPoints", "thins a history: it takes a window beside it")
	case q.step > q.window:
		return query{}, badParameter("step", "is longer than the window of %s", q.window)
	}
	if q.window > 0 && r.takes&takesOrder != 0 {
		if q.limit > maxHistories {
			return query{}, badParameter("limit", "takes 1 to %d together with a window, not %d", maxHistories, q.limit)
		}
		if q.limit == 0 {
			q.limit = maxHistories
		}
	}
	if r.takes&takesTop != 0 {
		return q.finishTop()
	}
	return q, nil
}

func (q query) finishTop() (query, error) {
	if q.of == "" {
		q.of = topPods
	}
	if q.by.name == "" {
		q.by = byCPU()
	}
	if q.limit == 0 {
		q.limit = defaultTop
	}
	switch {
	case q.namespace != "" && (q.of == topNodes || q.of == topNamespaces):
		return query{}, badParameter("namespace", "goes with of pods, containers or workloads, not with %s", q.of)
	case q.node != "" && q.of != topPods && q.of != topContainers:
		return query{}, badParameter("node", "goes with of pods or containers, not with %s", q.of)
	}
	return q, nil
}

// setSelector compiles a label selector; an empty one selects everything.
func (r rules) setSelector(q *query, value string) error {
	if value == "" {
		return nil
	}
	matches, err := r.selector(value)
	if err != nil {
		return fmt.Errorf("takes a Kubernetes label selector such as app=web,tier!=cache: %w", err)
	}
	q.matches = matches
	return nil
}

// parsePeriod reads whole seconds, or a Go duration, of a second to longest.
func parsePeriod(value string, longest time.Duration) (time.Duration, error) {
	period, err := time.ParseDuration(value)
	if seconds, numErr := strconv.ParseInt(value, 10, 32); numErr == nil {
		period, err = time.Duration(seconds)*time.Second, nil
	}
	if err != nil || period < time.Second || period > longest {
		return 0, fmt.Errorf("takes seconds from 1 to %d, or a duration such as 5m up to %s, not %q",
			int(longest.Seconds()), longest, value)
	}
	return period, nil
}

// parseCount reads a whole number from 1 to most.
func parseCount(value string, most int) (int, error) {
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 || n > most {
		return 0, fmt.Errorf("takes a whole number from 1 to %d, not %q", most, value)
	}
	return n, nil
}

// A topic is what top ranks.
type topic string

// The topics of top.
const (
	topPods       topic = "pods"
	topContainers topic = "containers"
	topNodes      topic = "nodes"
	topNamespaces topic = "namespaces"
	topWorkloads  topic = "workloads"
)

func parseTopic(value string) (topic, error) {
	switch t := topic(value); t {
	case topPods, topContainers, topNodes, topNamespaces, topWorkloads:
		return t, nil
	}
	return "", fmt.Errorf("takes pods, containers, nodes, namespaces or workloads, not %q", value)
}
