package metricsapi

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/kubemon/kubemon/hub"
)

// A Meter counts what happens in the hub and is no part of a round's answers:
// how asking went, how long requests took, which events were sent. Its methods
// may be called at the same time and never wait. No label has a value that
// comes from outside: the number of time series is fixed by the program.
type Meter struct {
	registry *prometheus.Registry

	roundSeconds, scrapeSeconds prometheus.Histogram
	roundsSkipped, scrapeBytes  prometheus.Counter
	scrapeFailures              *prometheus.CounterVec
	requestSeconds              *prometheus.HistogramVec
	authenticated, reviews      *prometheus.CounterVec
	eventsSent                  prometheus.Counter
	eventsDropped               *prometheus.CounterVec
}

// NewMeter returns a Meter that has counted nothing.
func NewMeter() *Meter {
	m := &Meter{
		registry: prometheus.NewRegistry(),
		roundSeconds: histogram("round_duration_seconds", "How long rounds took, from the first question to the last answer.",
			0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
		roundsSkipped: counter("rounds_skipped_total", "Rounds that were due while another was under way, and were left out."),
		scrapeSeconds: histogram("scrape_duration_seconds", "How long agents took to answer, or to fail.",
			0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
		scrapeBytes:    counter("scrape_bytes_total", "Bytes of all agents' answers."),
		scrapeFailures: counters("scrape_failures_total", "Answers that gave no sample, by reason.", "reason"),
		requestSeconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: namespace + "http_request_duration_seconds", Help: "How long REST took to answer, by route and status.",
			Buckets: []float64{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5},
		}, []string{"route", "code"}),
		authenticated: counters("hub_auth_total", "Requests and logins by what came of asking who it is: ok, login, stale if the API server was away, or why not.", "result"),
		reviews:       counters("hub_reviews_total", "What the API server was asked of readers, by kind and answer; limited and stale are those that it was spared.", "kind", "result"),
		eventsSent:    counter("events_sent_total", "Kubernetes Events that the API server took."),
		eventsDropped: counters("events_dropped_total", "Kubernetes Events that were not sent, by reason.", "reason"),
	}
	m.registry.MustRegister(m.roundSeconds, m.roundsSkipped, m.scrapeSeconds, m.scrapeBytes, m.scrapeFailures,
		m.requestSeconds, m.authenticated, m.reviews, m.eventsSent, m.eventsDropped)
	for _, reason := range hub.Failures() { // 0 until it first happens, so that an alert sees that
		m.scrapeFailures.WithLabelValues(string(reason))
	}
	return m
}

// Round takes note of a round, and of how many before it were skipped.
func (m *Meter) Round(took time.Duration, skipped int) {
	m.roundSeconds.Observe(took.Seconds())
	m.roundsSkipped.Add(float64(skipped))
}

// Asked takes note of what asking an agent came to.
func (m *Meter) Asked(r *hub.Result) {
	m.scrapeSeconds.Observe(r.Took.Seconds())
	m.scrapeBytes.Add(float64(r.Bytes))
	if r.Failure != "" {
		m.scrapeFailures.WithLabelValues(string(r.Failure)).Inc()
	}
}

// Answered takes note of a request. The route is the pattern that matched and
// not the path, of which there are as many as there are pods.
func (m *Meter) Answered(route string, code int, took time.Duration) {
	m.requestSeconds.WithLabelValues(route, strconv.Itoa(code)).Observe(took.Seconds())
}

// Authenticated takes note of what came of asking who a request is of.
func (m *Meter) Authenticated(result string) { m.authenticated.WithLabelValues(result).Inc() }

// Reviewed takes note of what the API server was asked about a reader.
func (m *Meter) Reviewed(kind, result string) { m.reviews.WithLabelValues(kind, result).Inc() }

// Sessions adds how many readers are logged in, which count says at any time.
func (m *Meter) Sessions(count func() int) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: namespace + "hub_sessions", Help: "Readers who are logged in.",
	}, func() float64 { return float64(count()) }))
}

// EventSent takes note of an event that the API server took.
func (m *Meter) EventSent() { m.eventsSent.Inc() }

// EventDropped takes note of an event that was not sent.
func (m *Meter) EventDropped(reason string) { m.eventsDropped.WithLabelValues(reason).Inc() }

// namespace begins the name of each of kubemon's own metrics.
const namespace = "kubemon_"

func counter(name, help string) prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{Name: namespace + name, Help: help})
}

func counters(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: namespace + name, Help: help}, labels)
}

func histogram(name, help string, buckets ...float64) prometheus.Histogram {
	return prometheus.NewHistogram(prometheus.HistogramOpts{Name: namespace + name, Help: help, Buckets: buckets})
}
