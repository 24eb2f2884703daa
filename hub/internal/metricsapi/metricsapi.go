// Package metricsapi tells Prometheus how the hub itself does: which agents it
// can read, how fast, how many nodes and pods it knows, and how it answers.
//
// A scrape is answered from the latest round and from the counts of a Meter, so
// that scraping costs no round and disturbs none; before the first round there
// are only the build, the process and those counts. Numbers are in base units. A sample carries no time of its own:
// kubemon_last_round_timestamp_seconds and
// kubemon_agent_last_success_timestamp_seconds say how old it is.
package metricsapi

import (
	"net/http"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/kubemon/kubemon/hub"
)

// Handler answers GET /metrics in the Prometheus formats, with what meter has
// counted. view returns the latest round, or an error before the first.
func Handler(view func() (*hub.View, error), meter *Meter, version string) http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		newCollector(view, version),
	)
	return promhttp.HandlerFor(prometheus.Gatherers{registry, meter.registry}, promhttp.HandlerOpts{})
}

// A collector turns one round into samples.
type collector struct {
	view  func() (*hub.View, error)
	build prometheus.Metric

	rounds, lastRound, interval, window *prometheus.Desc
	connected                           *prometheus.Desc
	nodes, pods                         *prometheus.Desc

	availability *prometheus.Desc

	windowBytes, windowMaxBytes, windowSamples, windowOldest *prometheus.Desc

	agentAttach, agentRivals *prometheus.Desc

	agentUp, agentSuccess, agentScrape, agentBytes, agentSkew, agentAvailability *prometheus.Desc
}

func newCollector(view func() (*hub.View, error), version string) *collector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(namespace+name, help, labels, nil)
	}
	build := prometheus.NewDesc(namespace+"build_info", "Always 1; its labels say which program this is.",
		nil, prometheus.Labels{"version": version, "goversion": runtime.Version()})
	return &collector{
		view:      view,
		build:     prometheus.MustNewConstMetric(build, prometheus.GaugeValue, 1),
		rounds:    desc("rounds_total", "Rounds published since the hub started."),
		lastRound: desc("last_round_timestamp_seconds", "When the latest round was, in Unix time."),
		interval:  desc("interval_seconds", "Time between rounds."),
		window:    desc("window_seconds", "How long samples are kept."),
		connected: desc("kubernetes_connected", "1 if the API server can be reached, 0 if not; missing without a cluster."),
		nodes:     desc("nodes", "Nodes by state.", "state"),
		pods:      desc("pods", "Pods by state.", "state"),

		availability: desc("availability_ratio", "Rounds with a sample by expected ones over the window, of all nodes together."),

		windowBytes:    desc("window_bytes", "What the window takes up in memory, by its own count."),
		windowMaxBytes: desc("window_max_bytes", "What it may take up; missing without a bound."),
		windowSamples:  desc("window_samples", "Rows kept in all rounds of the window."),
		windowOldest:   desc("window_oldest_round_timestamp_seconds", "A time before which there is no history, in Unix time."),

		agentUp:           desc("agent_up", "1 if the agent answered in the latest round.", "node"),
		agentSuccess:      desc("agent_last_success_timestamp_seconds", "When the agent's latest good sample was taken, in Unix time.", "node"),
		agentScrape:       desc("agent_scrape_duration_seconds", "How long the agent's latest answer took.", "node"),
		agentBytes:        desc("agent_scrape_bytes", "Size of the agent's latest answer.", "node"),
		agentSkew:         desc("agent_clock_skew_seconds", "The agent's clock minus the hub's.", "node"),
		agentAvailability: desc("agent_availability_ratio", "Rounds with a sample by expected ones over the window.", "node"),
		agentAttach:       desc("agent_attach_seconds", "From first seeing the node's agent to its first sample in the window.", "node"),
		agentRivals:       desc("agent_rivals", "Other agents that claim the node and are not asked.", "node"),
	}
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(descs chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		c.build.Desc(), c.rounds, c.lastRound, c.interval, c.window, c.connected, c.nodes, c.pods, c.availability,
		c.windowBytes, c.windowMaxBytes, c.windowSamples, c.windowOldest,
		c.agentUp, c.agentSuccess, c.agentScrape, c.agentBytes, c.agentSkew, c.agentAvailability,
		c.agentAttach, c.agentRivals,
	} {
		descs <- d
	}
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(metrics chan<- prometheus.Metric) {
	metrics <- c.build
	view, err := c.view()
	if err != nil {
		return // There was no round yet: that there are no samples says so.
	}
	send := gauges(metrics)
	round := view.Round
	metrics <- prometheus.MustNewConstMetric(c.rounds, prometheus.CounterValue, float64(round.Number))
	send(c.lastRound, unix(round.Time))
	send(c.interval, round.Interval.Seconds())
	send(c.window, round.Window.Seconds())
	if inv := round.Inventory; inv != nil && inv.Connection.Configured {
		send(c.connected, number(inv.Connection.Connected))
	}
	if expected, stored := round.Availability(); expected > 0 {
		send(c.availability, float64(stored)/float64(expected))
	}
	c.collectWindow(send, &round.Kept)
	sendStates(send, c.nodes, view.Nodes)
	sendStates(send, c.pods, view.Pods)
	for i := range round.Nodes {
		c.collectAgent(send, &round.Nodes[i])
	}
}

func (c *collector) collectWindow(send sender, kept *hub.WindowStatus) {
	send(c.windowBytes, float64(kept.Bytes))
	send(c.windowSamples, float64(kept.Samples))
	if kept.MaxBytes > 0 {
		send(c.windowMaxBytes, float64(kept.MaxBytes))
	}
	if !kept.Oldest.IsZero() {
		send(c.windowOldest, unix(kept.Oldest))
	}
}

func (c *collector) collectAgent(send sender, n *hub.NodeState) {
	h := &n.Health
	answered := n.Status.State == hub.StateOK || n.Status.State == hub.StateUnsupported
	send(c.agentUp, number(answered), n.Node)
	if !h.LastSample.IsZero() {
		send(c.agentSuccess, unix(h.LastSample), n.Node)
		send(c.agentScrape, h.Took.Seconds(), n.Node)
		send(c.agentBytes, float64(h.Bytes), n.Node)
		send(c.agentSkew, h.ClockSkew.Seconds(), n.Node)
	}
	if h.Expected > 0 {
		send(c.agentAvailability, float64(h.Stored)/float64(h.Expected), n.Node)
	}
	if !h.FirstStored.IsZero() {
		send(c.agentAttach, h.FirstStored.Sub(h.FirstSeen).Seconds(), n.Node)
	}
	send(c.agentRivals, float64(n.Agent.Rivals), n.Node)
}

// A sender sends one gauge.
type sender func(desc *prometheus.Desc, value float64, labels ...string)

func gauges(metrics chan<- prometheus.Metric) sender {
	return func(desc *prometheus.Desc, value float64, labels ...string) {
		metrics <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
}

// sendStates counts items by state; a state that none has is 0, so that an
// alert on it works before it first happens.
func sendStates(send sender, desc *prometheus.Desc, items []*hub.Item) {
	counts := map[string]int{hub.StateOK: 0, hub.StateStale: 0, hub.StateDown: 0, hub.StateUnsupported: 0, hub.StatePending: 0}
	for _, item := range items {
		counts[item.Status.State]++
	}
	for state, n := range counts {
		send(desc, float64(n), state)
	}
}

func unix(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

func number(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
