package kernel

import (
	"fmt"
	"maps"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"
)

// A registry knows the groups that come and go while snapshots are taken: what
// each may be told to have, from the moment at which it can be seen. It may be
// used concurrently.
type registry struct {
	mu        sync.Mutex
	lives     map[uint64]life // by cgroupID
	snapshots int             // checked so far
}

// A life is what is known of one group. Its phases follow each other:
// announced, made, leaving, gone.
type life struct {
	name  string // a pod's UID or a container's ID
	phase phase
	// minMicros and maxMicros bound the CPU time that it has used so far.
	minMicros, maxMicros uint64
	// pidsLimit is the limit that it gets, different for each group, and has
	// once it is limited; 0 where there is no pids controller.
	pidsLimit uint64
	limited   bool
}

type phase int

const (
	announced phase = iota // it may be seen
	made                   // it must be seen
	leaving                // it may be seen
	gone                   // it must not be seen
)

// anyMicros is more CPU time than any group of a test uses.
const anyMicros = 1 << 62

func newRegistry() *registry { return &registry{lives: make(map[uint64]life)} }

// make makes a group under the registry's lock, so that nobody asks about it
// before it is known.
func (r *registry) make(g group, controllers string, l life) (id uint64, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := g.make(controllers); err != nil {
		return 0, err
	}
	if id, err = g.id(); err != nil {
		return 0, err
	}
	r.lives[id] = l
	return id, nil
}

// update changes what is known of a group.
func (r *registry) update(id uint64, change func(*life)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := r.lives[id]
	change(&l)
	r.lives[id] = l
}

func (r *registry) copy() map[uint64]life {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.lives)
}

// watched is how many snapshots were checked so far.
func (r *registry) watched() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.snapshots
}

// watch takes a snapshot and checks it against what was known when it began
// and when it was there.
func (r *registry) watch(t *testing.T, a *agent) {
	t.Helper()
	before := r.copy()
	s := a.snapshot(t)
	r.mu.Lock()
	after := maps.Clone(r.lives)
	r.snapshots++
	r.mu.Unlock()
	seen := make(map[uint64]bool)
	check := func(name string, n numbers) {
		t.Helper()
		if seen[n.ID] {
			t.Errorf("%s: cgroupID %d is told twice", name, n.ID)
		}
		seen[n.ID] = true
		checkLife(t, name, n, before[n.ID], after)
	}
	for _, pod := range s.Pods {
		check(pod.UID, podNumbers(pod))
		for _, container := range pod.Containers {
			check(container.ID, containerNumbers(container))
		}
	}
	for _, warning := range s.Warnings {
		if warning.Source == "cgroup" || a.tree.has(warning.Source) {
			t.Errorf("a group that went or came gave the warning %+v", warning)
		}
	}
	for id, l := range before {
		if l.phase == made && after[id].phase == made && !seen[id] {
			t.Errorf("%s (cgroupID %d) was there all the time and is not in the snapshot", l.name, id)
		}
	}
}

// checkLife checks what is told of a group: before is what was known of it
// when the snapshot began, the zero life if it was not there yet.
func checkLife(t *testing.T, name string, told numbers, before life, lives map[uint64]life) {
	t.Helper()
	after, known := lives[told.ID]
	switch {
	case !known:
		t.Errorf("%s is told with cgroupID %d, which no group of that name ever had", name, told.ID)
		return
	case after.name != name:
		t.Errorf("%s is told with cgroupID %d, which is that of %s", name, told.ID, after.name)
		return
	case before.phase == gone:
		t.Errorf("%s (cgroupID %d) was removed before the snapshot began", name, told.ID)
		return
	}
	if told.CPU == nil || told.CPU.UsageMicros < before.minMicros || told.CPU.UsageMicros > after.maxMicros {
		t.Errorf("%s (cgroupID %d) has CPU %+v, want usage from %d to %d", name, told.ID, told.CPU, before.minMicros, after.maxMicros)
	}
	if after.pidsLimit == 0 {
		return
	}
	if told.PIDs == nil {
		t.Errorf("%s (cgroupID %d) has no pids", name, told.ID)
		return
	}
	switch got := told.PIDs.Limit; {
	case got == nil && before.limited:
		t.Errorf("%s (cgroupID %d) has no pids limit, want %d", name, told.ID, after.pidsLimit)
	case got != nil && *got != after.pidsLimit:
		t.Errorf("%s (cgroupID %d) has the pids limit %d, want %d", name, told.ID, *got, after.pidsLimit)
	}
}

// watchUntil takes and checks snapshots, one after the other, until the work
// is done, which runs meanwhile.
func (r *registry) watchUntil(t *testing.T, a *agent, work func() error) {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- work() }()
	for !t.Failed() { // one wrong snapshot says enough
		select {
		case err := <-done:
			must(t, err)
			r.watch(t, a)
			return
		default:
			r.watch(t, a)
		}
	}
	must(t, <-done)
}

// A member is a group that a registry watches, from its making to its removal.
type member struct {
	registry *registry
	group    group
	id       uint64
}

// add makes a group with that limit of processes, as far as the tree has the
// controller, and announces it.
func (r *registry) add(g group, name, controllers string, pidsLimit uint64) (member, error) {
	id, err := r.make(g, controllers, life{name: name, pidsLimit: pidsLimit})
	m := member{r, g, id}
	if err != nil || pidsLimit == 0 {
		return m, err
	}
	if err := g.write("pids.max", strconv.FormatUint(pidsLimit, 10)); err != nil {
		return m, err
	}
	r.update(id, func(l *life) { l.limited = true })
	return m, nil
}

// stays says that the group is complete.
func (m member) stays() {
	m.registry.update(m.id, func(l *life) { l.phase = made })
}

// remove removes the group, in which nothing runs.
func (m member) remove() error {
	m.registry.update(m.id, func(l *life) { l.phase = leaving })
	if err := m.group.remove(); err != nil {
		return err
	}
	m.registry.update(m.id, func(l *life) { l.phase = gone })
	return nil
}

// use has the burster use CPU time in the group of inner, and leave it again;
// outer are the groups around it.
func use(b *burster, d time.Duration, root group, inner member, outer ...member) error {
	members := append(outer, inner)
	for _, m := range members {
		m.registry.update(m.id, func(l *life) { l.maxMicros = anyMicros })
	}
	if err := inner.group.enter(b.pid); err != nil {
		return err
	}
	if err := b.burst(d); err != nil {
		return err
	}
	if err := root.enter(b.pid); err != nil {
		return err
	}
	for _, m := range members {
		used, err := m.group.usageMicros()
		if err != nil {
			return err
		}
		m.registry.update(m.id, func(l *life) { l.minMicros, l.maxMicros = used, used })
	}
	return nil
}

// usageMicros is the CPU time that the kernel has counted for the group.
func (g group) usageMicros() (uint64, error) {
	data, err := os.ReadFile(string(g.join("cpu.stat")))
	if err != nil {
		return 0, err
	}
	var micros uint64
	if _, err := fmt.Sscanf(string(data), "usage_usec %d", &micros); err != nil {
		return 0, fmt.Errorf("cpu.stat of %s: %w", g, err)
	}
	return micros, nil
}
