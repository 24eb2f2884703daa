package fleet

import (
	"net/http"
	"strconv"
	"time"

	"github.com/kubemon/kubemon/shared/snapshot"
)

// snapshots answers as an agent that has kept a snapshot each interval for as
// long as past, without keeping any: they are worked out when asked for.
func (a *agents) snapshots(w http.ResponseWriter, r *http.Request) {
	if a.past == 0 {
		http.NotFound(w, r) // as an agent from before there were histories
		return
	}
	now := time.Now()
	since, sinceErr := strconv.ParseInt(r.URL.Query().Get("since"), 10, 64)
	until, untilErr := strconv.ParseInt(r.URL.Query().Get("until"), 10, 64)
	if sinceErr != nil || untilErr != nil {
		http.Error(w, "since and until: expected milliseconds", http.StatusBadRequest)
		return
	}
	body, err := a.nodes[a.number(r)].history(
		later(time.UnixMilli(since), now.Add(-a.past)), earlier(time.UnixMilli(until), now), a.interval)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", snapshot.ContentTypeHistory)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body)
}

// history has the node's snapshots from one time to another: those of whole
// intervals since it booted.
func (n Node) history(since, until time.Time, interval time.Duration) ([]byte, error) {
	var list []*snapshot.Snapshot
	first := since.Sub(n.booted).Truncate(interval) + interval
	for at := n.booted.Add(first); !at.After(until); at = at.Add(interval) {
		list = append(list, n.At(at))
	}
	return snapshot.EncodeHistory(list)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
