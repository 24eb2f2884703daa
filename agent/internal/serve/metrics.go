package serve

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kubemon/kubemon/shared/snapshot"
)

// Usage is what the agent itself uses.
type Usage struct {
	CPUSeconds float64 // since it started
	RSSBytes   uint64
}

// Security is what the agent says of those who ask it, and of its certificate.
type Security struct {
	Requests            map[string]uint64 // by what was said of their senders
	CertificateExpires  time.Time         // zero without TLS
	CertificateFailures uint64            // how often a new one could not be had
}

// metrics are the agent's numbers about itself.
type metrics struct {
	version   string
	usage     func() (Usage, error)
	history   History         // nil for none
	security  func() Security // nil for none
	snapshots atomic.Uint64   // answered

	mu       sync.Mutex // held to copy what is below it
	last     lastReading
	failures uint64
}

// lastReading is of the last one that gave a snapshot.
type lastReading struct {
	took     time.Duration
	pods     int
	warnings int
}

// measure wraps a collector so that its readings are counted.
func (m *metrics) measure(collector Collector) func() (*snapshot.Snapshot, error) {
	return func() (*snapshot.Snapshot, error) {
		start := time.Now()
		snap, err := collector.Collect()
		took := time.Since(start)
		m.mu.Lock()
		defer m.mu.Unlock()
		if err != nil {
			m.failures++
			return nil, err
		}
		m.last = lastReading{took, len(snap.Pods), len(snap.Warnings)}
		return snap, nil
	}
}

func (s *Server) serveMetrics(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	if err := s.metrics.write(w); err != nil {
		s.log.Warn("metrics not complete", "err", err)
	}
}

// write writes the metrics in Prometheus' text format, see
// https://prometheus.io/docs/instrumenting/exposition_formats/. They are few
// enough to need no library.
func (m *metrics) write(w io.Writer) error {
	m.mu.Lock()
	last, failures := m.last, m.failures
	m.mu.Unlock()

	gauge := func(name, help string, value float64) { sample(w, name, "gauge", help, value) }
	counter := func(name, help string, value float64) { sample(w, name, "counter", help, value) }
	fmt.Fprintf(w, "# HELP kubemon_agent_build_info The running version.\n# TYPE kubemon_agent_build_info gauge\n"+
		"kubemon_agent_build_info{version=%q} 1\n", m.version)
	counter("kubemon_agent_snapshots_total", "Snapshots answered.", float64(m.snapshots.Load()))
	counter("kubemon_agent_failed_readings_total", "Readings of the node that gave no snapshot.", float64(failures))
	gauge("kubemon_agent_last_reading_seconds", "How long the last reading of the node took.", last.took.Seconds())
	gauge("kubemon_agent_pods", "Pods in the last snapshot.", float64(last.pods))
	gauge("kubemon_agent_warnings", "Warnings in the last snapshot.", float64(last.warnings))
	if m.history != nil {
		kept, bytes := m.history.Size()
		gauge("kubemon_agent_history_snapshots", "Snapshots that are kept.", float64(kept))
		gauge("kubemon_agent_history_bytes", "What the kept snapshots take up.", float64(bytes))
	}
	if m.security != nil {
		m.security().write(w)
	}
	usage, err := m.usage()
	if err != nil {
		return fmt.Errorf("read the agent's own usage: %w", err)
	}
	counter("process_cpu_seconds_total", "CPU time of the agent.", usage.CPUSeconds)
	gauge("process_resident_memory_bytes", "Resident memory of the agent.", float64(usage.RSSBytes))
	return nil
}

func sample(w io.Writer, name, kind, help string, value float64) {
	fmt.Fprintf(w, "# HELP %[1]s %[2]s\n# TYPE %[1]s %[3]s\n%[1]s %[4]s\n",
		name, help, kind, strconv.FormatFloat(value, 'g', -1, 64))
}

func (s Security) write(w io.Writer) {
	if len(s.Requests) > 0 {
		fmt.Fprint(w, "# HELP kubemon_agent_auth_total Requests, by what was said of their senders.\n# TYPE kubemon_agent_auth_total counter\n")
		for _, result := range slices.Sorted(maps.Keys(s.Requests)) {
			fmt.Fprintf(w, "kubemon_agent_auth_total{result=%q} %d\n", result, s.Requests[result])
		}
	}
	if !s.CertificateExpires.IsZero() {
		sample(w, "kubemon_agent_certificate_expiry_timestamp_seconds", "gauge", "When the certificate expires, in seconds since 1970.", float64(s.CertificateExpires.Unix()))
		sample(w, "kubemon_agent_certificate_failures_total", "counter", "Attempts to get a new certificate that failed.", float64(s.CertificateFailures))
	}
}
