package rest

import (
	"context"
	"sync/atomic"
	"time"
)

// A gate lets a number of requests work at once. Others wait their turn for a
// moment and are then refused, so that load costs time and not memory.
type gate struct {
	slots    chan struct{}
	patience time.Duration
	what     string // for people
}

func newGate(what string, atOnce int, patience time.Duration) *gate {
	return &gate{slots: make(chan struct{}, atOnce), patience: patience, what: what}
}

// enter waits for a slot. Without an error, leave gives it back.
func (g *gate) enter(ctx context.Context) (leave func(), err error) {
	leave = func() { <-g.slots }
	select {
	case g.slots <- struct{}{}:
		return leave, nil
	default:
	}
	timer := time.NewTimer(g.patience)
	defer timer.Stop()
	select {
	case g.slots <- struct{}{}:
		return leave, nil
	case <-timer.C:
	case <-ctx.Done():
	}
	return nil, busy("the hub is at work on %d %s; ask again in a moment", cap(g.slots), g.what)
}

// A budget bounds the bytes that are in use at once.
type budget struct {
	used atomic.Int64
	most int64
}

// take is refused if others have too much already. Without an error, giveBack
// gives back.
func (b *budget) take(bytes int) (giveBack func(), err error) {
	n := int64(bytes)
	if used := b.used.Add(n); used > b.most && used > n {
		b.used.Add(-n)
		return nil, busy("the hub is sending %d bytes of answers that it could not keep; ask again in a moment", used-n)
	}
	return func() { b.used.Add(-n) }, nil
}
