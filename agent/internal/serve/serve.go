// Package serve answers an agent's paths:
//
//	GET /snapshot    the node, read now; Accept decides the encoding
//	GET /snapshots   the node's last snapshots, as they were kept
//	GET /healthz     200 as long as the program answers; never reads the node
//	GET /metrics     the agent about itself, in Prometheus' text format
//
// Everything else, and every error, is application/problem+json (RFC 9457). Who
// may ask is decided before, by package auth.
//
// The package takes a [Collector] and does not know where numbers come from. A
// snapshot that is asked for as MessagePack, as hubs do, is offered to the
// [History]; one that a person reads is not, so that it moves no other.
// Requests that come while the node is being read wait for that reading and
// share it: however many ask, the node is read once at a time.
package serve

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/kubemon/kubemon/agent/internal/problem"
	"github.com/kubemon/kubemon/shared/snapshot"
)

// maxInFlight is how many requests for a snapshot may be open at once. One hub
// has one; the rest is for people.
const maxInFlight = 32

// PathHealth is where the server says that it answers, and nothing else.
const PathHealth = "/healthz"

// A Collector reads the node once.
type Collector interface {
	Collect() (*snapshot.Snapshot, error)
}

// A Server is the agent's HTTP handler.
type Server struct {
	http.Handler
	log      *slog.Logger
	readings *readings
	metrics  *metrics
	history  History
	inFlight chan struct{} // holds one value for each open request for a snapshot
	pastOpen chan struct{} // and one for each for the history
	bodies   sync.Pool     // of []byte, room for a body
}

// Config is what a [Server] needs.
type Config struct {
	Log       *slog.Logger
	Version   string // of the agent
	Collector Collector
	Usage     func() (Usage, error)
	History   History         // nil for an agent that keeps none
	Security  func() Security // nil for one that asks nobody who he is, without TLS
}

// New returns the handler of an agent.
func New(c Config) *Server {
	metrics := &metrics{version: c.Version, usage: c.Usage, history: c.History, security: c.Security}
	s := &Server{
		log:      c.Log,
		metrics:  metrics,
		history:  c.History,
		readings: &readings{collect: metrics.measure(c.Collector)},
		inFlight: make(chan struct{}, maxInFlight),
		pastOpen: make(chan struct{}, maxPastOpen),
	}
	mux := http.NewServeMux()
	for path, handler := range map[string]http.HandlerFunc{
		"/snapshot":  limited(s.inFlight, s.snapshot),
		"/snapshots": limited(s.pastOpen, s.past),
		PathHealth:   s.healthz,
		"/metrics":   s.serveMetrics,
	} {
		mux.HandleFunc("GET "+path, handler) // and HEAD
		mux.HandleFunc(path, methodNotAllowed)
	}
	mux.HandleFunc("/", notFound)
	s.Handler = mux
	return s
}

// Sample reads the node, or waits for the reading in progress, for the history
// alone.
func (s *Server) Sample(ctx context.Context) error {
	snap, err := s.readings.join(ctx)
	if err != nil {
		return err
	}
	room, _ := s.bodies.Get().([]byte)
	body, err := snapshot.Append(room[:0], snap, snapshot.ContentTypeMsgpack)
	defer s.bodies.Put(body[:0])
	if err != nil {
		return err
	}
	return s.history.Keep(snapshot.StampOf(snap), body)
}

// limited refuses more open requests than open has room for.
func limited(open chan struct{}, serve http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		select {
		case open <- struct{}{}:
			defer func() { <-open }()
			serve(w, r)
		default:
			w.Header().Set("Retry-After", "1")
			problem.Write(w, http.StatusServiceUnavailable, "too many requests for a snapshot are open")
		}
	}
}

func (s *Server) snapshot(w http.ResponseWriter, r *http.Request) {
	snap, err := s.readings.join(r.Context())
	if r.Context().Err() != nil {
		return // the peer is gone
	}
	if err != nil {
		s.log.Error("no snapshot", "err", err)
		problem.Write(w, http.StatusInternalServerError, "the node could not be read; the agent's log says why")
		return
	}
	contentType := snapshot.Negotiate(strings.Join(r.Header.Values("Accept"), ","))
	room, _ := s.bodies.Get().([]byte)
	body, err := appendBody(room[:0], snap, contentType)
	defer s.bodies.Put(body[:0])
	if err != nil {
		s.log.Error("no snapshot", "err", err)
		problem.Write(w, http.StatusInternalServerError, "the snapshot could not be encoded; the agent's log says why")
		return
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Vary", "Accept")
	w.Write(body) // the peer may be gone, which is its own affair
	s.metrics.snapshots.Add(1)
	if s.history != nil && contentType == snapshot.ContentTypeMsgpack {
		if err := s.history.Offer(snapshot.StampOf(snap), body); err != nil {
			s.log.Error("history has a gap", "err", err)
		}
	}
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
	problem.Write(w, http.StatusNotFound, "no such path: "+r.URL.Path+"; there are /snapshot, /snapshots, /healthz and /metrics")
}

func methodNotAllowed(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Allow", "GET, HEAD")
	problem.Write(w, http.StatusMethodNotAllowed, r.URL.Path+" takes GET, not "+r.Method)
}
