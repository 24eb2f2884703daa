package kernel

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubemon/kubemon/shared/snapshot"
)

// asNobody makes an agent run without any right: as uid 65534, with no
// capability and none to be gained.
func asNobody(cmd *exec.Cmd) {
	through(cmd, "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
		"--inh-caps=-all", "--bounding-set=-all", "--no-new-privs")
}

// through makes a command be run by another, which becomes it.
func through(cmd *exec.Cmd, args ...string) {
	program := cmd.Path
	cmd.Path, cmd.Err = exec.LookPath(args[0])
	cmd.Args = slices.Concat(args, []string{program}, cmd.Args[1:])
}

// testRestricted asks an agent without any right beside the privileged one, at
// the same moment. What both say must be equal, and what only one can say the
// other must name.
func testRestricted(t *testing.T, privileged *agent) {
	restricted := startAgent(t, privileged.tree, asNobody)
	checkNobody(t, restricted)
	loaded, empty := privileged.tree.makePod(t), privileged.tree.makePod(t)
	c := loaded.makeContainer(t)
	startInUntil(t, c.group, "holding", load("hold", "--mebibytes=16")...)
	startInUntil(t, c.group, "wrote", load("write", "--direct", "--mebibytes=8", "--file="+onGuestDisk(t))...)
	startIn(t, c.group, load("burn", "--millicores=300")...)
	must(t, loaded.write("cgroup.freeze", "1"))

	var all, less *snapshot.Snapshot
	eventually(t, "the kernel's numbers stand still", func() bool {
		before := readAll(t, loaded, []container{c})
		all, less = both(t, privileged, restricted)
		return cmp.Equal(before, readAll(t, loaded, []container{c}))
	})
	for _, p := range []pod{loaded, empty} {
		if diff := cmp.Diff(findPod(t, all, p), findPod(t, less, p)); diff != "" {
			t.Errorf("the agents disagree (-privileged +restricted):\n%s", diff)
		}
	}
	for part, told := range parts(all) {
		if told && !parts(less)[part] && !warned(less, part) {
			t.Errorf("the restricted agent does not know %s, and its warnings do not say so: %+v", part, less.Warnings)
		}
		if told && warned(all, part) {
			t.Errorf("the privileged agent knows %s and warns of it: %+v", part, all.Warnings)
		}
	}
	if told := fmt.Sprint(less.Host.CPU.Count, *less.Host.Memory.TotalBytes, less.BootID, less.Agent.Cgroup); told !=
		fmt.Sprint(all.Host.CPU.Count, *all.Host.Memory.TotalBytes, all.BootID, all.Agent.Cgroup) {
		t.Errorf("the restricted agent tells the node as %s", told)
	}
	t.Logf("parts of the host: %v privileged, %v restricted", parts(all), parts(less))
}

// both asks two agents at the same time.
func both(t *testing.T, a, b *agent) (ofA, ofB *snapshot.Snapshot) {
	t.Helper()
	failed := make(chan error, 1)
	go func() {
		var err error
		ofB, err = b.ask(t.Context())
		failed <- err
	}()
	ofA = a.snapshot(t)
	must(t, <-failed)
	return ofA, ofB
}

// parts says which parts of the host a snapshot has.
func parts(s *snapshot.Snapshot) map[string]bool {
	return map[string]bool{
		"cpu": s.Host.CPU.UsageMicros != nil, "iowait": s.Host.CPU.IOWaitMicros != nil,
		"memory": s.Host.Memory.TotalBytes != nil && s.Host.Memory.WorkingSetBytes != nil,
		"load":   s.Host.Load != nil, "pressure": s.Host.Pressure != nil, "disks": s.Host.Disks != nil,
		"network": s.Host.Network != nil, "filesystems": len(s.Host.Filesystems) > 0, "processes": len(s.Processes) > 0,
	}
}

func warned(s *snapshot.Snapshot, source string) bool {
	return slices.ContainsFunc(s.Warnings, func(w snapshot.Warning) bool { return w.Source == source })
}

// checkNobody makes sure that the test tests what it says.
func checkNobody(t *testing.T, a *agent) {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", a.process.Pid))
	must(t, err)
	for _, line := range []string{"Uid:\t65534\t65534\t65534\t65534", "CapEff:\t0000000000000000", "CapBnd:\t0000000000000000", "NoNewPrivs:\t1"} {
		if !strings.Contains(string(status), line+"\n") {
			t.Errorf("the restricted agent's status has no line %q", line)
		}
	}
}
