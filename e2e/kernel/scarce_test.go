package kernel

import (
	"os"
	"os/exec"
	"testing"
)

// testFewDescriptors has more groups than the agent may open files.
func testFewDescriptors(t *testing.T, parent *agent) {
	testScarce(t, startAgent(t, parent.tree, func(cmd *exec.Cmd) {
		through(cmd, "prlimit", "--nofile=40:40")
	}))
}

// testFewWatches has a kernel that tells nobody of more than a few changes of
// its files: others on the node may have taken all there is. Without an instance
// the agent never watches; without watches it has to stop.
func testFewWatches(t *testing.T, parent *agent) {
	for name, settings := range map[string]map[string]string{
		"instances": {"max_user_instances": "1"},
		"watches":   {"max_user_watches": "3", "max_queued_events": "2"},
	} {
		t.Run(name, func(t *testing.T) {
			for setting, few := range settings {
				file := "/proc/sys/fs/inotify/" + setting
				before, err := os.ReadFile(file)
				must(t, err)
				must(t, os.WriteFile(file, []byte(few), 0))
				t.Cleanup(func() { must(t, os.WriteFile(file, before, 0)) })
			}
			a := startAgent(t, parent.tree, nil)
			testScarce(t, a)
			if a.warnings["watch"] == "" {
				t.Error("the agent does not say that it cannot watch")
			}
		})
	}
}

// testScarce has pods come and go under an agent that lacks something.
func testScarce(t *testing.T, a *agent) {
	r := newRegistry()
	c := churn{tree: a.tree, registry: r, burster: startBurster(t, a.tree.mount)}
	t.Cleanup(func() { must(t, c.removeAll()) })
	r.watchUntil(t, a, func() error { return c.run(150) })
	p := a.tree.makePod(t)
	first, second := p.makeContainer(t), p.makeContainer(t)
	a.compareStill(t, p, first, second)
	must(t, first.remove())
	a.compareStill(t, p, second)
	a.logUsage(t, "at the end")
}
