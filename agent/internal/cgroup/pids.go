package cgroup

import (
	"bytes"
	"io/fs"
	"strconv"
)

// PIDs is pids.current and pids.max: how many tasks a group has and may have.
type PIDs struct {
	Current uint64
	Limit   *uint64 // nil without a limit
}

// ReadPIDs reads pids.current and pids.max of a group that is not the root.
func ReadPIDs(fsys fs.FS, dir string) (PIDs, error) {
	current, err := read(fsys, dir, "pids.current", parseNumber)
	if err != nil {
		return PIDs{}, err
	}
	limit, err := optional(fsys, dir, "pids.max", parseLimit)
	if err != nil || limit == nil {
		return PIDs{Current: current}, err
	}
	return PIDs{Current: current, Limit: *limit}, nil
}

// ReadProcs reads cgroup.procs: the processes that are in the group itself, and
// where there are none (crun moves them into a group of its own) those of the
// first group below that has some. A threaded group has none to show.
func ReadProcs(fsys fs.FS, dir string) ([]int, error) {
	pids, err := read(fsys, dir, "cgroup.procs", parseProcs)
	if err != nil || len(pids) > 0 {
		return pids, err
	}
	entries, err := fs.ReadDir(fsys, dir)
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		if !entry.IsDir() {
			continue
		}
		pids, err := ReadProcs(fsys, join(dir, entry.Name()))
		if err == nil && len(pids) > 0 {
			return pids, nil
		}
	}
	return nil, nil
}

func parseProcs(data []byte) ([]int, error) {
	var pids []int
	for line := range bytes.Lines(data) {
		pid, err := strconv.Atoi(string(bytes.TrimSpace(line)))
		if err != nil {
			return nil, err
		}
		// 0 is a process of a PID namespace that this one cannot see.
		if pid > 0 {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}
