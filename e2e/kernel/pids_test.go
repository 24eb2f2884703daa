package kernel

import "testing"

// testForking has a shell fork until pids.max forbids it.
func testForking(t *testing.T, a *agent) {
	const most = 8
	p := a.tree.makePod(t)
	c := p.makeContainer(t)
	must(t, c.write("pids.max", "8"))
	startIn(t, c.group, "sh", "-c", "while true; do sleep 100 & done")
	eventually(t, "a fork failed", func() bool { return c.keyed(t, "pids.events")["max"] > 0 })

	// The shell gave up; the processes that it could start are there.
	told := a.compareStill(t, p, c)
	for _, pids := range []numbers{podNumbers(told), containerNumbers(told.Containers[0])} {
		if current := pids.PIDs.Current; current != most-1 && current != most {
			t.Errorf("%d processes are told, want %d or one less", current, most)
		}
	}
	if limit := told.Containers[0].PIDs.Limit; limit == nil || *limit != most {
		t.Errorf("the container's limit is %v, want %d", limit, most)
	}
	if told.PIDs.Limit != nil {
		t.Errorf("the pod's limit is %d, want none", *told.PIDs.Limit)
	}
	// More may run than a limit allows that came later.
	must(t, c.write("pids.max", "2"))
	a.compareStill(t, p, c)
}
