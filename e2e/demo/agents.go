package demo

import (
	"context"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/kubemon/kubemon/shared/snapshot"
)

// answersOfSilent is how often the agent of a silent node still answers.
const answersOfSilent = 4

// serveAgents runs an agent for each node, on an address of its own.
func (d *Demo) serveAgents(ctx context.Context, nodes []*node, interval time.Duration) ([]string, error) {
	var urls []string
	for _, n := range nodes {
		listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp4", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		a := &agent{node: n, interval: interval}
		mux := http.NewServeMux()
		mux.HandleFunc("GET /snapshot", a.snapshot)
		mux.HandleFunc("GET /snapshots", a.snapshots)
		server := &http.Server{Handler: mux}
		go func() { _ = server.Serve(listener) }()
		d.stop = append(d.stop, func() { _ = server.Close() })
		urls = append(urls, "http://"+listener.Addr().String())
	}
	return urls, nil
}

// An agent answers for one node.
type agent struct {
	node     *node
	interval time.Duration
	answered atomic.Int64
}

func (a *agent) snapshot(w http.ResponseWriter, r *http.Request) {
	if a.answered.Add(1) > answersOfSilent && a.node.silent {
		panic(http.ErrAbortHandler) // closes the connection without a word
	}
	contentType := snapshot.Negotiate(r.Header.Get("Accept"))
	body, err := snapshot.Encode(a.node.At(time.Now()), contentType)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", contentType)
	_, _ = w.Write(body)
}

// snapshots answers with the last hour, worked out as if it had been kept.
func (a *agent) snapshots(w http.ResponseWriter, r *http.Request) {
	since, sinceErr := strconv.ParseInt(r.URL.Query().Get("since"), 10, 64)
	until, untilErr := strconv.ParseInt(r.URL.Query().Get("until"), 10, 64)
	if sinceErr != nil || untilErr != nil {
		http.Error(w, "since and until: expected milliseconds", http.StatusBadRequest)
		return
	}
	var list []*snapshot.Snapshot
	end := min(until, time.Now().UnixMilli())
	for at := time.UnixMilli(max(since, end-time.Hour.Milliseconds())).Truncate(a.interval).Add(a.interval); at.UnixMilli() <= end; at = at.Add(a.interval) {
		list = append(list, a.node.At(at))
	}
	body, err := snapshot.EncodeHistory(list)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", snapshot.ContentTypeHistory)
	_, _ = w.Write(body)
}
