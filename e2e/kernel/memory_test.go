package kernel

import (
	"os/exec"
	"syscall"
	"testing"
	"time"
)

const mebibyte = 1 << 20

// testHolding holds memory of a known size, and then none.
func testHolding(t *testing.T, a *agent) {
	const held = 64 * mebibyte
	p := a.tree.makePod(t)
	c := p.makeContainer(t)
	holder := startInUntil(t, c.group, "holding", load("hold", "--mebibytes=64")...)
	memory := findContainer(t, a.compareStill(t, p, c), c).Memory
	if memory.AnonBytes < held || memory.AnonBytes > held+8*mebibyte || memory.WorkingSetBytes < memory.AnonBytes {
		t.Errorf("holding %d bytes is told as anon %d, working set %d", held, memory.AnonBytes, memory.WorkingSetBytes)
	}
	must(t, holder.Process.Kill())
	eventually(t, "the memory is free again", func() bool {
		return findContainer(t, a.compare(t, p, c), c).Memory.AnonBytes == 0
	})
	told := a.compareStill(t, p, c)
	if peak := told.Memory.PeakBytes; peak == nil || *peak < held {
		t.Errorf("the pod's peak is %v, want %d or more", peak, held)
	}
}

// testOOMKilled has two containers of a pod killed for memory, one after the
// other. What the pod used and suffered stands when they are gone.
func testOOMKilled(t *testing.T, a *agent) {
	p := a.tree.makePod(t)
	var usedMicros uint64
	for killed := uint64(1); killed <= 2; killed++ {
		c := p.makeContainer(t)
		b := startBurster(t, c.group)
		must(t, b.burst(30*time.Millisecond))
		must(t, c.write("memory.max", "33554432"))
		runUntilKilled(t, c.group, load("hold", "--mebibytes=128")...)

		told := a.compare(t, p, c)
		if got := *told.Memory.OOMKills; got != killed {
			t.Errorf("the pod has %d kills, want %d", got, killed)
		}
		if got := *told.Containers[0].Memory.OOMKills; got != 1 {
			t.Errorf("container %d has %d kills, want its own one", killed, got)
		}
		must(t, c.removeAll())
		told = a.compareStill(t, p)
		if got := *told.Memory.OOMKills; got != killed {
			t.Errorf("without its container the pod has %d kills, want %d", got, killed)
		}
		if got := told.CPU.UsageMicros; got < usedMicros+30_000 {
			t.Errorf("without its container the pod has used %d µs of CPU, want 30000 more than %d", got, usedMicros)
		}
		usedMicros = told.CPU.UsageMicros
	}
}

// runUntilKilled runs a load that the kernel is to kill.
func runUntilKilled(t *testing.T, g group, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
	enterAtStart(t, cmd, g)
	err := cmd.Run()
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
		t.Fatalf("run %q: %v, want it killed", args, err)
	}
}
