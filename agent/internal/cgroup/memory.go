package cgroup

import "io/fs"

// Memory is memory.current, memory.stat and their siblings.
type Memory struct {
	CurrentBytes      uint64
	WorkingSetBytes   uint64 // the kubelet's: current minus inactive_file
	AnonBytes         uint64
	FileBytes         uint64
	InactiveFileBytes uint64
	SwapBytes         *uint64 // nil without swap accounting
	PeakBytes         *uint64 // nil before Linux 5.19
	LimitBytes        *uint64 // nil without a limit
	OOMKills          *uint64 // the children's included
}

// MemoryStat is the part of memory.stat that tells what memory is used for:
//
//	anon 104857600
//	file 20971520
//	inactive_file 8388608
//
// The root has it although it has no memory.current.
type MemoryStat struct {
	AnonBytes         uint64
	FileBytes         uint64
	InactiveFileBytes uint64
}

// ReadMemory reads the memory files of a group that is not the root.
func ReadMemory(fsys fs.FS, dir string) (Memory, error) {
	current, err := ReadMemoryCurrent(fsys, dir)
	if err != nil {
		return Memory{}, err
	}
	stat, err := ReadMemoryStat(fsys, dir)
	if err != nil {
		return Memory{}, err
	}
	m := Memory{
		CurrentBytes:      current,
		WorkingSetBytes:   stat.WorkingSet(current),
		AnonBytes:         stat.AnonBytes,
		FileBytes:         stat.FileBytes,
		InactiveFileBytes: stat.InactiveFileBytes,
	}
	return m, m.readOptional(fsys, dir)
}

func (m *Memory) readOptional(fsys fs.FS, dir string) (err error) {
	if m.SwapBytes, err = optional(fsys, dir, "memory.swap.current", parseNumber); err != nil {
		return err
	}
	if m.PeakBytes, err = optional(fsys, dir, "memory.peak", parseNumber); err != nil {
		return err
	}
	if m.OOMKills, err = optional(fsys, dir, "memory.events", parseOOMKills); err != nil {
		return err
	}
	limit, err := optional(fsys, dir, "memory.max", parseLimit)
	if limit != nil {
		m.LimitBytes = *limit
	}
	return err
}

// WorkingSet is what the kubelet calls the working set of that many bytes in
// use. The two files are read one after the other, so inactive_file can be the
// greater one.
func (s MemoryStat) WorkingSet(usedBytes uint64) uint64 {
	return usedBytes - min(usedBytes, s.InactiveFileBytes)
}

// ReadMemoryCurrent reads memory.current, in bytes. Only the root of the
// machine has none.
func ReadMemoryCurrent(fsys fs.FS, dir string) (uint64, error) {
	return read(fsys, dir, "memory.current", parseNumber)
}

// ReadMemoryStat reads memory.stat.
func ReadMemoryStat(fsys fs.FS, dir string) (MemoryStat, error) {
	return read(fsys, dir, "memory.stat", parseMemoryStat)
}

func parseMemoryStat(data []byte) (MemoryStat, error) {
	var s MemoryStat
	err := flatKeyed(data, func(key []byte) *uint64 {
		switch string(key) {
		case "anon":
			return &s.AnonBytes
		case "file":
			return &s.FileBytes
		case "inactive_file":
			return &s.InactiveFileBytes
		}
		return nil
	})
	return s, err
}

// parseOOMKills parses the line oom_kill of memory.events, which counts the
// killed processes of the group and of all groups below it, also removed ones.
func parseOOMKills(data []byte) (uint64, error) {
	var kills uint64
	err := flatKeyed(data, func(key []byte) *uint64 {
		if string(key) == "oom_kill" {
			return &kills
		}
		return nil
	})
	return kills, err
}
