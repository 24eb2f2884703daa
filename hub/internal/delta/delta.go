// Package delta works out what a node used between two of its snapshots.
//
// It is the only place where counters become rates, and it is pure: two values
// in, one value out. Rates are divided by the node's own boot-time clock, so a
// step of the wall clock does not matter. A rate needs two samples of the same
// thing in the same boot: a new boot, another control group in the place of a
// known one (by its inode), a new network namespace, a new process or a counter
// that fell gives no rate yet. What is not known is NaN or nil, never 0, and
// each unknown metric of a Usage has its reason in Unavailable under the
// metric's own name or under its group's: "memory", "disk", "network",
// "pressure". Counters and gauges are valid from the first sample. No rate is
// negative, no share is above 1, and no rate is above what the machine can do.
//
// # Newborn groups
//
// A pod or container that was made between the two snapshots has rates from its
// first sample. The kernel counts a control group from 0 (cpu.stat, io.stat and
// the totals of its pressure files), so a group that was not there at the
// earlier snapshot has used since then all that it has ever used, and that,
// divided by the time between the snapshots, is exactly its mean over that time,
// as it is for the things beside it. It is not the mean over the group's own,
// shorter life.
//
// That a group was not there is known only if the earlier snapshot lists every
// group of the node: the control groups are unified, no warning tells of groups
// left out or of changes that the agent is not told of, every group has its
// inode, and the agent is of the same version, which finds the same groups. The
// pod's UID or the container's ID must be as new as the inode: one that is known
// has used more since then, in the group that is gone. And a group that counted
// more CPU time than the node had is older than it seems. In any doubt it has no
// rate yet. Network rates always need two samples: a network namespace may be
// older than the pod's group, and an interface may be moved into it.
package delta

import (
	"errors"
	"time"

	"github.com/kubemon/kubemon/hub"
	"github.com/kubemon/kubemon/shared/snapshot"
)

// Errors of Between: the earlier snapshot stays the one to compare with.
var (
	// ErrNotAfter: the snapshot was taken at the same time as the one before
	// it, or earlier.
	ErrNotAfter = errors.New("snapshot is not newer than the one before")
	// ErrTooSoon: less than MinSpan lies between the two; a rate over so short
	// a time would be mostly noise.
	ErrTooSoon = errors.New("snapshot follows the one before too soon for a rate")
)

// MinSpan is the shortest time that a rate may cover: half of the shortest
// interval, because rounds come now a little sooner and now a little later.
const MinSpan = time.Second / 2

// Why something has no rate.
const (
	firstSample  = "first sample: a rate needs two"
	newBoot      = "the node has started anew: a rate needs two samples of one boot"
	noBootID     = "the agent reports no boot ID: samples cannot be compared"
	counterFell  = "the counter fell: a rate needs two samples of one count"
	notCredible  = "the counter grew by more than the machine can do"
	noCPULimit   = "its control group has no CPU limit"
	noCPUPeriods = "idle: no period of the CPU limit has passed"
)

// Between returns what the node of cur used since prev, an earlier snapshot of
// the same node. A nil prev means that there is none: the Reading has no rates.
func Between(prev, cur *snapshot.Snapshot) (*hub.Reading, error) {
	c := comparison{cur: cur, noRate: firstSample, absent: reasonsOf(cur.Agent.Cgroup)}
	switch {
	case prev == nil:
	case cur.BootID == "" || prev.BootID == "":
		c.noRate = noBootID
	case cur.BootID != prev.BootID:
		c.noRate = newBoot
	case cur.BootNanos <= prev.BootNanos:
		return nil, ErrNotAfter
	case cur.BootNanos-prev.BootNanos < int64(MinSpan):
		return nil, ErrTooSoon
	default:
		c.seconds = time.Duration(cur.BootNanos - prev.BootNanos).Seconds()
		c.prev, c.before = prev, earlierOf(prev)
	}
	return c.reading(), nil
}

// A comparison is a snapshot beside the one before it.
type comparison struct {
	cur *snapshot.Snapshot
	// prev is nil, before empty, and seconds 0, if the two cannot be compared.
	prev    *snapshot.Snapshot
	before  earlier
	seconds float64
	// noRate says why what is not in before has no rate.
	noRate string
	absent reasons
	census census // of prev, once it is needed
	// draft is of the thing at hand, sets what the things so far lack.
	draft draft
	sets  []missingSet
	slab  []hub.ContainerReading // room for those of all pods
}

func (c *comparison) reading() *hub.Reading {
	s := c.cur
	r := &hub.Reading{
		Node:         s.Node,
		SampleTime:   s.Time,
		Host:         c.host(),
		Processes:    c.processes(),
		Mode:         s.Agent.Cgroup.Mode,
		AgentVersion: s.Agent.Version,
		System:       make([]hub.SliceReading, 0, len(s.Slices)),
		Pods:         make([]hub.PodReading, 0, len(s.Pods)),
	}
	c.slab = make([]hub.ContainerReading, 0, containerCount(s))
	r.Containers = c.containers(c.before.outside, s.Containers)
	for i := range s.Slices {
		r.System = append(r.System, c.slice(&s.Slices[i]))
	}
	for i := range s.Pods {
		r.Pods = append(r.Pods, c.pod(c.before.pod(i, s.Pods[i].UID), &s.Pods[i]))
	}
	for _, w := range s.Warnings {
		r.Warnings = append(r.Warnings, w.Source+": "+w.Reason)
	}
	return r
}

func containerCount(s *snapshot.Snapshot) int {
	count := len(s.Containers)
	for i := range s.Pods {
		count += len(s.Pods[i].Containers)
	}
	return count
}

// earlier has the things of the earlier snapshot by what identifies them. A
// lookup in an empty one finds nothing. Pods and their containers stay in their
// places from one snapshot to the next but for those that come and go, so each
// is looked for there before it is in the maps, which are made when needed.
type earlier struct {
	host      *snapshot.Host
	disks     map[string]*snapshot.Disk  // by device
	slices    map[string]*snapshot.Slice // by path
	processes map[processKey]*snapshot.Process

	pods       []snapshot.Pod
	outside    []snapshot.Container
	podsByUID  map[string]*snapshot.Pod
	containers map[string]*snapshot.Container // by ID, in and outside of pods
}

// processKey tells a process from a later one with the same PID.
type processKey struct {
	pid        int
	startTicks uint64
}

func earlierOf(s *snapshot.Snapshot) earlier {
	e := earlier{
		host:      &s.Host,
		disks:     make(map[string]*snapshot.Disk, len(s.Host.Disks)),
		slices:    make(map[string]*snapshot.Slice, len(s.Slices)),
		processes: make(map[processKey]*snapshot.Process, len(s.Processes)),
		pods:      s.Pods,
		outside:   s.Containers,
	}
	for i := range s.Host.Disks {
		e.disks[s.Host.Disks[i].Device] = &s.Host.Disks[i]
	}
	for i := range s.Slices {
		e.slices[s.Slices[i].Cgroup] = &s.Slices[i]
	}
	for i := range s.Processes {
		p := &s.Processes[i]
		e.processes[processKey{p.PID, p.StartTicks}] = p
	}
	return e
}

// pod is the pod of this UID, nil if there was none. place is where it may be.
func (e *earlier) pod(place int, uid string) *snapshot.Pod {
	if place < len(e.pods) && e.pods[place].UID == uid {
		return &e.pods[place]
	}
	if e.podsByUID == nil {
		e.podsByUID = make(map[string]*snapshot.Pod, len(e.pods))
		for i := range e.pods {
			e.podsByUID[e.pods[i].UID] = &e.pods[i]
		}
	}
	return e.podsByUID[uid]
}

// container is the container of this ID, nil if there was none. It may be at
// this place of list.
func (e *earlier) container(list []snapshot.Container, place int, id string) *snapshot.Container {
	if place < len(list) && list[place].ID == id {
		return &list[place]
	}
	if e.containers == nil {
		e.containers = make(map[string]*snapshot.Container, 2*len(e.pods))
		e.addContainers(e.outside)
		for i := range e.pods {
			e.addContainers(e.pods[i].Containers)
		}
	}
	return e.containers[id]
}

func (e *earlier) addContainers(list []snapshot.Container) {
	for i := range list {
		e.containers[list[i].ID] = &list[i]
	}
}
