package kernel

import (
	"os/exec"
	"strings"
	"testing"
)

// testFullNode measures the memory of an agent on a full node, kernel's memory
// included: each file that it keeps open is charged to its group.
func testFullNode(t *testing.T, parent *agent) {
	own := parent.tree.mount.join("full-node-agent")
	must(t, own.make(""))
	a := startAgent(t, parent.tree, func(cmd *exec.Cmd) {
		through(cmd, "sh", "-c", `echo $$ > "$0" && exec "$@"`, string(own.join("cgroup.procs")))
	})
	t.Cleanup(func() { must(t, own.removeAll()) })
	left := costContainers
	for i := range costPods {
		p := parent.tree.makePod(t)
		for range (left + costPods - i - 1) / (costPods - i) {
			p.makeContainer(t)
			left--
		}
	}
	for range 5 {
		a.snapshot(t)
	}
	current, stat := number(t, own.read(t, "memory.current")), own.keyed(t, "memory.stat")
	anon, descriptors := a.usage(t)
	t.Logf("%d pods, %d containers: memory.current %.1f MiB (anon %.1f, file %.1f, kernel %.1f), private %.1f MiB, %d files open",
		costPods, costContainers, mib(current), mib(stat["anon"]), mib(stat["file"]), mib(stat["kernel"]), mib(anon), descriptors)
	if current > 24*mebibyte {
		t.Errorf("memory.current is %d bytes, want at most 24 MiB", current)
	}
}

func mib(bytes uint64) float64 { return float64(bytes) / mebibyte }

// TestHostMany has more groups than any node: what the agent tells, holds open
// and takes stays bounded, and it says what it leaves out.
func TestHostMany(t *testing.T) {
	const pods, listed = 5_000, 4_000
	a := startHostAgent(t)
	for range pods {
		p := a.tree.newPod()
		must(t, p.make(""))
		p.makeContainer(t)
	}
	var anon uint64
	for range 3 {
		s := a.snapshot(t)
		containers := 0
		for _, pod := range s.Pods {
			containers += len(pod.Containers)
		}
		if len(s.Pods) != listed || containers != listed {
			t.Errorf("%d pods and %d containers are told of %d, want %d of each", len(s.Pods), containers, pods, listed)
		}
		var descriptors int
		anon, descriptors = a.usage(t)
		t.Logf("%d groups: private memory %.1f MiB, %d files open", 2*pods, mib(anon), descriptors)
		if descriptors > 2_900 || anon > 96*mebibyte {
			t.Errorf("%d files open and %d bytes of private memory, want at most 2900 and 96 MiB", descriptors, anon)
		}
	}
	if warning := a.warnings["cgroup"]; !strings.Contains(warning, "is left out: there are more than") {
		t.Errorf("the warning is %q, want what is left out", warning)
	}
}
