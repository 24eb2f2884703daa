package kernel

import (
	"math/rand/v2"
	"testing"
	"time"
)

// testRecreated removes a pod and makes it again at the same path, over and
// over and in the middle of reads. Every other one uses CPU time and the rest
// none, so that one's numbers under the other's cgroupID are seen at once.
func testRecreated(t *testing.T, a *agent) {
	const generations, snapshots = 120, 60
	p := a.tree.newPod()
	c := p.newContainer()
	t.Cleanup(func() { must(t, p.removeAll()) })
	b := startBurster(t, a.tree.mount)
	r := newRegistry()
	generation := 0
	r.watchUntil(t, a, func() error {
		for ; !t.Failed() && (generation < generations || r.watched() < snapshots); generation++ {
			if err := recreate(a.tree, r, p, c, b, generation); err != nil {
				return err
			}
		}
		return nil
	})
	if lives := len(r.lives); lives != 2*generation {
		t.Errorf("%d groups had different cgroupIDs, want %d", lives, 2*generation)
	}
	t.Logf("%d snapshots of %d generations", r.watched(), generation)
}

// recreate is the life of one generation, from nothing to nothing.
func recreate(tr tree, r *registry, p pod, c container, b *burster, generation int) error {
	limit := tr.uniqueLimit(generation)
	outer, err := r.add(p.group, p.uid, p.controllers, limit)
	if err != nil {
		return err
	}
	inner, err := r.add(c.group, c.id, "", limit)
	if err != nil {
		return err
	}
	outer.stays()
	inner.stays()
	pause(4 * time.Millisecond)
	if generation%2 == 0 {
		if err := use(b, 5*time.Millisecond, tr.mount, inner, outer); err != nil {
			return err
		}
	}
	pause(4 * time.Millisecond)
	if err := inner.remove(); err != nil {
		return err
	}
	if err := outer.remove(); err != nil {
		return err
	}
	if generation%3 == 0 {
		pause(4 * time.Millisecond)
	}
	return nil
}

// uniqueLimit is a limit of processes that no other number has, 0 where the
// tree has no controller for it.
func (tr tree) uniqueLimit(n int) uint64 {
	if !tr.has("pids") {
		return 0
	}
	return uint64(1000 + n)
}

// pause is a moment within which the agent may or may not read.
func pause(most time.Duration) { time.Sleep(rand.N(most)) }
