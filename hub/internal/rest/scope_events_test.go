package rest_test

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/kubemon/kubemon/hub"
)

// TestEventsByScope tells of nodes only who may see them, as of each round, and
// ends when it is no longer known what the reader may see.
func TestEventsByScope(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, listener := newPublisher(), newPipes()
		cfg := config(p, io.Discard)
		var mu sync.Mutex
		now, unknown := hub.Scope{AllNamespaces: true}, error(nil)
		cfg.Scope = func(*http.Request) (hub.Scope, error) {
			mu.Lock()
			defer mu.Unlock()
			return now, unknown
		}
		become := func(scope hub.Scope, err error) {
			mu.Lock()
			defer mu.Unlock()
			now, unknown = scope, err
		}
		stop := serveConfig(t, cfg, listener)
		conn := listener.dial(t)
		_, events := open(t, conn)
		for i, scope := range []hub.Scope{{}, {Nodes: true}, {Namespaces: []string{"shop"}}, hub.Everything(), {AllNamespaces: true}} {
			become(scope, nil)
			p.publish()
			e := readRound(t, events)
			for e.tick.Number != uint64(361+i) {
				e = readRound(t, events)
			}
			if (e.tick.Nodes != nil) != scope.Nodes || strings.Contains(string(e.data), "nodes") != scope.Nodes {
				t.Errorf("%+v is told %s", scope, e.data)
			}
		}
		become(hub.Scope{}, hub.ErrUnavailable)
		p.publish()
		if rest, err := io.ReadAll(events); err != nil || strings.Contains(string(rest), "data") {
			t.Errorf("who may be nobody is told %q, %v", rest, err)
		}
		if err := stop(); err != nil {
			t.Errorf("stop: %v", err)
		}
		conn.Close()
	})
}
