package kernel

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubemon/kubemon/shared/snapshot"
)

// numbers are what the kernel, or the agent, says of one control group.
type numbers struct {
	ID       uint64
	CPU      *snapshot.CPU
	Memory   *snapshot.Memory
	IO       []snapshot.DeviceIO
	PIDs     *snapshot.PIDs
	Pressure *snapshot.Pressure
}

func podNumbers(p snapshot.Pod) numbers {
	return numbers{p.CgroupID, p.CPU, p.Memory, p.IO, p.PIDs, p.Pressure}
}

func containerNumbers(c snapshot.Container) numbers {
	return numbers{c.CgroupID, c.CPU, c.Memory, c.IO, c.PIDs, c.Pressure}
}

// numbers reads the kernel's own files of the group, as the contract calls
// what is in them. The guests and the test machines have only whole disks.
func (g group) numbers(t *testing.T) numbers {
	t.Helper()
	id, err := g.id()
	must(t, err)
	n := numbers{ID: id, CPU: g.cpu(t), Pressure: g.pressure(t)}
	if g.has(t, "memory.current") {
		n.Memory = g.memory(t)
	}
	if g.has(t, "pids.current") {
		n.PIDs = &snapshot.PIDs{Current: number(t, g.read(t, "pids.current")), Limit: limit(t, g.read(t, "pids.max"))}
	}
	if g.has(t, "io.stat") {
		n.IO = g.io(t)
	}
	return n
}

// limit is a number or "max", which is nil.
func limit(t *testing.T, text string) *uint64 {
	t.Helper()
	if strings.TrimSpace(text) == "max" {
		return nil
	}
	return new(number(t, text))
}

func (g group) cpu(t *testing.T) *snapshot.CPU {
	t.Helper()
	stat := g.keyed(t, "cpu.stat")
	cpu := &snapshot.CPU{UsageMicros: stat["usage_usec"], UserMicros: stat["user_usec"], SystemMicros: stat["system_usec"]}
	if !g.has(t, "cpu.max") {
		return cpu
	}
	cpu.Periods, cpu.ThrottledPeriods, cpu.ThrottledMicros = new(stat["nr_periods"]), new(stat["nr_throttled"]), new(stat["throttled_usec"])
	quota, period, _ := strings.Cut(g.read(t, "cpu.max"), " ")
	if quota := limit(t, quota); quota != nil {
		cpu.LimitMillicores = new(float64(*quota) / float64(number(t, period)) * 1000)
	}
	return cpu
}

func (g group) memory(t *testing.T) *snapshot.Memory {
	t.Helper()
	current, stat := number(t, g.read(t, "memory.current")), g.keyed(t, "memory.stat")
	memory := &snapshot.Memory{
		CurrentBytes: current, WorkingSetBytes: current - min(current, stat["inactive_file"]),
		AnonBytes: stat["anon"], FileBytes: stat["file"], InactiveFileBytes: stat["inactive_file"],
		LimitBytes: limit(t, g.read(t, "memory.max")), OOMKills: new(g.keyed(t, "memory.events")["oom_kill"]),
	}
	if g.has(t, "memory.swap.current") {
		memory.SwapBytes = new(number(t, g.read(t, "memory.swap.current")))
	}
	if g.has(t, "memory.peak") {
		memory.PeakBytes = new(number(t, g.read(t, "memory.peak")))
	}
	return memory
}

func (g group) io(t *testing.T) []snapshot.DeviceIO {
	t.Helper()
	devices := []snapshot.DeviceIO{}
	for line := range strings.Lines(g.read(t, "io.stat")) {
		fields := strings.Fields(line)
		device := snapshot.DeviceIO{Device: fields[0]}
		for _, field := range fields[1:] {
			key, value, _ := strings.Cut(field, "=")
			switch key {
			case "rbytes":
				device.ReadBytes = number(t, value)
			case "wbytes":
				device.WrittenBytes = number(t, value)
			case "rios":
				device.ReadOps = number(t, value)
			case "wios":
				device.WriteOps = number(t, value)
			}
		}
		devices = append(devices, device)
	}
	return devices
}

// pressure is nil on a kernel without pressure stall information.
func (g group) pressure(t *testing.T) *snapshot.Pressure {
	t.Helper()
	if !g.has(t, "cpu.pressure") {
		return nil
	}
	return &snapshot.Pressure{CPU: g.stall(t, "cpu.pressure"), Memory: g.stall(t, "memory.pressure"), IO: g.stall(t, "io.pressure")}
}

func (g group) stall(t *testing.T, file string) *snapshot.Stall {
	t.Helper()
	var stall snapshot.Stall
	for line := range strings.Lines(g.read(t, file)) {
		_, total, _ := strings.Cut(line, "total=")
		if strings.HasPrefix(line, "some ") {
			stall.SomeMicros = number(t, total)
		} else {
			stall.FullMicros = new(number(t, total))
		}
	}
	return &stall
}

// counters returns what can only grow during the life of a group, by name.
func (n numbers) counters() map[string]uint64 {
	all := make(map[string]uint64)
	add := func(name string, value *uint64) {
		if value != nil {
			all[name] = *value
		}
	}
	if n.CPU != nil {
		all["cpu.usageMicros"], all["cpu.userMicros"], all["cpu.systemMicros"] = n.CPU.UsageMicros, n.CPU.UserMicros, n.CPU.SystemMicros
		add("cpu.periods", n.CPU.Periods)
		add("cpu.throttledPeriods", n.CPU.ThrottledPeriods)
		add("cpu.throttledMicros", n.CPU.ThrottledMicros)
	}
	if n.Memory != nil {
		add("memory.oomKills", n.Memory.OOMKills)
		add("memory.peakBytes", n.Memory.PeakBytes)
	}
	for _, device := range n.IO {
		all["io.readBytes "+device.Device], all["io.readOps "+device.Device] = device.ReadBytes, device.ReadOps
		all["io.writtenBytes "+device.Device], all["io.writeOps "+device.Device] = device.WrittenBytes, device.WriteOps
	}
	if n.Pressure != nil {
		for name, stall := range map[string]*snapshot.Stall{"cpu": n.Pressure.CPU, "memory": n.Pressure.Memory, "io": n.Pressure.IO} {
			if stall != nil {
				all["pressure."+name+".someMicros"] = stall.SomeMicros
				add("pressure."+name+".fullMicros", stall.FullMicros)
			}
		}
	}
	return all
}

// limits are those of a group, nil where there is none.
type limits struct {
	Millicores    *float64
	Bytes, Number *uint64
}

func (n numbers) limits() (l limits) {
	if n.CPU != nil {
		l.Millicores = n.CPU.LimitMillicores
	}
	if n.Memory != nil {
		l.Bytes = n.Memory.LimitBytes
	}
	if n.PIDs != nil {
		l.Number = n.PIDs.Limit
	}
	return l
}

// checkBetween checks what the agent said against the kernel's files, read
// before and after: no counter may be less than before or more than after,
// none may be made up or left out. Limits, and everything when the kernel's
// numbers did not move meanwhile, must be equal.
func checkBetween(t *testing.T, what string, before, told, after numbers) {
	t.Helper()
	if cmp.Equal(before, after) {
		if diff := cmp.Diff(before, told); diff != "" {
			t.Errorf("%s (-kernel +agent):\n%s", what, diff)
		}
		return
	}
	if told.ID != before.ID || told.ID != after.ID {
		t.Errorf("%s: cgroupID %d, the kernel says %d", what, told.ID, before.ID)
	}
	if diff := cmp.Diff(before.limits(), told.limits()); diff != "" && cmp.Equal(before.limits(), after.limits()) {
		t.Errorf("%s: limits (-kernel +agent):\n%s", what, diff)
	}
	lower, got, upper := before.counters(), told.counters(), after.counters()
	for name, value := range got {
		if most, ok := upper[name]; !ok || value < lower[name] || value > most {
			t.Errorf("%s: %s is %d, the kernel said %d before and %d after (there: %v)", what, name, value, lower[name], most, ok)
		}
	}
	for name := range lower {
		if _, ok := got[name]; !ok {
			t.Errorf("%s: %s is absent, the kernel has it", what, name)
		}
	}
}
