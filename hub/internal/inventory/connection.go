package inventory

import (
	"context"
	"fmt"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubemon/kubemon/hub"
)

const (
	checkEvery   = 10 * time.Second
	checkTimeout = 5 * time.Second
	// checkPause keeps watches that all end at once from asking as often.
	checkPause = time.Second
)

// A connection is how the hub stands with the API server. Watches fail late,
// if at all, when the server goes away silently; so it is also asked itself.
type connection struct {
	doubts chan struct{} // a watch ended: ask soon

	mu    sync.Mutex
	state hub.Connection
}

func newConnection() *connection {
	return &connection{
		doubts: make(chan struct{}, 1),
		state:  hub.Connection{Configured: true, Since: time.Now(), Error: "the API server has not answered yet"},
	}
}

func (c *connection) doubt() {
	select {
	case c.doubts <- struct{}{}:
	default:
	}
}

func (c *connection) get() hub.Connection {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state
}

// set records what a check found and reports whether that is a change.
func (c *connection) set(connected bool, reason string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	changed := c.state.Connected != connected
	if changed {
		c.state.Since = time.Now()
	}
	c.state.Connected, c.state.Error = connected, reason
	return changed
}

// checkConnection asks the API server now and then, and soon after a watch has
// ended, until ctx is done.
func (w *Watcher) checkConnection(ctx context.Context) {
	ticker := time.NewTicker(checkEvery)
	defer ticker.Stop()
	for {
		w.check(ctx)
		if !sleep(ctx, checkPause) {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-w.connection.doubts:
		}
	}
}

func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// check asks for one namespace, which costs the API server next to nothing and
// takes no right that the informers do not need anyway.
func (w *Watcher) check(ctx context.Context) {
	asking, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	_, err := w.client.CoreV1().Namespaces().List(asking, metav1.ListOptions{Limit: 1})
	switch {
	case ctx.Err() != nil: // stopped, which says nothing of the server
	case err != nil:
		if w.connection.set(false, fmt.Sprintf("ask the API server: %v", err)) {
			w.log.Warn("API server lost", "err", err)
		}
	case w.connection.set(true, w.unsyncedReason()):
		w.log.Info("API server connected")
	}
}

// unsyncedReason names a resource that cannot be read although the API server
// answers: a right that is missing, for one.
func (w *Watcher) unsyncedReason() string {
	k := w.unsynced()
	if k == nil {
		return ""
	}
	if err := k.failure.Load(); err != nil {
		return fmt.Sprintf("watch %s: %v", k.resource, *err)
	}
	return ""
}
