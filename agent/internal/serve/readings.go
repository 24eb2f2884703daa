package serve

import (
	"context"
	"sync"

	"github.com/kubemon/kubemon/shared/snapshot"
)

// readings lets concurrent requests share one reading of the node.
type readings struct {
	collect func() (*snapshot.Snapshot, error)

	mu      sync.Mutex // held only to look at, or change, current
	current *result    // of the reading in progress, nil without one
}

// A result is what a reading gave, once done is closed.
type result struct {
	done chan struct{}
	snap *snapshot.Snapshot
	err  error
}

// join waits for the reading in progress, or starts one. A reading goes on when
// the request that started it is given up: others may share it.
func (r *readings) join(ctx context.Context) (*snapshot.Snapshot, error) {
	current := r.start()
	select {
	case <-current.done:
		return current.snap, current.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// start returns the reading in progress. One that it starts ends by itself: it
// takes as long as the kernel takes.
func (r *readings) start() *result {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.current == nil {
		started := &result{done: make(chan struct{})}
		r.current = started
		go r.run(started)
	}
	return r.current
}

func (r *readings) run(started *result) {
	started.snap, started.err = r.collect()
	r.mu.Lock()
	r.current = nil
	r.mu.Unlock()
	close(started.done)
}
