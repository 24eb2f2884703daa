// Package serve answers an agent's three paths:
//
//	GET /snapshot   the node, read now; Accept decides the encoding
//	GET /healthz    200 as long as the program answers; never reads the node
//	GET /metrics    the agent about itself, in Prometheus' text format
//
// Everything else, and every error, is application/problem+json (RFC 9457).
//
// The package takes a [Collector] and does not know where numbers come from.
// Requests that come while the node is being read wait for that reading and
// share it: however many ask, the node is read once at a time.
package serve

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/kubemon/kubemon/shared/snapshot"
)

// maxInFlight is how many requests for a snapshot may be open at once. One hub
// has one; the rest is for people.
const maxInFlight = 32

// A Collector reads the node once.
type Collector interface {
	Collect() (*snapshot.Snapshot, error)
}

// A Server is the agent's HTTP handler.
type Server struct {
	log      *slog.Logger
	readings *readings
	metrics  *metrics
	inFlight chan struct{} // holds one value for each open request
	bodies   sync.Pool     // of []byte, room for a body
}

// New returns the handler of an agent of that version. usage tells what the
// agent itself uses.
func New(log *slog.Logger, version string, collector Collector, usage func() (Usage, error)) http.Handler {
	metrics := &metrics{version: version, usage: usage}
	s := &Server{
		log:      log,
		metrics:  metrics,
		readings: &readings{collect: metrics.measure(collector)},
		inFlight: make(chan struct{}, maxInFlight),
	}
	mux := http.NewServeMux()
	for path, handler := range map[string]http.HandlerFunc{
		"/snapshot": s.snapshot,
		"/healthz":  s.healthz,
		"/metrics":  s.serveMetrics,
	} {
		mux.HandleFunc("GET "+path, handler) // and HEAD
		mux.HandleFunc(path, methodNotAllowed)
	}
	mux.HandleFunc("/", notFound)
	return mux
}

func (s *Server) snapshot(w http.ResponseWriter, r *http.Request) {
	select {
	case s.inFlight <- struct{}{}:
		defer func() { <-s.inFlight }()
	default:
		w.Header().Set("Retry-After", "1")
		problem(w, http.StatusServiceUnavailable, "too many requests for a snapshot are open")
		return
	}
	snap, err := s.readings.join(r.Context())
	if r.Context().Err() != nil {
		return // the peer is gone
	}
	if err != nil {
		s.log.Error("no snapshot", "err", err)
		problem(w, http.StatusInternalServerError, "the node could not be read; the agent's log says why")
		return
	}
	contentType := snapshot.Negotiate(strings.Join(r.Header.Values("Accept"), ","))
	room, _ := s.bodies.Get().([]byte)
	body, err := appendBody(room[:0], snap, contentType)
	defer s.bodies.Put(body[:0])
	if err != nil {
		s.log.Error("no snapshot", "err", err)
		problem(w, http.StatusInternalServerError, "the snapshot could not be encoded; the agent's log says why")
		return
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Vary", "Accept")
	w.Write(body) // the peer may be gone, which is its own affair
	s.metrics.snapshots.Add(1)
}

// Encode encodes a snapshot as the server does: JSON, which is what people ask
// for, is indented.
func Encode(snap *snapshot.Snapshot, contentType string) ([]byte, error) {
	return appendBody(nil, snap, contentType)
}

func appendBody(to []byte, snap *snapshot.Snapshot, contentType string) ([]byte, error) {
	if contentType != snapshot.ContentTypeJSON {
		return snapshot.Append(to, snap, contentType)
	}
	body, err := snapshot.Encode(snap, contentType)
	if err != nil {
		return to, err
	}
	indented := bytes.NewBuffer(to)
	if err := json.Indent(indented, body, "", "  "); err != nil {
		return to, err
	}
	indented.WriteByte('\n')
	return indented.Bytes(), nil
}

func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Write([]byte("ok\n"))
}

func notFound(w http.ResponseWriter, r *http.Request) {
	problem(w, http.StatusNotFound, "no such path: "+r.URL.Path+"; there are /snapshot, /healthz and /metrics")
}

func methodNotAllowed(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Allow", "GET, HEAD")
	problem(w, http.StatusMethodNotAllowed, r.URL.Path+" takes GET, not "+r.Method)
}

// problem answers with an error as RFC 9457 has it.
func problem(w http.ResponseWriter, status int, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(struct {
		Title  string `json:"title"`
		Status int    `json:"status"`
		Detail string `json:"detail"`
	}{http.StatusText(status), status, detail})
}
