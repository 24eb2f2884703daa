package procfs

import (
	"bytes"
	"fmt"
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
	Name       []byte // a part of the text
	CPUMicros  uint64
	Threads    int
	StartTicks uint64
	RSSPages   uint64
}

// ParseProcess parses /proc/PID/stat.
func ParseProcess(text []byte) (Process, error) {
	opening, closing := bytes.IndexByte(text, '('), bytes.LastIndexByte(text, ')')
	if opening < 1 || closing < opening {
		return Process{}, fmt.Errorf("no name in parentheses")
	}
	pid, err := integer(bytes.TrimSpace(text[:opening]))
	if err != nil {
		return Process{}, err
	}
	p := Process{PID: pid, Name: text[opening+1 : closing]}
	const first, last = 3, 24 // numbers of the first field after the name and of the last wanted
	field := first
	for value := range bytes.FieldsSeq(text[closing+1:]) {
		if err := p.set(field, value); err != nil {
			return Process{}, fmt.Errorf("field %d: %w", field, err)
		}
		if field++; field > last {
			return p, nil
		}
	}
	return Process{}, fmt.Errorf("%d fields after the name, want at least %d", field-first, last-first+1)
}

// set takes over one field, by its number.
func (p *Process) set(field int, value []byte) (err error) {
	switch field {
	case 4:
		p.PPID, err = integer(value)
	case 14, 15:
		var ticks uint64
		ticks, err = number(value)
		p.CPUMicros += ticks * microsPerTick
	case 20:
		p.Threads, err = integer(value)
	case 22:
		p.StartTicks, err = number(value)
	case 24:
		p.RSSPages, err = number(value)
	}
	return err
}

// IsProcess reports whether a name in /proc is that of a process.
func IsProcess(name string) bool { return name != "" && name[0] >= '1' && name[0] <= '9' }

// ParseArgs parses /proc/PID/cmdline, whose arguments end with a zero byte each.
// A kernel thread has none.
func ParseArgs(text []byte) []string {
	var args []string
	for arg := range bytes.SplitSeq(bytes.TrimSuffix(text, []byte{0}), []byte{0}) {
		args = append(args, Text(arg))
	}
	if len(args) == 1 && args[0] == "" {
		return nil
	}
	return args
}

// ParseCgroups parses the paths in /proc/PID/cgroup, one for each hierarchy:
//
//	0::/system.slice/ssh.service
//	4:memory:/user.slice
//
// The first is that of cgroup v2, or empty where there is none. The reader's
// own cgroup namespace shows in it: outside paths begin with "/..".
func ParseCgroups(text []byte) ([]string, error) {
	paths := []string{""}
	for line := range bytes.Lines(text) {
		hierarchy, rest, _ := bytes.Cut(bytes.TrimSuffix(line, []byte("\n")), []byte(":"))
		_, path, ok := bytes.Cut(rest, []byte(":"))
		if !ok {
			return nil, fmt.Errorf("%q is no line of a hierarchy", line)
		}
		if string(hierarchy) == "0" {
			paths[0] = Text(path)
			continue
		}
		paths = append(paths, Text(path))
	}
	return paths, nil
}

// Text makes a string of what the kernel copied from somebody else, who may
// have written bytes that are not UTF-8.
func Text(data []byte) string { return strings.ToValidUTF8(string(data), "\uFFFD") }
