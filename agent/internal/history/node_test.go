package history

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/kubemon/kubemon/shared/snapshot"
)

// A node is a machine whose counters move as those of a real one. A share of
// its containers works; the others wake up now and then, and sandboxes never.
type node struct {
	random  *rand.Rand
	now     *snapshot.Snapshot
	working float64
}

// newNode returns a node that was up for days, with pods of two containers and
// a sandbox each.
func newNode(pods int, working float64) *node {
	n := &node{random: rand.New(rand.NewPCG(1, 2)), working: working}
	n.now = &snapshot.Snapshot{
		Version: snapshot.Version, Node: "worker-17.example", BootID: "2f60d716-2ddd-4824-a862-85bc218a1e97",
		Time: time.Date(2026, 1, 2, 3, 4, 5, 678901234, time.UTC), BootNanos: 300_000e9,
		Agent: snapshot.Agent{Version: "1.0.0", Cgroup: snapshot.Cgroup{Mode: snapshot.ModeUnified, Controllers: []string{"cpu", "io", "memory", "pids"}, PSI: true}},
		Host: snapshot.Host{
			CPU:      snapshot.HostCPU{Count: 16, UsageMicros: new(uint64(1e11)), UserMicros: new(uint64(1e11)), SystemMicros: new(uint64(1e11))},
			Memory:   snapshot.HostMemory{TotalBytes: new(uint64(64 << 30)), AvailableBytes: new(uint64(20 << 30)), WorkingSetBytes: new(uint64(40 << 30))},
			Pressure: pressure(), Load: []float64{1, 2, 3},
			Disks:       []snapshot.Disk{{Device: "8:0", Name: "sda", ReadBytes: 1e12, WrittenBytes: 1e12, ReadOps: 1e8, WriteOps: 1e8, BusyMicros: 1e10}},
			Network:     []snapshot.Interface{{Interface: "eth0", RxBytes: 1e12, RxPackets: 1e9, TxBytes: 1e12, TxPackets: 1e9}},
			Filesystems: []snapshot.Filesystem{{Mount: "/", TotalBytes: 1e11, AvailableBytes: 5e10, TotalInodes: 1e7, FreeInodes: 9e6}},
		},
		Containers: []snapshot.Container{}, Processes: []snapshot.Process{}, Warnings: []snapshot.Warning{},
	}
	for _, name := range []string{"init.scope", "kubepods.slice", "system.slice", "user.slice"} {
		g := n.group(name)
		n.now.Slices = append(n.now.Slices, snapshot.Slice{Cgroup: name, CgroupID: g.CgroupID, CPU: g.CPU, Memory: g.Memory, IO: g.IO, PIDs: g.PIDs, Pressure: g.Pressure})
	}
	for range pods {
		n.addPod()
	}
	return n
}

func pressure() *snapshot.Pressure {
	stall := func() *snapshot.Stall { return &snapshot.Stall{SomeMicros: 1e9, FullMicros: new(uint64(1e8))} }
	return &snapshot.Pressure{CPU: stall(), Memory: stall(), IO: stall()}
}

func (n *node) hex(digits int) string {
	text := ""
	for len(text) < digits {
		text += fmt.Sprintf("%016x", n.random.Uint64())
	}
	return text[:digits]
}

// group has all that is read of a control group.
func (n *node) group(path string) snapshot.Container {
	r := n.random
	return snapshot.Container{
		ID: n.hex(64), Cgroup: path, CgroupID: 10_000 + r.Uint64N(1e6),
		CPU: &snapshot.CPU{
			UsageMicros: r.Uint64N(1e11), UserMicros: r.Uint64N(1e11), SystemMicros: r.Uint64N(1e11),
			Periods: new(r.Uint64N(1e7)), ThrottledPeriods: new(r.Uint64N(1e5)), ThrottledMicros: new(r.Uint64N(1e10)), LimitMillicores: new(500.0),
		},
		Memory: &snapshot.Memory{
			CurrentBytes: r.Uint64N(1<<20) * 4096, WorkingSetBytes: r.Uint64N(1<<20) * 4096, AnonBytes: r.Uint64N(1<<20) * 4096, FileBytes: r.Uint64N(1<<20) * 4096,
			InactiveFileBytes: r.Uint64N(1<<20) * 4096, SwapBytes: new(uint64(0)), PeakBytes: new(r.Uint64N(1<<20) * 4096), LimitBytes: new(uint64(1 << 32)), OOMKills: new(uint64(0)),
		},
		IO:       []snapshot.DeviceIO{{Device: "8:0", ReadBytes: r.Uint64N(1e10), WrittenBytes: r.Uint64N(1e10), ReadOps: r.Uint64N(1e6), WriteOps: r.Uint64N(1e6)}},
		PIDs:     &snapshot.PIDs{Current: 1 + r.Uint64N(40), Limit: new(uint64(4096))},
		Pressure: pressure(),
	}
}

func (n *node) addPod() {
	uid := fmt.Sprintf("%s-%s-4%s-8%s-%s", n.hex(8), n.hex(4), n.hex(3), n.hex(3), n.hex(12))
	path := "kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" + uid + ".slice"
	g := n.group(path)
	pod := snapshot.Pod{
		UID: uid, Namespace: "shop", Name: "web-" + n.hex(10), QOSClass: "Burstable", Cgroup: path, CgroupID: g.CgroupID,
		CPU: g.CPU, Memory: g.Memory, IO: g.IO, PIDs: g.PIDs, Pressure: g.Pressure, NetworkID: 4026530000 + n.random.Uint64N(1e5),
		Network: []snapshot.Interface{{Interface: "eth0", RxBytes: 1e9, RxPackets: 1e7, TxBytes: 1e9, TxPackets: 1e7}},
	}
	for _, name := range []string{"", "web", "proxy"} {
		c := n.group("")
		c.Name, c.Cgroup = name, path+"/cri-containerd-"+c.ID+".scope"
		pod.Containers = append(pod.Containers, c)
	}
	n.now.Pods = append(n.now.Pods, pod)
}

// later returns the node's snapshot after so long. What was returned before
// stays as it is.
func (n *node) later(d time.Duration) *snapshot.Snapshot {
	encoded, err := snapshot.Encode(n.now, snapshot.ContentTypeMsgpack)
	if err != nil {
		panic(err)
	}
	s, err := snapshot.Decode(encoded, snapshot.ContentTypeMsgpack)
	if err != nil {
		panic(err)
	}
	s.Time, s.BootNanos = s.Time.Add(d), s.BootNanos+int64(d)
	for _, counter := range []*uint64{s.Host.CPU.UsageMicros, s.Host.CPU.UserMicros, s.Host.CPU.SystemMicros} {
		*counter += n.random.Uint64N(40e6)
	}
	s.Host.Load = []float64{float64(n.random.IntN(999)) / 100, float64(n.random.IntN(999)) / 100, float64(n.random.IntN(999)) / 100}
	move(n.random, &s.Host.Network[0])
	for i := range s.Pods {
		pod := &s.Pods[i]
		works := n.random.Float64() < n.working
		for j := range pod.Containers {
			c := &pod.Containers[j]
			n.moveGroup(works && j > 0, j == 0, c.CPU, c.Memory, c.IO, c.PIDs, c.Pressure)
		}
		n.moveGroup(works, false, pod.CPU, pod.Memory, pod.IO, pod.PIDs, pod.Pressure)
		if works || n.random.IntN(2) == 0 {
			move(n.random, &pod.Network[0])
		}
	}
	n.now = s
	return s
}

func move(r *rand.Rand, i *snapshot.Interface) {
	i.RxBytes += r.Uint64N(2e6)
	i.RxPackets += r.Uint64N(2e3)
	i.TxBytes += r.Uint64N(2e6)
	i.TxPackets += r.Uint64N(2e3)
}

// moveGroup lets ten seconds pass in a group.
func (n *node) moveGroup(works, sandbox bool, cpu *snapshot.CPU, memory *snapshot.Memory, io []snapshot.DeviceIO, pids *snapshot.PIDs, pressure *snapshot.Pressure) {
	r := n.random
	if sandbox {
		return
	}
	user, system := r.Uint64N(3e3), r.Uint64N(3e3) // a timer or a probe
	if works {
		user, system = r.Uint64N(2e6), r.Uint64N(5e5)
	}
	cpu.UsageMicros += user + system
	cpu.UserMicros += user
	cpu.SystemMicros += system
	*cpu.Periods += r.Uint64N(100)
	if !works {
		return
	}
	*cpu.ThrottledPeriods += r.Uint64N(5)
	*cpu.ThrottledMicros += r.Uint64N(1e5)
	grown := r.Uint64N(1000) * 4096
	for _, bytes := range []*uint64{&memory.CurrentBytes, &memory.WorkingSetBytes, &memory.AnonBytes} {
		*bytes += grown - 500*4096 // may shrink; wraps only from nothing
	}
	memory.FileBytes += r.Uint64N(10) * 4096
	pressure.CPU.SomeMicros += r.Uint64N(1e5)
	*pressure.CPU.FullMicros += r.Uint64N(1e5)
	if r.IntN(3) == 0 {
		io[0].WrittenBytes += r.Uint64N(1000) * 4096
		io[0].WriteOps += r.Uint64N(1000)
		pressure.IO.SomeMicros += r.Uint64N(1e5)
		pids.Current = 1 + r.Uint64N(40)
	}
}

// replacePod lets one pod go and another come.
func (n *node) replacePod() {
	n.now = new(*n.now)
	i := n.random.IntN(len(n.now.Pods))
	n.now.Pods = slices.Concat(n.now.Pods[:i], n.now.Pods[i+1:])
	n.addPod()
}
