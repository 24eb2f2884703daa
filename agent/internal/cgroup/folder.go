package cgroup

import (
	"cmp"
	"fmt"
	"io/fs"
	"iter"
	"slices"
	"strings"

	"github.com/kubemon/kubemon/agent/internal/hostfs"
)

// A folder is one control group's place in the tree, whether its numbers are
// read or not.
type folder struct {
	path, name string
	kind       kind
	parent     *folder
	below      []*folder // by name
	watch      int
	stale      bool  // it has to be listed
	err        error // of listing it
	group      *Group
	pod        *Pod
	container  *Container
	procs      hostfs.Reader
}

const noWatch = -1

// A kind is what a folder's name and place say of it.
type kind int

const (
	outside        kind = iota // of the host, outside every pod
	inKubepods                 // the same, below a folder that is named for kubepods
	podFolder                  // a pod
	inPod                      // between a pod and its containers
	podContainer               // a container of a pod
	otherContainer             // a container outside every pod
	inOther                    // below such a container
	leftOut                    // its name cannot be told
)

// isLeaf reports whether nothing of interest can be below.
func (k kind) isLeaf() bool { return k == podContainer || k == leftOut }

// ofHost reports whether the processes of the folder are the host's.
func (k kind) ofHost() bool {
	return k == outside || k == inKubepods || k == otherContainer || k == inOther
}

// kindOf is the kind of a folder directly below f.
func (f *folder) kindOf(name string) kind {
	if !fs.ValidPath(name) { // it is not UTF-8
		return leftOut
	}
	_, isContainer := ContainerID(name)
	_, isPod := PodUID(name)
	switch f.kind {
	case podFolder, inPod:
		if isContainer {
			return podContainer
		}
		return inPod
	case otherContainer, inOther:
		return inOther
	}
	switch {
	case isContainer:
		return otherContainer
	case isPod && f.kind == inKubepods: // elsewhere pods are somebody else's
		return podFolder
	case f.kind == inKubepods || strings.Contains(name, "kubepods"):
		return inKubepods
	}
	return outside
}

// all yields f and every folder below it, those above first.
func (f *folder) all() iter.Seq[*folder] {
	return func(yield func(*folder) bool) { f.each(yield) }
}

func (f *folder) each(yield func(*folder) bool) bool {
	if !yield(f) {
		return false
	}
	for _, child := range f.below {
		if !child.each(yield) {
			return false
		}
	}
	return true
}

// child returns the folder of that name directly below, nil if there is none.
func (f *folder) child(name string) *folder {
	i, found := slices.BinarySearchFunc(f.below, name, func(f *folder, name string) int { return cmp.Compare(f.name, name) })
	if !found {
		return nil
	}
	return f.below[i]
}

// without returns the list without one of its folders, in a new array: the old
// one may be looked at.
func without(list []*folder, gone *folder) []*folder {
	return slices.DeleteFunc(slices.Clone(list), func(f *folder) bool { return f == gone })
}

// take takes the folder of a name out of a list.
func take(list []*folder, name string) (rest []*folder, taken *folder) {
	i, found := slices.BinarySearchFunc(list, name, func(f *folder, name string) int { return cmp.Compare(f.name, name) })
	if !found {
		return list, nil
	}
	taken = list[i]
	return slices.Delete(list, i, i+1), taken
}

// written takes note that a program wrote to a file of the group.
func (f *folder) written(file string) {
	switch file {
	case "cgroup.subtree_control": // the groups below get files, or lose them
		for _, child := range f.below {
			if child.group != nil {
				child.group.Reopen()
			}
		}
	case "cgroup.pressure":
		if f.group != nil {
			f.group.Reopen()
		}
	case cpuMax.String(), memoryMax.String(), pidsMax.String():
		if f.group != nil {
			f.group.limitsWritten()
		}
	}
}

func (f *folder) close() {
	if f.group != nil {
		f.group.Close()
	}
	if f.procs != nil {
		f.procs.Close()
	}
}

// pids appends the processes in the folder itself. A threaded group has none to
// show, and one that is gone none.
func (f *folder) pids(fsys hostfs.FS, buf *hostfs.Buffer, pids []int) ([]int, error) {
	if f.procs == nil {
		f.procs = fsys.Reader(f.path, "cgroup.procs", hostfs.KeepOpen)
	}
	text, err := buf.Read(f.procs)
	if err != nil {
		f.procs.Close()
		return pids, nil
	}
	if pids, err = AppendProcs(pids, text); err != nil {
		return pids, fmt.Errorf("parse %s: %w", f.procs.Name(), err)
	}
	return pids, nil
}

// A Process is in one group of a pod.
type Process struct {
	PID   int
	Group string // its path
}

// maxProcesses is how many processes below one group are looked at: a container
// can have groups of its own without end.
const maxProcesses = 1_000

// AppendProcesses appends the processes that are in the group at path itself.
// Where there are none, it appends those of the groups below: crun and engines
// inside a container move into one. A threaded group has none to show; the
// group above it has them.
func AppendProcesses(fsys hostfs.FS, buf *hostfs.Buffer, path string, processes []Process) ([]Process, error) {
	file := fsys.Reader(path, "cgroup.procs", hostfs.OpenEachTime)
	text, err := buf.Read(file)
	if err != nil {
		return processes, err
	}
	pids, err := AppendProcs(nil, text)
	if err != nil {
		return processes, fmt.Errorf("parse %s: %w", file.Name(), err)
	}
	for _, pid := range pids {
		processes = append(processes, Process{pid, path})
	}
	if len(pids) > 0 {
		return processes, nil
	}
	entries, err := fs.ReadDir(fsys, path)
	if err != nil {
		return processes, err
	}
	for _, entry := range entries {
		if entry.IsDir() && len(processes) < maxProcesses {
			// One that vanished or is threaded has no process to tell of.
			processes, _ = AppendProcesses(fsys, buf, join(path, entry.Name()), processes)
		}
	}
	return processes, nil
}
