package kernel

import (
	"testing"
	"time"
)

const (
	// churned is how many groups come and go; warmUp as many before the
	// agent's own use is measured for the first time.
	churned = 1000
	warmUp  = 200
	// alive is how many pods are there at any time.
	alive = 30
)

// testChurn is hours of pods coming and going in well under a minute: each has
// numbers of its own, some stay throughout, and the agent is after it what it
// was before.
func testChurn(t *testing.T, a *agent) {
	r := newRegistry()
	b := startBurster(t, a.tree.mount)
	staying := makeStaying(t, a, r, b)
	c := churn{tree: a.tree, registry: r, burster: b}
	t.Cleanup(func() { must(t, c.removeAll()) })

	r.watchUntil(t, a, func() error { return c.run(warmUp) })
	anonBefore, descriptorsBefore := a.settledUsage(t)
	r.watchUntil(t, a, func() error { return c.run(churned) })
	anonAfter, descriptorsAfter := a.settledUsage(t)

	t.Logf("%d snapshots of %d groups; private memory %.1f to %.1f MiB, descriptors %d to %d", r.watched(), c.made,
		float64(anonBefore)/mebibyte, float64(anonAfter)/mebibyte, descriptorsBefore, descriptorsAfter)
	// Go's heap breathes; a leak of 4 KiB for each group would be seen.
	if anonAfter > anonBefore+4*mebibyte {
		t.Errorf("private memory grew from %d to %d bytes", anonBefore, anonAfter)
	}
	// Connections and a directory being listed come and go.
	if descriptorsAfter > descriptorsBefore+4 {
		t.Errorf("open descriptors grew from %d to %d", descriptorsBefore, descriptorsAfter)
	}
	for _, p := range staying {
		a.compareStill(t, p.pod, p.container)
	}
	if told := len(a.snapshot(t).Pods); told != len(staying) {
		t.Errorf("%d pods are told after all, want the %d that stayed", told, len(staying))
	}
}

// A stayer is a pod with one container that is there throughout.
type stayer struct {
	pod       pod
	container container
}

// makeStaying makes pods that stay, each with a CPU time of its own.
func makeStaying(t *testing.T, a *agent, r *registry, b *burster) (all []stayer) {
	t.Helper()
	for i := range 5 {
		p := a.tree.newPod()
		c := p.newContainer()
		t.Cleanup(func() { must(t, p.removeAll()) })
		outer, err := r.add(p.group, p.uid, p.controllers, a.tree.uniqueLimit(2*i))
		must(t, err)
		inner, err := r.add(c.group, c.id, "", a.tree.uniqueLimit(2*i+1))
		must(t, err)
		must(t, use(b, time.Duration(i+1)*5*time.Millisecond, a.tree.mount, inner, outer))
		outer.stays()
		inner.stays()
		all = append(all, stayer{p, c})
	}
	return all
}

// A churn makes pods and removes the oldest.
type churn struct {
	tree     tree
	registry *registry
	burster  *burster
	made     int        // groups
	pods     [][]member // the pod, then its containers; oldest first
}

// run makes that many groups and removes all that are there.
func (c *churn) run(groups int) error {
	for end := c.made + groups; c.made < end; pause(50 * time.Millisecond) {
		if err := c.makePod(); err != nil {
			return err
		}
		if len(c.pods) > alive {
			if err := c.removeOldest(); err != nil {
				return err
			}
		}
	}
	for len(c.pods) > 0 {
		if err := c.removeOldest(); err != nil {
			return err
		}
	}
	return nil
}

// makePod makes a pod with one to three containers, some of which use CPU.
func (c *churn) makePod() error {
	p := c.tree.newPod()
	outer, err := c.add(p.group, p.uid, p.controllers)
	if err != nil {
		return err
	}
	members := []member{outer}
	for range 1 + c.made%3 {
		container := p.newContainer()
		inner, err := c.add(container.group, container.id, "")
		if err != nil {
			return err
		}
		if c.made%5 == 0 {
			if err := use(c.burster, time.Millisecond, c.tree.mount, inner, outer); err != nil {
				return err
			}
		}
		members = append(members, inner)
	}
	for _, m := range members {
		m.stays()
	}
	c.pods = append(c.pods, members)
	return nil
}

func (c *churn) add(g group, name, controllers string) (member, error) {
	c.made++
	return c.registry.add(g, name, controllers, c.tree.uniqueLimit(100+c.made))
}

func (c *churn) removeOldest() error {
	members := c.pods[0]
	c.pods = c.pods[1:]
	for i := len(members) - 1; i >= 0; i-- {
		if err := members[i].remove(); err != nil {
			return err
		}
	}
	return nil
}

// removeAll removes what an unfinished run left.
func (c *churn) removeAll() error {
	for _, members := range c.pods {
		if err := members[0].group.removeAll(); err != nil {
			return err
		}
	}
	return nil
}

// settledUsage is usage after a few snapshots in which nothing happened.
func (a *agent) settledUsage(t *testing.T) (anonBytes uint64, descriptors int) {
	t.Helper()
	for range 3 {
		a.snapshot(t)
	}
	return a.usage(t)
}
