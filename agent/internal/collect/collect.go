// Package collect reads a whole node into one snapshot.
//
// A Collector holds the node's file systems and nothing that changes: two
// collections share no state and may run at the same time. A part that cannot
// be read is absent from the snapshot and has a warning in it; a group that
// vanishes while it is read is left out. Only a node whose clock or control
// groups cannot be read at all gives an error.
//
// The package opens no file by itself: everything comes from the fs.FS values
// in a [Node], which may be a live kernel's or a captured tree's.
package collect

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/kubemon/kubemon/agent/internal/cgroup"
	"github.com/kubemon/kubemon/agent/internal/procfs"
	"github.com/kubemon/kubemon/shared/snapshot"
)

// A Node is where a collector reads.
type Node struct {
	Proc fs.FS // procfs, with the node's process 1
	Sys  fs.FS // sysfs
	// Cgroup is the cgroup2 mount, nil on a node with cgroup v1 only.
	Cgroup fs.FS
	// PodLogs and ContainerLogs are /var/log/pods and /var/log/containers, nil
	// where they are not mounted: then nothing has a name.
	PodLogs       fs.FS
	ContainerLogs fs.FS

	// Now returns the wall clock and CLOCK_BOOTTIME in nanoseconds.
	Now func() (wall time.Time, bootNanos int64, err error)
	// Inode returns the inode number of a file or folder.
	Inode func(fsys fs.FS, name string) (uint64, error)
	// StatMount returns the sizes of the file system at a mount point of the
	// node. It is nil on a captured tree, which has none.
	StatMount func(mountPoint string) (snapshot.Filesystem, error)
	PageBytes uint64
}

// Options are what a user may choose.
type Options struct {
	NodeName string
	Version  string
	// Processes is how many of the host's biggest processes are listed, by
	// memory and as many by CPU; 0 lists none.
	Processes   int
	ProcessArgs bool
}

// A Collector makes snapshots of one node.
type Collector struct {
	node    Node
	options Options
}

// New returns a collector of node.
func New(node Node, options Options) *Collector {
	return &Collector{node, options}
}

// Collect reads the node once.
func (c *Collector) Collect() (*snapshot.Snapshot, error) {
	wall, bootNanos, err := c.node.Now()
	if err != nil {
		return nil, err
	}
	r := &reading{node: c.node, options: c.options}
	r.psi = r.hasPSI()
	r.disks = r.wholeDisks()
	s := &snapshot.Snapshot{
		Version: snapshot.Version, Node: c.options.NodeName, Time: wall, BootNanos: bootNanos,
		Slices: []snapshot.Slice{}, Pods: []snapshot.Pod{}, Containers: []snapshot.Container{},
	}
	if s.BootID, err = procfs.ReadBootID(c.node.Proc); err != nil {
		r.warn("bootID", err)
	}
	s.Agent = r.agent()
	s.Host = r.host(s.Agent.Cgroup.Nested)
	var inPods map[int]bool
	if s.Agent.Cgroup.Mode == snapshot.ModeUnified {
		if inPods, err = r.groups(s); err != nil {
			return nil, fmt.Errorf("read the control groups: %w", err)
		}
	}
	s.Processes = r.processes(inPods)
	s.Warnings = r.warnings.list()
	return s, nil
}

// A reading is one collection in progress.
type reading struct {
	node    Node
	options Options
	psi     bool // the kernel has pressure stall information
	// disks are the devices of which bytes are counted, by "major:minor"; nil
	// when they cannot be told.
	disks    map[string]bool
	warnings warnings
}

func (r *reading) warn(source string, err error) { r.warnings.add(source, err.Error()) }

// agent says what the agent is and what control groups it met.
func (r *reading) agent() snapshot.Agent {
	group := snapshot.Cgroup{Mode: snapshot.ModeUnified, Controllers: []string{}, PSI: r.psi}
	if r.node.Cgroup == nil {
		group.Mode = snapshot.ModeV1
		r.warnings.add("cgroup", "cgroup v1 is not supported: there are no numbers of pods, the node's come from /proc")
		return snapshot.Agent{Version: r.options.Version, Cgroup: group}
	}
	controllers, err := cgroup.ReadControllers(r.node.Cgroup, ".")
	if err != nil {
		r.warn("cgroup", err)
	}
	group.Controllers = append(group.Controllers, controllers...)
	slices.Sort(group.Controllers)
	if v1, err := procfs.ReadV1Controllers(r.node.Proc); err == nil && len(v1) > 0 {
		group.Mode = snapshot.ModeHybrid
		r.warnings.add("cgroup", "hybrid control groups are not supported: "+strings.Join(v1, ", ")+
			" belong to cgroup v1; there are no numbers of pods, the node's CPU time and pressure are true")
	}
	_, err = cgroup.ReadMemoryCurrent(r.node.Cgroup, ".")
	group.Nested = err == nil
	return snapshot.Agent{Version: r.options.Version, Cgroup: group}
}
