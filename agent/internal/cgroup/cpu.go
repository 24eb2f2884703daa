package cgroup

import (
	"bytes"
	"fmt"
)

// CPU is cpu.stat and cpu.max of a control group:
//
//	usage_usec 302649
//	user_usec 201000
//	system_usec 101649
//	nr_periods 12
//	nr_throttled 3
//	throttled_usec 5000
//
// The last three are there only with the cpu controller.
type CPU struct {
	UsageMicros      uint64
	UserMicros       uint64
	SystemMicros     uint64
	Periods          Count
	ThrottledPeriods Count
	ThrottledMicros  Count
	Limit            Bandwidth
}

// Bandwidth is cpu.max: how much CPU time a group may use.
type Bandwidth struct {
	Millicores float64
	Known      bool // false without a limit
}

// ParseCPUStat parses cpu.stat. The limit stays out.
func ParseCPUStat(text []byte) (CPU, error) {
	var n [6]Count
	keys := [...]string{"usage_usec", "user_usec", "system_usec", "nr_periods", "nr_throttled", "throttled_usec"}
	if err := parseFlatKeyed(text, keys[:], n[:], 3); err != nil {
		return CPU{}, err
	}
	return CPU{
		UsageMicros: n[0].Value, UserMicros: n[1].Value, SystemMicros: n[2].Value,
		Periods: n[3], ThrottledPeriods: n[4], ThrottledMicros: n[5],
	}, nil
}

// parseCPUMax parses "QUOTA PERIOD" in microseconds, where a quota of "max" is
// no limit.
func parseCPUMax(text []byte) (Bandwidth, error) {
	quota, period, _ := bytes.Cut(bytes.TrimSpace(text), []byte(" "))
	if string(quota) == "max" {
		return Bandwidth{}, nil
	}
	quotaMicros, err := ParseNumber(quota)
	if err != nil {
		return Bandwidth{}, err
	}
	periodMicros, err := ParseNumber(period)
	if err != nil {
		return Bandwidth{}, err
	}
	if periodMicros == 0 {
		return Bandwidth{}, fmt.Errorf("a period of 0")
	}
	return Bandwidth{1000 * float64(quotaMicros) / float64(periodMicros), true}, nil
}
