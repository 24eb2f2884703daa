package kernel

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/kubemon/kubemon/shared/snapshot"
)

// testThrottled holds a load that wants a whole CPU to a fifth of one.
func testThrottled(t *testing.T, a *agent) {
	const quota, period = 20 * time.Millisecond, 100 * time.Millisecond
	const wantMillicores = 200.0
	p := a.tree.makePod(t)
	c := p.makeContainer(t)
	must(t, c.write("cpu.max", "20000 100000"))
	startIn(t, c.group, load("burn", "--millicores=1000")...)

	first := a.snapshot(t)
	startMicros := findContainer(t, findPod(t, first, p), c).CPU.UsageMicros
	var periods, throttled, micros uint64
	eventually(t, "the load is throttled in ten periods", func() bool {
		cpu := findContainer(t, a.compare(t, p, c), c).CPU
		if cpu.LimitMillicores == nil || *cpu.LimitMillicores != wantMillicores {
			t.Fatalf("limitMillicores is %v, want %v", cpu.LimitMillicores, wantMillicores)
		}
		periods, throttled, micros = *cpu.Periods, *cpu.ThrottledPeriods, cpu.UsageMicros-startMicros
		return throttled >= 10
	})
	elapsed := time.Duration(bootNanos(t) - first.BootNanos)
	// The kernel lets a group run a tick over its quota and takes it back later.
	most := elapsed.Seconds()*wantMillicores/1000 + (quota + 20*time.Millisecond).Seconds()
	if used := float64(micros) / 1e6; used > most {
		t.Errorf("used %.3f s of CPU in %s, the limit allows %.3f s", used, elapsed, most)
	}
	if periods < throttled || float64(periods) > elapsed.Seconds()/period.Seconds()+20 {
		t.Errorf("%d periods, %d of them throttled, in %s", periods, throttled, elapsed)
	}
	checkModes(t, a.snapshot(t))
	t.Logf("%d of %d periods throttled, %.0f millicores over %s", throttled, periods, float64(micros)/float64(elapsed.Microseconds())*1000, elapsed.Round(time.Millisecond))
}

// checkModes holds the modes of /proc/stat against the root group's own count of
// the same time: all but idling and waiting, with or without what was stolen. The
// modes are cut to ticks, and read a moment before.
func checkModes(t *testing.T, s *snapshot.Snapshot) {
	t.Helper()
	const ticks, moment = 6 * 10_000, 200_000
	m, used := s.Host.CPU.Modes, *s.Host.CPU.UsageMicros
	least := m.UserMicros + m.NiceMicros + m.SystemMicros + m.IRQMicros + m.SoftIRQMicros
	if most := least + m.StealMicros + ticks + moment; used < least || used > most {
		t.Errorf("the root group has used %d µs, the modes %+v say %d to %d", used, *m, least, most)
	}
}

// bootNanos reads the clock that snapshots carry.
func bootNanos(t *testing.T) int64 {
	t.Helper()
	var boot unix.Timespec
	must(t, unix.ClockGettime(unix.CLOCK_BOOTTIME, &boot))
	return boot.Nano()
}

// testLimits changes limits of groups that the agent has seen before: a live
// resize must be in the very next snapshot.
func testLimits(t *testing.T, a *agent) {
	p := a.tree.makePod(t)
	c := p.makeContainer(t)
	a.compare(t, p, c)
	steps := []struct{ file, value string }{
		{"cpu.max", "50000 100000"}, {"memory.max", "67108864"}, {"pids.max", "100"},
		{"cpu.max", "max 100000"}, {"memory.max", "max"}, {"pids.max", "max"},
		{"cpu.max", "150000 50000"}, {"memory.max", "4096000000"}, {"pids.max", "1"},
		{"cpu.max", "1000 1000000"}, {"memory.max", "0"}, {"pids.max", "0"},
	}
	for _, g := range []group{c.group, p.group} {
		for _, step := range steps {
			must(t, g.write(step.file, step.value))
			a.compare(t, p, c)
		}
	}
	told := a.compare(t, p, c)
	want := limits{new(1.0), new(uint64(0)), new(uint64(0))}
	for _, n := range []numbers{podNumbers(told), containerNumbers(told.Containers[0])} {
		if diff := cmp.Diff(want, n.limits()); diff != "" {
			t.Errorf("limits (-want +got):\n%s", diff)
		}
	}
}
