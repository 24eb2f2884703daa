package cgroup

import (
	"bytes"
	"strconv"
)

// PIDs is pids.current and pids.max: how many tasks a group has and may have.
type PIDs struct {
	Current uint64
	Limit   Count // not without a limit
}

// AppendProcs appends the process IDs in the text of a cgroup.procs. A process
// of a PID namespace that the reader cannot see is a 0 there and is left out.
func AppendProcs(pids []int, text []byte) ([]int, error) {
	for len(text) > 0 {
		var line []byte
		line, text, _ = bytes.Cut(text, []byte("\n"))
		pid, err := strconv.Atoi(string(bytes.TrimSpace(line)))
		if err != nil {
			return pids, err
		}
		if pid > 0 {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}
