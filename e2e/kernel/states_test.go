package kernel

import (
	"slices"
	"testing"
	"time"

	"github.com/kubemon/kubemon/shared/snapshot"
)

// testEmpty has groups in which nothing ever ran: their zeros are the truth.
func testEmpty(t *testing.T, a *agent) {
	bare, p := a.tree.makePod(t), a.tree.makePod(t)
	c := p.makeContainer(t)
	a.compareStill(t, bare)
	told := a.compareStill(t, p, c)
	for _, n := range []numbers{podNumbers(told), containerNumbers(told.Containers[0])} {
		if n.CPU.UsageMicros != 0 || n.PIDs.Current != 0 || n.Memory.AnonBytes != 0 || n.IO == nil || len(n.IO) != 0 {
			t.Errorf("an empty group is told as %+v", n)
		}
	}
	if told.NetworkID != 0 || told.Network != nil || told.HostNetwork {
		t.Errorf("a pod without processes has network %d %v, of the host: %v", told.NetworkID, told.Network, told.HostNetwork)
	}
}

// testMoved moves a process that uses a known CPU time from one pod to another.
func testMoved(t *testing.T, a *agent) {
	from, to := a.tree.makePod(t), a.tree.makePod(t)
	fromContainer, toContainer := from.makeContainer(t), to.makeContainer(t)
	b := startBurster(t, fromContainer.group)
	must(t, b.burst(50*time.Millisecond))
	a.compare(t, from, fromContainer)
	must(t, toContainer.enter(b.pid))
	left := a.compareStill(t, from, fromContainer)
	if left.PIDs.Current != 0 || left.NetworkID != 0 || left.CPU.UsageMicros < 50_000 {
		t.Errorf("the pod that was left has %d processes, network %d and %d µs of CPU", left.PIDs.Current, left.NetworkID, left.CPU.UsageMicros)
	}
	must(t, b.burst(70*time.Millisecond))
	told := a.compare(t, to, toContainer)
	if told.PIDs.Current == 0 || told.NetworkID == 0 || !told.HostNetwork || told.CPU.UsageMicros < 70_000 {
		t.Errorf("the pod that was entered has %d processes, network %d and %d µs of CPU", told.PIDs.Current, told.NetworkID, told.CPU.UsageMicros)
	}
	if now := a.compareStill(t, from, fromContainer); now.CPU.UsageMicros != left.CPU.UsageMicros {
		t.Errorf("the pod that was left used %d µs of CPU afterwards", now.CPU.UsageMicros-left.CPU.UsageMicros)
	}
}

// testOwnProcesses moves a process from the host into a pod and back: only
// outside of pods it is one of the host's.
func testOwnProcesses(t *testing.T, a *agent) {
	p := a.tree.makePod(t)
	c := p.makeContainer(t)
	b := startBurster(t, a.tree.mount)
	must(t, b.burst(50*time.Millisecond)) // to be among the host's biggest
	for range 2 {
		if got, ok := findProcess(a.snapshot(t), b.pid); !ok || got.Name != "load" || got.Cgroup != "" {
			t.Errorf("a process of the root group is told as %+v (there: %v)", got, ok)
		}
		must(t, c.enter(b.pid))
		if got, ok := findProcess(a.snapshot(t), b.pid); ok {
			t.Errorf("a pod's process is told as the host's: %+v", got)
		}
		must(t, a.tree.mount.enter(b.pid))
	}
}

func findProcess(s *snapshot.Snapshot, pid int) (snapshot.Process, bool) {
	i := slices.IndexFunc(s.Processes, func(p snapshot.Process) bool { return p.PID == pid })
	if i < 0 {
		return snapshot.Process{}, false
	}
	return s.Processes[i], true
}

// testFrozen freezes a pod in the middle of its work.
func testFrozen(t *testing.T, a *agent) {
	const work = 300 * time.Millisecond
	p := a.tree.makePod(t)
	c := p.makeContainer(t)
	b := startBurster(t, c.group)
	must(t, b.begin(work))
	must(t, p.write("cgroup.freeze", "1"))
	eventually(t, "the pod is frozen", func() bool { return p.keyed(t, "cgroup.events")["frozen"] == 1 })
	first := a.compareStill(t, p, c)
	second := a.compareStill(t, p, c)
	if second.CPU.UsageMicros != first.CPU.UsageMicros || second.PIDs.Current == 0 || second.NetworkID == 0 {
		t.Errorf("a frozen pod is told as %+v, then %+v", first, second)
	}
	must(t, p.write("cgroup.freeze", "0"))
	must(t, b.wait(work))
	if told := a.compare(t, p, c); told.CPU.UsageMicros < uint64(work.Microseconds()) {
		t.Errorf("the thawed pod used %d µs of CPU, want %d or more", told.CPU.UsageMicros, work.Microseconds())
	}
}

// testThreaded has a container whose group is threaded: it has no memory and
// no io of its own, and nobody may list its processes.
func testThreaded(t *testing.T, a *agent) {
	p := a.tree.newPod()
	t.Cleanup(func() { must(t, p.removeAll()) })
	must(t, p.make("+cpu +pids"))
	b := startBurster(t, p.group)
	c := p.makeContainer(t)
	must(t, c.write("cgroup.type", "threaded"))
	must(t, c.enter(b.pid))
	must(t, b.burst(20*time.Millisecond))
	told := a.compare(t, p, c)
	if container := told.Containers[0]; container.Memory != nil || container.IO != nil || container.PIDs.Current == 0 || container.CPU.UsageMicros < 20_000 {
		t.Errorf("a threaded container is told as %+v", container)
	}
	s := a.snapshot(t)
	for _, source := range []string{"memory", "io"} {
		if !slices.ContainsFunc(s.Warnings, func(w snapshot.Warning) bool { return w.Source == source }) {
			t.Errorf("no warning says why %s is absent; there are %+v", source, s.Warnings)
		}
	}
}

// testElsewhere makes groups in places where the agent saw none when it
// started: other layouts, deeper, and containers in no pod.
func testElsewhere(t *testing.T, a *agent) {
	mount := a.tree.mount
	made := func(g group) group {
		t.Cleanup(func() { must(t, g.removeAll()) })
		must(t, g.make(a.tree.controllers))
		return g
	}
	outer := made(mount.join("kubelet"))
	nested := tree{outer, a.tree.controllers}
	must(t, nested.prepare())
	a.snapshot(t)
	p := nested.makePod(t)
	c := p.makeContainer(t)
	a.compareStill(t, p, c)

	slice := made(mount.join("kubepods.slice"))
	a.snapshot(t)
	q := pod{uid: "7c0f5a52-6b6a-4dc5-a2a0-0d1b8a4f6d55", controllers: a.tree.controllers}
	q.group = slice.join("kubepods-pod7c0f5a52_6b6a_4dc5_a2a0_0d1b8a4f6d55.slice")
	must(t, q.make(q.controllers))
	id := random(32)
	d := container{q.join("cri-containerd-" + id + ".scope"), id}
	must(t, d.make(""))
	a.compareStill(t, q, d)

	service := made(mount.join("containerd.service"))
	a.snapshot(t)
	lone := container{service.join(random(32)), ""}
	must(t, lone.make(""))
	before := lone.numbers(t)
	s := a.snapshot(t)
	if len(s.Containers) != 1 || "/"+s.Containers[0].Cgroup != string(lone.group[len(mount):]) {
		t.Fatalf("containers outside pods: %+v, want %s", s.Containers, lone.group)
	}
	checkBetween(t, "container outside pods", before, containerNumbers(s.Containers[0]), lone.numbers(t))
	must(t, lone.remove())
	if s := a.snapshot(t); len(s.Containers) != 0 {
		t.Errorf("containers outside pods: %+v, want none", s.Containers)
	}
}
