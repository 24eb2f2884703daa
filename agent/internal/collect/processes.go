package collect

import (
	"cmp"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"syscall"

	"github.com/kubemon/kubemon/agent/internal/cgroup"
	"github.com/kubemon/kubemon/agent/internal/procfs"
	"github.com/kubemon/kubemon/shared/snapshot"
)

// Bounds of the command line of one process in a snapshot.
const (
	maxArgs     = 64
	maxArgBytes = 512
)

// processes lists the host's biggest processes, in the order of their PIDs: so
// many by memory, and as many by CPU time since they started. Those of pods are
// left out, and so are those that use nothing.
func (r *reading) processes(inPods map[int]bool) []snapshot.Process {
	if r.options.Processes == 0 {
		return []snapshot.Process{}
	}
	host := r.hostProcesses(inPods)
	picked := make(map[int]snapshot.Process)
	pick := func(size func(procfs.Process) uint64) {
		slices.SortFunc(host, func(a, b procfs.Process) int {
			return cmp.Or(cmp.Compare(size(b), size(a)), cmp.Compare(a.PID, b.PID))
		})
		used := slices.IndexFunc(host, func(p procfs.Process) bool { return size(p) == 0 })
		if used < 0 {
			used = len(host)
		}
		r.pick(host[:used], picked)
	}
	pick(func(p procfs.Process) uint64 { return p.RSSPages })
	pick(func(p procfs.Process) uint64 { return p.CPUMicros })

	list := make([]snapshot.Process, 0, len(picked))
	for _, process := range picked {
		list = append(list, process)
	}
	slices.SortFunc(list, func(a, b snapshot.Process) int { return cmp.Compare(a.PID, b.PID) })
	return list
}

// hostProcesses reads every process that is in no container of a pod. One that
// ends meanwhile is left out.
func (r *reading) hostProcesses(inPods map[int]bool) []procfs.Process {
	pids, err := procfs.PIDs(r.node.Proc)
	if err != nil {
		r.warn("processes", err)
		return nil
	}
	var host []procfs.Process
	for pid := range pids {
		process, err := procfs.ReadProcess(r.node.Proc, pid)
		if err != nil {
			if !isEnded(err) {
				r.warn("processes", err)
			}
			continue
		}
		if !inPods[process.PID] {
			host = append(host, process)
		}
	}
	return host
}

// pick adds the first of sorted to picked, as many as wanted. Only now, for the
// few, is it asked whether a process is in a pod after all: in a group that an
// engine inside a container made, or on a node with cgroup v1.
func (r *reading) pick(sorted []procfs.Process, picked map[int]snapshot.Process) {
	wanted := r.options.Processes
	for _, process := range sorted {
		if wanted == 0 {
			return
		}
		if _, ok := picked[process.PID]; !ok {
			paths, err := procfs.ReadCgroups(r.node.Proc, process.PID)
			if err != nil || slices.ContainsFunc(paths, cgroup.InPod) {
				continue // it ended, or is a pod's
			}
			picked[process.PID] = r.process(process, paths[0])
		}
		wanted--
	}
}

func (r *reading) process(p procfs.Process, cgroupPath string) snapshot.Process {
	process := snapshot.Process{
		PID: p.PID, PPID: p.PPID, Name: p.Name, CPUMicros: p.CPUMicros,
		RSSBytes: p.RSSPages * r.node.PageBytes, Threads: p.Threads, StartTicks: p.StartTicks,
	}
	// "/.." begins the path of a group outside the reader's namespace.
	if !strings.HasPrefix(cgroupPath, "/..") {
		process.Cgroup = strings.TrimPrefix(cgroupPath, "/")
	}
	if r.options.ProcessArgs {
		args, err := procfs.ReadArgs(r.node.Proc, p.PID)
		if err != nil && !isEnded(err) {
			r.warn("processArgs", err)
		}
		process.Args = boundArgs(args)
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
