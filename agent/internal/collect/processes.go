package collect

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/kubemon/kubemon/agent/internal/cgroup"
	"github.com/kubemon/kubemon/agent/internal/hostfs"
	"github.com/kubemon/kubemon/agent/internal/procfs"
	"github.com/kubemon/kubemon/shared/snapshot"
)

// Bounds of the command line of one process in a snapshot.
const (
	maxArgs     = 64
	maxArgBytes = 512
)

// A processTable has the host's own processes.
type processTable struct {
	byPID map[int]*process
	list  []*process // the same, in an order of the last use
}

// A process is one of the host's own.
type process struct {
	procfs.Process        // what its stat said last; not the name, which is a part of a text
	name           string // as snapshots have it
	group          string // the path of its control group
	stat           hostfs.Reader
	seen           int64 // when: boot time of the reading
}

func (t *processTable) close() {
	for _, p := range t.byPID {
		p.stat.Close()
	}
	clear(t.byPID)
}

// listProcesses lists the host's biggest processes, in the order of their PIDs:
// so many by memory, and as many by CPU time since they started. Those of pods
// are left out, and so are those that use nothing.
func (r *reading) listProcesses() []snapshot.Process {
	if r.options.Processes == 0 {
		return []snapshot.Process{}
	}
	r.updateProcesses()
	picked := make([]*process, 0, 2*r.options.Processes)
	picked = r.pick(picked, func(p *process) uint64 { return p.RSSPages })
	picked = r.pick(picked, func(p *process) uint64 { return p.CPUMicros })
	slices.SortFunc(picked, func(a, b *process) int { return cmp.Compare(a.PID, b.PID) })
	picked = slices.Compact(picked)

	list := make([]snapshot.Process, 0, len(picked))
	for _, p := range picked {
		list = append(list, r.process(p))
	}
	return list
}

// updateProcesses reads every process that is in no pod. One that ends
// meanwhile is left out.
func (r *reading) updateProcesses() {
	t := &r.processes
	if t.byPID == nil {
		t.byPID = make(map[int]*process)
	}
	if r.facts.agent.Cgroup.Mode == snapshot.ModeUnified {
		for pid, group := range r.tree.HostPIDs(&r.buf) {
			r.found(pid, group)
		}
	} else {
		r.findProcesses()
	}
	t.list = t.list[:0]
	for pid, p := range t.byPID {
		if p.seen == r.bootNanos && r.readProcess(p) {
			t.list = append(t.list, p)
			continue
		}
		p.stat.Close()
		delete(t.byPID, pid)
	}
}

// found takes note of a process that exists. A container that lies outside the
// pods' groups may still have its pod's name in its path.
func (r *reading) found(pid int, group string) {
	if cgroup.InPod(group) {
		return
	}
	p := r.processes.byPID[pid]
	if p == nil {
		p = &process{stat: r.node.Proc.Reader(strconv.Itoa(pid), "stat", hostfs.KeepOpen)}
		r.processes.byPID[pid] = p
	}
	p.group, p.seen = group, r.bootNanos
}

// findProcesses finds the processes on a node where not the control groups tell
// of them, but each of them of its control groups.
func (r *reading) findProcesses() {
	entries, err := fs.ReadDir(r.node.Proc, ".")
	if err != nil {
		r.warn("processes", err)
		return
	}
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil || !procfs.IsProcess(entry.Name()) {
			continue
		}
		text, err := fs.ReadFile(r.node.Proc, entry.Name()+"/cgroup")
		if err != nil {
			continue // it ended
		}
		paths, err := procfs.ParseCgroups(text)
		if err != nil {
			r.warn("processes", fmt.Errorf("parse %s/cgroup: %w", entry.Name(), err))
			continue
		}
		if !slices.ContainsFunc(paths, cgroup.InPod) {
			r.found(pid, strings.TrimPrefix(paths[0], "/"))
		}
	}
}

// readProcess reads what a process uses; false means that it ended.
func (r *reading) readProcess(p *process) bool {
	text, err := r.buf.Read(p.stat)
	var stat procfs.Process
	if err == nil {
		if stat, err = procfs.ParseProcess(text); err != nil {
			err = fmt.Errorf("parse %s: %w", p.stat.Name(), err)
		}
	}
	if err != nil {
		if !isEnded(err) {
			r.warn("processes", err)
		}
		return false
	}
	if string(stat.Name) != p.name {
		p.name = procfs.Text(stat.Name)
	}
	stat.Name = nil
	p.Process = stat
	return true
}

// pick appends the biggest processes by one measure, as many as wanted.
func (r *reading) pick(picked []*process, size func(*process) uint64) []*process {
	list := r.processes.list
	slices.SortFunc(list, func(a, b *process) int {
		return cmp.Or(cmp.Compare(size(b), size(a)), cmp.Compare(a.PID, b.PID))
	})
	for _, p := range list[:min(len(list), r.options.Processes)] {
		if size(p) > 0 {
			picked = append(picked, p)
		}
	}
	return picked
}

func (r *reading) process(p *process) snapshot.Process {
	process := snapshot.Process{
		PID: p.PID, PPID: p.PPID, Name: p.name, CPUMicros: p.CPUMicros,
		RSSBytes: p.RSSPages * r.node.PageBytes, Threads: p.Threads, StartTicks: p.StartTicks,
	}
	// ".." begins the path of a group outside the reader's namespace.
	if p.group != "." && !strings.HasPrefix(p.group, "..") {
		process.Cgroup = p.group
	}
	if r.options.ProcessArgs {
		text, err := fs.ReadFile(r.node.Proc, strconv.Itoa(p.PID)+"/cmdline")
		if err != nil && !isEnded(err) {
			r.warn("processArgs", err)
		}
		process.Args = boundArgs(procfs.ParseArgs(text))
	}
	return process
}

func boundArgs(args []string) []string {
	args = args[:min(len(args), maxArgs)]
	for i, arg := range args {
		if len(arg) > maxArgBytes {
			args[i] = strings.ToValidUTF8(arg[:maxArgBytes], "") + "…"
		}
	}
	return args
}

// isEnded reports whether an error of reading a process's file means that the
// process ended.
func isEnded(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH)
}
