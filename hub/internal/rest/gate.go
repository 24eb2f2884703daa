package rest

import (
	"context"
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
