package kernel

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestHostPressure compares pressure with the kernel's, on groups in which
// more work is waiting than there are processors for it.
func TestHostPressure(t *testing.T) {
	if _, err := os.Stat("/proc/pressure/cpu"); errors.Is(err, fs.ErrNotExist) {
		t.Skip("NOT TESTED: this machine's kernel has no pressure stall information (/proc/pressure)")
	}
	a := startHostAgent(t)
	p := a.tree.makePod(t)
	c := p.makeContainer(t)
	b := startBurster(t, c.group)
	must(t, b.burst(200*time.Millisecond))
	if told := a.compare(t, p, c); told.CPU.UsageMicros < 200_000 {
		t.Errorf("the pod used %d µs of CPU, want 200000 or more", told.CPU.UsageMicros)
	}
	for range 4 {
		startIn(t, c.group, load("burn", "--millicores=1000")...)
	}
	startIn(t, c.group, load("write", "--mebibytes=4", "--every=1ms", "--file="+filepath.Join(t.TempDir(), "file"))...)
	eventually(t, "the pod has waited for CPU for 100 ms", func() bool {
		return a.compare(t, p, c).Pressure.CPU.SomeMicros > 100_000
	})
	if s := a.snapshot(t); s.Host.Pressure == nil || s.Host.Pressure.CPU.SomeMicros == 0 || !s.Agent.Cgroup.PSI {
		t.Errorf("the host's pressure is %+v, psi %v", s.Host.Pressure, s.Agent.Cgroup.PSI)
	}
	// Waits of a few milliseconds, each over before the next snapshot.
	for range 50 {
		must(t, p.write("cgroup.freeze", "1"))
		a.compare(t, p, c)
		must(t, p.write("cgroup.freeze", "0"))
		time.Sleep(2 * time.Millisecond)
	}
	must(t, p.write("cgroup.freeze", "1"))
	told := a.compareStill(t, p, c)
	t.Logf("stalled for µs: cpu %d, io %d, memory %d", told.Pressure.CPU.SomeMicros, told.Pressure.IO.SomeMicros, told.Pressure.Memory.SomeMicros)
}

// TestHostRecreated and TestHostChurn are the guest's tests on more than one
// processor, where the agent reads while groups really come and go.
func TestHostRecreated(t *testing.T) { testRecreated(t, startHostAgent(t)) }
func TestHostChurn(t *testing.T)     { testChurn(t, startHostAgent(t)) }

// startHostAgent runs an agent on a group of this machine's cgroup2 mount that
// stands for a node's. In its own view of the mounts no controller belongs to
// cgroup v1, as on a node; everything else that it reads is this machine's.
func startHostAgent(t *testing.T) *agent {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("not root: the tests make control groups on this machine and load them")
	}
	mount := cgroup2Mount(t)
	removeLeftovers(t, mount)
	host := tree{mount: mount.join(fmt.Sprintf("%s%d", hostGroup, os.Getpid()))}
	t.Cleanup(func() { must(t, host.mount.removeAll()) })
	if err := host.prepare(); err != nil {
		t.Fatalf("make control groups on this machine: %v; its cgroup2 mount must be writable", err)
	}
	none := filepath.Join(t.TempDir(), "cgroups")
	must(t, os.WriteFile(none, []byte("#subsys_name\thierarchy\tnum_cgroups\tenabled\n"), 0o644))
	a := startAgent(t, host, func(cmd *exec.Cmd) {
		cmd.Args = append(cmd.Args, "--cgroupfs="+string(host.mount))
		through(cmd, "unshare", "--mount", "sh", "-c", `mount --bind "$0" /proc/cgroups && exec "$@"`, none)
	})
	if mode := a.snapshot(t).Agent.Cgroup.Mode; mode != "unified" {
		t.Fatalf("the agent takes the tree for %s, want unified", mode)
	}
	return a
}

// hostGroup begins the name of this machine's group for the tests of one
// process, whose number ends it.
const hostGroup = "kubemon-test-"

// removeLeftovers removes the groups of tests that were ended by force.
func removeLeftovers(t *testing.T, mount group) {
	t.Helper()
	groups, err := filepath.Glob(string(mount.join(hostGroup + "*")))
	must(t, err)
	for _, left := range groups {
		_, pid, _ := strings.Cut(left, hostGroup)
		if _, err := os.Stat(filepath.Join("/proc", pid)); errors.Is(err, fs.ErrNotExist) {
			must(t, group(left).removeAll())
		}
	}
}

// cgroup2Mount is where this machine has control groups of version 2, also
// beside those of version 1.
func cgroup2Mount(t *testing.T) group {
	t.Helper()
	mounts, err := os.ReadFile("/proc/self/mounts")
	must(t, err)
	for line := range strings.Lines(string(mounts)) {
		if fields := strings.Fields(line); fields[2] == "cgroup2" {
			return group(fields[1])
		}
	}
	known, err := os.ReadFile("/proc/filesystems")
	must(t, err)
	if !strings.Contains(string(known), "\tcgroup2\n") {
		t.Skip("NOT TESTED: this machine's kernel has no cgroup2")
	}
	t.Fatal("this machine's kernel has cgroup2 and none is mounted: mount -t cgroup2 none /sys/fs/cgroup/unified")
	return ""
}
