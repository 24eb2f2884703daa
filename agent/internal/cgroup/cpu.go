package cgroup

import (
	"bytes"
	"fmt"
	"io/fs"
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
	Periods          *uint64
	ThrottledPeriods *uint64
	ThrottledMicros  *uint64
	LimitMillicores  *float64 // nil without a limit
}

// ReadCPU reads cpu.stat and, where the group has one, cpu.max.
func ReadCPU(fsys fs.FS, dir string) (CPU, error) {
	cpu, err := read(fsys, dir, "cpu.stat", parseCPUStat)
	if err != nil {
		return CPU{}, err
	}
	limit, err := optional(fsys, dir, "cpu.max", parseCPUMax)
	if err != nil {
		return CPU{}, err
	}
	if limit != nil {
		cpu.LimitMillicores = *limit
	}
	return cpu, nil
}

func parseCPUStat(data []byte) (CPU, error) {
	var cpu CPU
	hasUsage := false
	err := flatKeyed(data, func(key []byte) *uint64 {
		switch string(key) {
		case "usage_usec":
			hasUsage = true
			return &cpu.UsageMicros
		case "user_usec":
			return &cpu.UserMicros
		case "system_usec":
			return &cpu.SystemMicros
		case "nr_periods":
			cpu.Periods = new(uint64)
			return cpu.Periods
		case "nr_throttled":
			cpu.ThrottledPeriods = new(uint64)
			return cpu.ThrottledPeriods
		case "throttled_usec":
			cpu.ThrottledMicros = new(uint64)
			return cpu.ThrottledMicros
		}
		return nil
	})
	if err == nil && !hasUsage {
		err = fmt.Errorf("no line usage_usec")
	}
	return cpu, err
}

// parseCPUMax parses "QUOTA PERIOD" in microseconds, where a quota of "max" is
// no limit.
func parseCPUMax(data []byte) (*float64, error) {
	quota, period, _ := bytes.Cut(bytes.TrimSpace(data), []byte(" "))
	if string(quota) == "max" {
		return nil, nil
	}
	quotaMicros, err := parseNumber(quota)
	if err != nil {
		return nil, err
	}
	periodMicros, err := parseNumber(period)
	if err != nil {
		return nil, err
	}
	if periodMicros == 0 {
		return nil, fmt.Errorf("a period of 0")
	}
	return new(1000 * float64(quotaMicros) / float64(periodMicros)), nil
}
