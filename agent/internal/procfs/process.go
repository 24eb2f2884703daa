package procfs

import (
	"bytes"
	"fmt"
	"io/fs"
	"iter"
	"strconv"
	"strings"
)

// A Process is the part of /proc/PID/stat that says what a process uses:
//
//	1 (systemd) S 0 1 1 0 -1 4194560 19127 2174 12 9 31 45 10 5 20 0 1 0 3 22999040 3180 …
//
// The name stands in parentheses and may hold any character. The fields are
// numbered from 1: 4 is the parent, 14 and 15 user and system time in ticks,
// 20 the threads, 22 the start in ticks after boot, 24 the resident pages.
type Process struct {
	PID        int
	PPID       int
	Name       string
	CPUMicros  uint64
	Threads    int
	StartTicks uint64
	RSSPages   uint64
}

// ReadProcess reads /proc/PID/stat of a process, named as /proc names it: a PID
// or "self".
func ReadProcess(proc fs.FS, process string) (Process, error) {
	return read(proc, process+"/stat", parseProcess)
}

func parseProcess(data []byte) (Process, error) {
	opening, closing := bytes.IndexByte(data, '('), bytes.LastIndexByte(data, ')')
	if opening < 1 || closing < opening {
		return Process{}, fmt.Errorf("no name in parentheses")
	}
	fields := bytes.Fields(data[closing+1:])
	const first, last = 3, 24 // numbers of the first field after the name and of the last wanted
	if len(fields) <= last-first {
		return Process{}, fmt.Errorf("%d fields after the name, want at least %d", len(fields), last-first+1)
	}
	pid, err := number(bytes.TrimSpace(data[:opening]))
	if err != nil {
		return Process{}, err
	}
	var n [last + 1]uint64
	for _, i := range []int{4, 14, 15, 20, 22, 24} {
		if n[i], err = number(fields[i-first]); err != nil {
			return Process{}, fmt.Errorf("field %d: %w", i, err)
		}
	}
	return Process{
		PID: int(pid), PPID: int(n[4]), Name: text(data[opening+1 : closing]),
		CPUMicros: (n[14] + n[15]) * microsPerTick,
		Threads:   int(n[20]), StartTicks: n[22], RSSPages: n[24],
	}, nil
}

// PIDs lists the processes in proc.
func PIDs(proc fs.FS) (iter.Seq[string], error) {
	entries, err := fs.ReadDir(proc, ".")
	if err != nil {
		return nil, err
	}
	return func(yield func(string) bool) {
		for _, entry := range entries {
			if name := entry.Name(); name[0] >= '1' && name[0] <= '9' && !yield(name) {
				return
			}
		}
	}, nil
}

// ReadArgs reads /proc/PID/cmdline, whose arguments end with a zero byte each.
// A kernel thread has none.
func ReadArgs(proc fs.FS, pid int) ([]string, error) {
	return read(proc, strconv.Itoa(pid)+"/cmdline", parseArgs)
}

func parseArgs(data []byte) ([]string, error) {
	var args []string
	for arg := range bytes.SplitSeq(bytes.TrimSuffix(data, []byte{0}), []byte{0}) {
		args = append(args, text(arg))
	}
	if len(args) == 1 && args[0] == "" {
		return nil, nil
	}
	return args, nil
}

// ReadCgroups reads the paths in /proc/PID/cgroup, one for each hierarchy:
//
//	0::/system.slice/ssh.service
//	4:memory:/user.slice
//
// The first is that of cgroup v2, or empty where there is none. The reader's
// own cgroup namespace shows in it: outside paths begin with "/..".
func ReadCgroups(proc fs.FS, pid int) ([]string, error) {
	return read(proc, strconv.Itoa(pid)+"/cgroup", parseCgroups)
}

func parseCgroups(data []byte) ([]string, error) {
	paths := []string{""}
	for line := range bytes.Lines(data) {
		hierarchy, rest, _ := bytes.Cut(bytes.TrimSuffix(line, []byte("\n")), []byte(":"))
		_, path, ok := bytes.Cut(rest, []byte(":"))
		if !ok {
			return nil, fmt.Errorf("%q is no line of a hierarchy", line)
		}
		if string(hierarchy) == "0" {
			paths[0] = text(path)
			continue
		}
		paths = append(paths, text(path))
	}
	return paths, nil
}

// text makes a string of what the kernel copied from somebody else, who may
// have written bytes that are not UTF-8.
func text(data []byte) string { return strings.ToValidUTF8(string(data), "\uFFFD") }
