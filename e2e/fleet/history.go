package fleet

import (
	"context"
	"net/http"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/kubemon/kubemon/shared/snapshot"
)

// A history is what one agent has kept, worked out beforehand: the agents of a
// fleet could not do it while the hub waits for all of them.
type history struct {
	body []byte
	// ends has, for each snapshot, its time and where its record ends.
	ends []ending
}

type ending struct {
	at    time.Time
	bytes int
}

// newHistory has the node's snapshots from one time to another.
func newHistory(n Node, from, to time.Time, interval time.Duration) (history, error) {
	h := history{body: snapshot.AppendHistory(nil)}
	var last snapshot.Stamp
	var before []byte
	for at := from; at.Before(to); at = at.Add(interval) {
		s := n.At(at)
		after, err := snapshot.Encode(s, snapshot.ContentTypeMsgpack)
		if err != nil {
			return h, err
		}
		record := after
		if before != nil {
			if record, err = snapshot.AppendDiff(nil, before, after); err != nil {
				return h, err
			}
		}
		h.body = snapshot.AppendRecord(h.body, last, snapshot.StampOf(s), record)
		h.ends = append(h.ends, ending{at, len(h.body)})
		last, before = snapshot.StampOf(s), after
	}
	return h, nil
}

// until is the history as it was at a moment.
func (h history) until(now time.Time) []byte {
	length := len(snapshot.AppendHistory(nil))
	for _, e := range h.ends {
		if e.at.After(now) {
			break
		}
		length = e.bytes
	}
	return h.body[:length]
}

// newHistories works out every node's. They go on for longer than it takes to
// start the hub.
func newHistories(ctx context.Context, nodes []Node, past, interval time.Duration) ([]history, error) {
	const ahead = 10 * time.Minute
	list := make([]history, len(nodes))
	if past == 0 {
		return list, nil
	}
	now := time.Now()
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.NumCPU())
	for i, n := range nodes {
		g.Go(func() (err error) {
			if ctx.Err() == nil {
				list[i], err = newHistory(n, now.Add(-past), now.Add(ahead), interval)
			}
			return err
		})
	}
	return list, g.Wait()
}

// snapshots answers with all that the agent has kept.
func (a *agents) snapshots(w http.ResponseWriter, r *http.Request) {
	h := a.histories[a.number(r)]
	if h.body == nil {
		http.NotFound(w, r) // as an agent from before there were histories
		return
	}
	w.Header().Set("Content-Type", snapshot.ContentTypeHistory)
	_, _ = w.Write(h.until(time.Now()))
}
