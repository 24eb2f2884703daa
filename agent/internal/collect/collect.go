// Package collect reads a whole node into one snapshot.
//
// A Collector keeps the node's files open between two readings, knows where the
// control groups are, and reads what can have moved; see the package cgroup for
// what need not be read. Each reading makes a snapshot of its own, which shares
// nothing that changes with the next. Readings are made one after the other:
// who asks meanwhile waits.
//
// A part that cannot be read is absent from the snapshot and has a warning in
// it; a group that vanishes while it is read is left out. Only a node whose
// clock or control groups cannot be read at all gives an error.
//
// The package opens no file by itself: everything comes from the file systems
// in a [Node], which may be a live kernel's or a captured tree's.
package collect

import (
	"fmt"
	"io/fs"
	"sync"
	"time"

	"github.com/kubemon/kubemon/agent/internal/cgroup"
	"github.com/kubemon/kubemon/agent/internal/hostfs"
	"github.com/kubemon/kubemon/agent/internal/procfs"
	"github.com/kubemon/kubemon/shared/snapshot"
)

// A Node is where a collector reads.
type Node struct {
	Proc hostfs.FS // procfs, with the node's process 1
	Sys  hostfs.FS // sysfs
	// Cgroup is the cgroup2 mount, nil on a node with cgroup v1 only.
	Cgroup hostfs.FS
	// PodLogs and ContainerLogs are /var/log/pods and /var/log/containers, nil
	// where they are not mounted: then nothing has a name.
	PodLogs       fs.FS
	ContainerLogs fs.FS

	// Now returns the wall clock and CLOCK_BOOTTIME in nanoseconds.
	Now func() (wall time.Time, bootNanos int64, err error)
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

	mu        sync.Mutex // held while the node is read
	buf       hostfs.Buffer
	files     hostFiles
	watcher   *hostfs.Watcher
	tree      *cgroup.Tree // nil without a cgroup2 mount
	facts     facts
	names     names
	strings   interned
	networks  map[*cgroup.Pod]*podNetwork
	processes processTable
	// links and disks are the node's own tables of the present reading, and
	// podLinks one pod's; their names are valid until the next.
	links, podLinks []procfs.Interface
	disks           []procfs.Disk
	members         []int // room for those of one group
	refreshNanos    int64 // boot time when nothing is taken as known any more
	last            sizes // of the last snapshot
}

// New returns a collector of node.
func New(node Node, options Options) *Collector {
	c := &Collector{
		node: node, options: options,
		files:    newHostFiles(node),
		names:    newNames(node.PodLogs, node.ContainerLogs),
		strings:  make(interned),
		networks: make(map[*cgroup.Pod]*podNetwork),
	}
	if node.Cgroup != nil {
		var err error
		c.watcher, err = hostfs.NewWatcher()
		c.tree = cgroup.NewTree(node.Cgroup, c.watcher, err)
	}
	return c
}

// Close gives back what is kept open. The next reading opens it anew.
func (c *Collector) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.files.close()
	c.processes.close()
	for _, network := range c.networks {
		network.close()
	}
	clear(c.networks)
	if c.tree == nil {
		return
	}
	c.tree.Close()
	if c.watcher != nil {
		c.watcher.Close()
	}
	c.watcher, c.tree = nil, cgroup.NewTree(c.node.Cgroup, nil, fs.ErrClosed)
}

// Collect reads the node once.
func (c *Collector) Collect() (*snapshot.Snapshot, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	wall, bootNanos, err := c.node.Now()
	if err != nil {
		return nil, err
	}
	r := &reading{Collector: c, wall: wall, bootNanos: bootNanos, parts: newParts(c.last)}
	if c.tree != nil && bootNanos >= c.refreshNanos {
		c.tree.Refresh()
		c.refreshNanos = bootNanos + int64(refreshEvery)
	}
	r.readTables()
	r.updateFacts()
	r.warnings.merge(&c.facts.warnings)
	s := &snapshot.Snapshot{
		Version: snapshot.Version, Node: c.options.NodeName, BootID: c.facts.bootID,
		Time: wall, BootNanos: bootNanos, Agent: c.facts.agent,
		Slices: []snapshot.Slice{}, Pods: []snapshot.Pod{}, Containers: []snapshot.Container{},
	}
	s.Host = r.host()
	s.Agent.Cgroup.PSI = r.sources.Pressure
	if s.Agent.Cgroup.Mode == snapshot.ModeUnified {
		if err := r.groups(s); err != nil {
			return nil, fmt.Errorf("read the control groups: %w", err)
		}
	}
	s.Processes = r.listProcesses()
	s.Warnings = r.warnings.list()
	c.last = r.parts.sizes()
	return s, nil
}

// refreshEvery is how long the agent relies on being told of changes.
const refreshEvery = time.Minute

// A reading is one collection in progress.
type reading struct {
	*Collector
	wall      time.Time
	bootNanos int64
	parts     *parts
	sources   cgroup.Sources
	warnings  warnings
}

func (r *reading) warn(source string, err error) { r.warnings.addError(source, err) }
