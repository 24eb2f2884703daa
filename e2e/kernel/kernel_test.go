// Package kernel tests the agent on real kernels, against control groups and
// loads that the tests make themselves, so that every number is known: from the
// load, or from the kernel's own files read just before and just after.
//
// [TestGuest] boots a bare User-Mode Linux guest (unified cgroup v2, no
// Kubernetes) and runs this same test program in it, as root: there its
// subtests are ordinary tests that may do to their kernel what they like. A
// subtest is chosen as ever, with -run TestGuest/throttled. The tests named
// TestHost run on the kernel of this machine, which has what the guest lacks:
// pressure stall information and more than one processor.
//
// Every load ends by itself in time, and every group that a test makes is
// removed by it. The tests know of the agent only its flags and its answers.
package kernel

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/kubemon/kubemon/e2e/lab"
)

const (
	// programsVariable, set in the guest only, names the folder with the
	// programs there.
	programsVariable = "KUBEMON_KERNEL_PROGRAMS"
	guestPrograms    = "/opt/kubemon"
	// guestTimeout ends the tests in the guest before those on the host, so
	// that what they said is seen.
	guestTimeout = 6 * time.Minute
)

// programs is the folder with the agent and the load, set before any test runs.
var programs string

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(runTests(m))
}

func runTests(m *testing.M) int {
	if programs = os.Getenv(programsVariable); programs != "" {
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "kubemon-kernel-")
	if err == nil {
		defer os.RemoveAll(dir)
		programs = dir
		err = build(dir, "agent/cmd/kubemon-agent", "e2e/cmd/load")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "kernel: build the programs:", err)
		return 1
	}
	return m.Run()
}

// build builds commands of the project into dir, as they are shipped: static.
func build(dir string, commands ...string) error {
	args := []string{"build", "-trimpath", "-o", dir + "/"}
	for _, command := range commands {
		args = append(args, "github.com/kubemon/kubemon/"+command)
	}
	cmd := exec.Command("go", args...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, output)
	}
	return nil
}

// guestTests are the subtests of TestGuest, in their order.
var guestTests = []struct {
	name string
	run  func(*testing.T, *agent)
}{
	{"throttled", testThrottled},
	{"limits", testLimits},
	{"holding", testHolding},
	{"killed", testOOMKilled},
	{"forking", testForking},
	{"direct", testDirect},
	{"buffered", testBuffered},
	{"network", testNetwork},
	{"empty", testEmpty},
	{"moved", testMoved},
	{"processes", testOwnProcesses},
	{"frozen", testFrozen},
	{"threaded", testThreaded},
	{"elsewhere", testElsewhere},
	{"recreated", testRecreated},
	{"churn", testChurn},
	{"restricted", testRestricted},
	{"full-node", testFullNode},
	{"few-descriptors", testFewDescriptors},
	{"few-watches", testFewWatches},
}

func TestGuest(t *testing.T) {
	if os.Getenv(programsVariable) == "" {
		runInGuest(t)
		return
	}
	guest := tree{cgroupRoot, "+cpu +memory +io +pids"}
	must(t, guest.prepare())
	a := startAgent(t, guest, nil)
	for _, test := range guestTests {
		t.Run(test.name, func(t *testing.T) { test.run(t, a) })
	}
	a.logUsage(t, "after all")
}

// runInGuest boots a guest and runs this program in it.
func runInGuest(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), guestTimeout+time.Minute)
	defer cancel()
	guest, err := lab.BootBare(ctx, lab.Options{Name: "kernel", Progress: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := guest.Stop(); err != nil {
			t.Error(err)
		}
	})
	self := filepath.Join(programs, "kernel.test")
	if err := copyProgram(self); err != nil {
		t.Fatal(err)
	}
	for _, program := range []string{self, filepath.Join(programs, "kubemon-agent"), filepath.Join(programs, "load")} {
		if err := guest.Install(ctx, program, guestPrograms); err != nil {
			t.Fatal(err)
		}
	}
	output, err := guest.Run(ctx, nil, "env", "TMPDIR=/tmp", programsVariable+"="+guestPrograms,
		filepath.Join(guestPrograms, "kernel.test"), "-test.v", "-test.run="+subtests(), "-test.skip=^TestHost",
		"-test.timeout="+guestTimeout.String())
	t.Logf("in the guest:\n%s", bytes.TrimSpace(output))
	if err != nil {
		t.Error(err)
	}
}

// subtests is the pattern that this program was started with, when that names
// subtests of TestGuest, so that the guest runs the same ones.
func subtests() string {
	if pattern := flag.Lookup("test.run").Value.String(); pattern != "" {
		return pattern
	}
	return "^TestGuest$"
}

// copyProgram copies this program to a file.
func copyProgram(file string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	data, err := os.ReadFile(self)
	if err != nil {
		return err
	}
	return os.WriteFile(file, data, 0o755)
}
