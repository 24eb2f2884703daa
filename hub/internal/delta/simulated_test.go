package delta_test

import (
	"fmt"
	"time"

	"github.com/kubemon/kubemon/shared/snapshot"
)

// A script decides what happens to a simulated node, a byte for each choice.
type script []byte

// choose returns 0 to n-1, and 0 when the script has ended.
func (s *script) choose(n int) int {
	if len(*s) == 0 {
		return 0
	}
	choice := int((*s)[0]) % n
	*s = (*s)[1:]
	return choice
}

const processors = 4

// A simulated node has control groups that count as the kernel's do.
type simulated struct {
	script
	boot    int
	now     time.Duration // since boot
	skew    time.Duration // of the wall clock
	inodes  uint64
	version string
	root    counters
	pods    []*simulatedPod
}

// counters are what the node, or one control group, has counted.
type counters struct {
	id            uint64
	cpu, stalled  uint64 // microseconds
	read, receive uint64 // bytes
	periods       uint64
}

type simulatedPod struct {
	counters
	uid        string
	networkID  uint64
	containers []*simulatedContainer
}

type simulatedContainer struct {
	counters
	name string
}

func newSimulated(events script) *simulated {
	s := &simulated{script: events, version: "1", inodes: 100}
	s.reboot()
	return s
}

func (s *simulated) reboot() {
	s.boot++
	s.now, s.root, s.pods = time.Minute, counters{id: 1}, nil
	s.addPod(fmt.Sprint("pod ", s.inode()))
}

func (s *simulated) inode() uint64 { s.inodes++; return s.inodes }

func (s *simulated) addPod(uid string) {
	p := &simulatedPod{uid: uid, counters: counters{id: s.inode()}, networkID: s.inode()}
	s.pods = append(s.pods, p)
	s.addContainer(p)
}

func (s *simulated) addContainer(p *simulatedPod) {
	id := s.inode()
	p.containers = append(p.containers, &simulatedContainer{counters{id: id}, fmt.Sprint("container ", id)})
}

// happen lets one thing happen, most often nothing.
func (s *simulated) happen() {
	if len(s.pods) == 0 {
		s.addPod(fmt.Sprint("pod ", s.inode()))
	}
	i := s.choose(len(s.pods))
	p := s.pods[i]
	switch s.choose(16) {
	case 1:
		s.addPod(fmt.Sprint("pod ", s.inode()))
	case 2: // the pod goes
		s.pods = append(s.pods[:i:i], s.pods[i+1:]...)
	case 3: // it goes and comes back under its UID, as a static pod does
		s.pods = append(s.pods[:i:i], s.pods[i+1:]...)
		s.addPod(p.uid)
	case 4, 5: // its containers are made anew
		p.containers = nil
		s.addContainer(p)
	case 6: // a container starts anew under its ID
		p.containers[0].counters = counters{id: s.inode()}
	case 7:
		s.addContainer(p)
	case 8:
		p.networkID, p.receive = s.inode(), 0
	case 9:
		s.skew += time.Duration(s.choose(3)-1) * time.Hour
	case 10:
		s.version += "+"
	case 11:
		s.reboot()
	}
}

// pass lets time go by, in which all pods together use no more than there is.
func (s *simulated) pass(d time.Duration) {
	s.now += d
	running := uint64(0)
	for _, p := range s.pods {
		running += uint64(len(p.containers))
	}
	for _, p := range s.pods {
		p.receive += uint64(s.choose(256)) << 10
		p.wait(d)
		for _, c := range p.containers {
			c.wait(d)
			cpu := uint64(d.Microseconds()) * processors * uint64(s.choose(11)) / 10 / running
			read := uint64(s.choose(256)) << 12
			for _, group := range []*counters{&s.root, &p.counters, &c.counters} {
				group.cpu += cpu
				group.read += read
			}
		}
	}
}

func (c *counters) wait(d time.Duration) {
	c.stalled += uint64(d.Microseconds()) / (1 + c.id%3)
	c.periods += uint64(d / (100 * time.Millisecond))
}

// truth is what all groups have counted, by inode, and what all networks have.
func (s *simulated) truth() map[uint64]counters {
	all := map[uint64]counters{s.root.id: s.root}
	for _, p := range s.pods {
		all[p.id], all[p.networkID] = p.counters, p.counters
		for _, c := range p.containers {
			all[c.id] = c.counters
		}
	}
	return all
}

// snapshot is what the agent says. Now and then it leaves a pod out, with a
// warning, or cannot read a group's CPU time.
func (s *simulated) snapshot() *snapshot.Snapshot {
	cur := nodeAt(0)
	cur.BootID, cur.BootNanos, cur.Time = fmt.Sprint("boot ", s.boot), int64(s.now), time.Unix(0, 0).Add(s.now+s.skew)
	cur.Agent.Version = s.version
	cur.Host.CPU = snapshot.HostCPU{Count: processors, UsageMicros: new(s.root.cpu)}
	cur.Pods = cur.Pods[:0]
	for _, p := range s.pods {
		if s.choose(32) == 1 {
			cur.Warnings = []snapshot.Warning{{Source: "cgroup", Reason: "a pod is left out"}}
			continue
		}
		cur.Pods = append(cur.Pods, p.snapshot())
		if s.choose(32) == 1 {
			cur.Pods[len(cur.Pods)-1].CPU = nil
		}
	}
	return cur
}

func (p *simulatedPod) snapshot() snapshot.Pod {
	pod := snapshot.Pod{
		UID: p.uid, CgroupID: p.id, CPU: p.counters.cpuStat(), IO: p.counters.ioStat(), Pressure: p.counters.psi(),
		NetworkID: p.networkID, Network: []snapshot.Interface{{Interface: "eth0", RxBytes: p.receive}},
	}
	for _, c := range p.containers {
		pod.Containers = append(pod.Containers, snapshot.Container{
			ID: c.name, CgroupID: c.id, CPU: c.cpuStat(), IO: c.ioStat(), Pressure: c.psi(),
		})
	}
	return pod
}

func (c *counters) cpuStat() *snapshot.CPU {
	return &snapshot.CPU{
		UsageMicros: c.cpu, LimitMillicores: new(500.0),
		Periods: new(c.periods), ThrottledPeriods: new(c.periods / 4),
	}
}

// ioStat has a line only once the group has used the device.
func (c *counters) ioStat() []snapshot.DeviceIO {
	if c.read == 0 {
		return []snapshot.DeviceIO{}
	}
	return []snapshot.DeviceIO{{Device: "8:0", ReadBytes: c.read}}
}

func (c *counters) psi() *snapshot.Pressure {
	return &snapshot.Pressure{CPU: &snapshot.Stall{SomeMicros: c.stalled}}
}
