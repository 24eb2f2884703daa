package cgroup

// Memory is memory.current, memory.stat and their siblings.
type Memory struct {
	CurrentBytes uint64
	MemoryStat
	SwapBytes  Count // not without swap accounting
	PeakBytes  Count // not before Linux 5.19
	LimitBytes Count // not without a limit
	OOMKills   Count // the children's included, also of those that are gone
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

// WorkingSet is what the kubelet calls the working set of that many bytes in
// use. The two files are read one after the other, so inactive_file can be the
// greater one.
func (s MemoryStat) WorkingSet(usedBytes uint64) uint64 {
	return usedBytes - min(usedBytes, s.InactiveFileBytes)
}

// ParseMemoryStat parses memory.stat.
func ParseMemoryStat(text []byte) (MemoryStat, error) {
	var n [3]Count
	keys := [...]string{"anon", "file", "inactive_file"}
	if err := parseFlatKeyed(text, keys[:], n[:], len(keys)); err != nil {
		return MemoryStat{}, err
	}
	return MemoryStat{AnonBytes: n[0].Value, FileBytes: n[1].Value, InactiveFileBytes: n[2].Value}, nil
}

// parseOOMKills parses the line oom_kill of memory.events, which counts the
// killed processes of the group and of all groups below it, also removed ones.
func parseOOMKills(text []byte) (Count, error) {
	var kills [1]Count
	keys := [...]string{"oom_kill"}
	err := parseFlatKeyed(text, keys[:], kills[:], 0)
	return kills[0], err
}
