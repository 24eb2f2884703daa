package pipeline

import "sync/atomic"

// A bell tells any number of listeners that something happened, and never
// waits for one. The zero bell rings for nobody yet.
type bell struct{ next atomic.Pointer[chan struct{}] }

// rung returns a channel that is closed when the bell next rings.
func (b *bell) rung() <-chan struct{} {
	if b.next.Load() == nil {
		b.next.CompareAndSwap(nil, new(make(chan struct{})))
	}
	return *b.next.Load()
}

func (b *bell) ring() {
	if rung := b.next.Swap(new(make(chan struct{}))); rung != nil {
		close(*rung)
	}
}

// Published returns a channel that is closed when a View is next published.
// Who takes the channel first and the View then misses none.
func (p *Pipeline) Published() <-chan struct{} { return p.published.rung() }
