package main

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/kubemon/kubemon/agent/internal/cgroup"
	"github.com/kubemon/kubemon/agent/internal/collect"
	"github.com/kubemon/kubemon/agent/internal/hostfs"
	"github.com/kubemon/kubemon/agent/internal/procfs"
	"github.com/kubemon/kubemon/agent/internal/serve"
	"github.com/kubemon/kubemon/shared/snapshot"
)

// maxKept is how many kernel files stay open between two snapshots. Each takes
// 6 kB of kernel memory, charged to the agent (measured on Linux 6.1): these
// are 17 MB, and nearly all that a full node of 110 pods and 250 containers
// has. What is beyond is opened each time, for four system calls and not one.
const maxKept = 2_800

// openNode opens the folders of the node. Its error says which flag to correct.
func openNode(c config) (collect.Node, error) {
	descriptors := hostfs.NewDescriptors(maxKept)
	proc, err := hostfs.Open(c.procfs)
	if err != nil {
		return collect.Node{}, fmt.Errorf("--procfs: %w", err)
	}
	proc = proc.Keeping(descriptors)
	sys, err := hostfs.Open(c.sysfs)
	if err != nil {
		return collect.Node{}, fmt.Errorf("--sysfs: %w", err)
	}
	groups, err := openCgroup(c.cgroupfs, proc, descriptors)
	if err != nil {
		return collect.Node{}, err
	}
	node := collect.Node{
		Proc: proc, Sys: sys, Cgroup: groups,
		Now: hostfs.Now, PageBytes: uint64(hostfs.PageSize()),
	}
	if node.PodLogs, err = openLogs(c.podLogs); err != nil {
		return collect.Node{}, fmt.Errorf("--podlogs: %w", err)
	}
	if node.ContainerLogs, err = openLogs(c.containerLogs); err != nil {
		return collect.Node{}, fmt.Errorf("--containerlogs: %w", err)
	}
	if hostfs.LiveProc(proc) {
		root := hostfs.NodeRoot(proc)
		node.StatMount = func(mountPoint string) (snapshot.Filesystem, error) { return statMount(root, mountPoint) }
	}
	return node, nil
}

// openCgroup opens the cgroup2 mount at folder, or the one that mountinfo shows
// when folder is empty. It is nil on a node with cgroup v1 only.
func openCgroup(folder string, proc hostfs.Dir, descriptors *hostfs.Descriptors) (hostfs.FS, error) {
	if folder == "" {
		point, err := findCgroup2(proc)
		if err != nil || point == "" {
			return nil, err
		}
		folder = point
	}
	dir, err := hostfs.Open(folder)
	if err != nil {
		return nil, fmt.Errorf("--cgroupfs: %w", err)
	}
	below, err := cgroup.Locate(dir)
	if errors.Is(err, cgroup.ErrV1) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("--cgroupfs %s: %w", folder, err)
	}
	if dir, err = dir.Sub(below); err != nil {
		return nil, err
	}
	return dir.Keeping(descriptors), nil
}

// findCgroup2 returns where the agent itself sees a cgroup2 mount, "" when the
// node has none.
func findCgroup2(proc hostfs.Dir) (string, error) {
	var mounts []procfs.Mount
	text, err := proc.ReadFile("self/mountinfo")
	if err == nil {
		mounts, err = procfs.ParseMountinfo(text)
	}
	if err != nil {
		return "", fmt.Errorf("find the cgroup2 mount below %s, give --cgroupfs: %w", proc, err)
	}
	for _, mount := range mounts {
		if mount.Type == "cgroup2" {
			return mount.Point, nil
		}
	}
	return "", nil
}

// openLogs opens a log folder, nil when it is not there: names are a hint. One
// that the agent has no right to open is a warning in each snapshot.
func openLogs(folder string) (fs.FS, error) {
	dir, err := hostfs.Open(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if errors.Is(err, fs.ErrPermission) {
		return closedFolder{err}, nil
	}
	if err != nil {
		return nil, err
	}
	return dir, nil
}

// A closedFolder fails with the error of opening it.
type closedFolder struct{ err error }

// Open implements fs.FS.
func (f closedFolder) Open(string) (fs.File, error) { return nil, f.err }

func statMount(root, mountPoint string) (snapshot.Filesystem, error) {
	mount, err := hostfs.StatMount(root, mountPoint)
	if errors.Is(err, fs.ErrPermission) {
		err = fmt.Errorf("no right to look into process 1, where the node's file systems are: %w", err)
	}
	if err != nil {
		return snapshot.Filesystem{}, err
	}
	return snapshot.Filesystem{
		Mount:          mountPoint,
		TotalBytes:     mount.TotalBytes,
		AvailableBytes: mount.AvailableBytes,
		TotalInodes:    mount.TotalInodes,
		FreeInodes:     mount.FreeInodes,
	}, nil
}

// ownUsage is what the agent itself uses. It asks the /proc of the agent's own
// PID namespace, whatever --procfs says.
func ownUsage() (serve.Usage, error) {
	proc, err := hostfs.Open("/proc")
	if err != nil {
		return serve.Usage{}, err
	}
	text, err := proc.ReadFile("self/stat")
	if err != nil {
		return serve.Usage{}, err
	}
	self, err := procfs.ParseProcess(text)
	if err != nil {
		return serve.Usage{}, fmt.Errorf("parse /proc/self/stat: %w", err)
	}
	return serve.Usage{
		CPUSeconds: float64(self.CPUMicros) / 1e6,
		RSSBytes:   self.RSSPages * uint64(hostfs.PageSize()),
	}, nil
}
