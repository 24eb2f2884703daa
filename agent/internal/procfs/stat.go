package procfs

import (
	"bytes"
	"fmt"
)

// microsPerTick converts the kernel's USER_HZ, which is 100 in every
// architecture's user interface whatever CONFIG_HZ is (times(2), time(7)).
const microsPerTick = 10_000

// Stat is the CPU part of /proc/stat:
//
//	cpu  81393 1086 20971 51083 1223 0 299 268 0 0
//	cpu0 40396 415 10139 26806 176 0 97 138 0 0
//
// The columns are user, nice, system, idle, iowait, irq, softirq, steal, guest
// and guest_nice in ticks since boot; user and nice already contain the guests.
type Stat struct {
	CPUs                                                 int // online
	UserMicros, NiceMicros, SystemMicros, IRQMicros      uint64
	SoftIRQMicros, IOWaitMicros, StealMicros, IdleMicros uint64
}

// BusyMicros is the time that the CPUs did not idle, stolen time included, as
// the root control group counts it where it has no cpu.stat. Those of newer
// kernels (6.18 for one) leave out what was stolen.
func (s Stat) BusyMicros() uint64 {
	return s.UserMicros + s.NiceMicros + s.SystemMicros + s.IRQMicros + s.SoftIRQMicros + s.StealMicros
}

// ParseStat parses /proc/stat.
func ParseStat(data []byte) (Stat, error) {
	var s Stat
	for line := range bytes.Lines(data) {
		key, rest, _ := bytes.Cut(line, []byte(" "))
		if !bytes.HasPrefix(key, []byte("cpu")) {
			break // the CPUs come first; the interrupt lines are long
		}
		if len(key) > len("cpu") {
			s.CPUs++
			continue
		}
		var ticks [8]uint64
		if err := numbers(rest, ticks[:]); err != nil {
			return Stat{}, err
		}
		for i, to := range []*uint64{
			&s.UserMicros, &s.NiceMicros, &s.SystemMicros, &s.IdleMicros,
			&s.IOWaitMicros, &s.IRQMicros, &s.SoftIRQMicros, &s.StealMicros,
		} {
			*to = ticks[i] * microsPerTick
		}
	}
	if s.CPUs == 0 {
		return Stat{}, fmt.Errorf("no line of a CPU")
	}
	return s, nil
}
