package snapshot

import "slices"

// Sizes are how many control groups there are in each list of a snapshot.
type sizes struct {
	slices, pods, containers int
	// inPods are the containers of each pod.
	inPods []int
}

// The depths of the walk at which lists of control groups lie: in the snapshot
// and in a pod of its pods.
const (
	inSnapshot = 1
	inPod      = 3
)

// add notes the size of a list. Only a snapshot that is none has two of one
// name; what is noted wrong costs room, or lacks some.
func (s *sizes) add(name []byte, depth, size int) {
	switch {
	case depth == inPod && string(name) == "containers":
		s.inPods = append(s.inPods, size)
	case depth != inSnapshot:
	case string(name) == "slices":
		s.slices = size
	case string(name) == "pods":
		s.pods = size
	case string(name) == "containers":
		s.containers = size
	}
}

// A room has memory for the parts of control groups. Each part on its own would
// be a small allocation, of which a node with sixty containers has two thousand
// and a hub with a thousand nodes two million to look after.
type room struct {
	cpus      []CPU
	memories  []Memory
	ios       []DeviceIO
	pids      []PIDs
	pressures []Pressure
	stalls    []Stall
	numbers   []uint64
}

// leastGroupBytes is less than any real control group takes in a body.
const leastGroupBytes = 64

// makeRoom prepares an empty s for decoding: its lists have the capacity, and
// their elements the parts, that the decoder then fills. It sets to nil again
// what turns out to be omitted; a part that may be there and null is not
// prepared.
func (s *Snapshot) makeRoom(n sizes, bodyBytes int) {
	all := n.containers
	for _, size := range n.inPods {
		all += size
	}
	groups := n.slices + n.pods + all
	if groups*leastGroupBytes > bodyBytes {
		return // more than there can be: they are made one by one until the decoder sees that
	}
	r := room{
		cpus: make([]CPU, groups), memories: make([]Memory, groups), ios: make([]DeviceIO, groups), pids: make([]PIDs, groups),
		pressures: make([]Pressure, groups), stalls: make([]Stall, 3*groups), numbers: make([]uint64, 9*groups),
	}
	containers := make([]Container, all)
	for i := range containers {
		c := &containers[i]
		c.CPU, c.Memory, c.IO, c.PIDs, c.Pressure = r.group()
	}
	s.Slices, s.Pods, s.Containers = make([]Slice, n.slices), make([]Pod, n.pods), take(&containers, n.containers)[:0]
	for i := range s.Slices {
		c := &s.Slices[i]
		c.CPU, c.Memory, c.IO, c.PIDs, c.Pressure = r.group()
	}
	for i := range s.Pods {
		c := &s.Pods[i]
		c.CPU, c.Memory, c.IO, c.PIDs, c.Pressure = r.group()
		if i < len(n.inPods) {
			c.Containers = take(&containers, n.inPods[i])[:0]
		}
	}
	s.Slices, s.Pods = s.Slices[:0], s.Pods[:0]
}

// group returns the parts of one control group.
func (r *room) group() (*CPU, *Memory, []DeviceIO, *PIDs, *Pressure) {
	cpu, memory, pressure := one(&r.cpus), one(&r.memories), one(&r.pressures)
	cpu.Periods, cpu.ThrottledPeriods, cpu.ThrottledMicros = one(&r.numbers), one(&r.numbers), one(&r.numbers)
	memory.SwapBytes, memory.PeakBytes, memory.OOMKills = one(&r.numbers), one(&r.numbers), one(&r.numbers)
	pressure.CPU, pressure.Memory, pressure.IO = r.stall(), r.stall(), r.stall()
	return cpu, memory, take(&r.ios, 1)[:0], one(&r.pids), pressure
}

func (r *room) stall() *Stall {
	s := one(&r.stalls)
	s.FullMicros = one(&r.numbers)
	return s
}

// take cuts the first n elements off list, and one the first.
func take[T any](list *[]T, n int) []T {
	taken := slices.Clip((*list)[:n])
	*list = (*list)[n:]
	return taken
}

func one[T any](list *[]T) *T { return &take(list, 1)[0] }
