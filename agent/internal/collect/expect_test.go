package collect_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kubemon/kubemon/agent/internal/fixture"
	"github.com/kubemon/kubemon/shared/snapshot"
)

// An expectation is the snapshot that a description wants, in the making. It is
// worked out from what stands below "expect" alone: how the node was laid out
// is not known here.
type expectation struct {
	snapshot.Snapshot
	everyGroup []fixture.Option  // fields of each control group
	io         []string          // the devices that groups have io of
	ids        map[string]uint64 // of pods' network namespaces, by name
}

// claims are in the order in which they are worked out.
var claims = []struct {
	name   string
	expect func(*expectation, *fixture.Statement) error
}{
	{"agent", func(e *expectation, s *fixture.Statement) error { return setAll(&e.Agent, s.Options) }},
	{"disk", (*expectation).disk},
	{"network", (*expectation).uplinks},
	{"host", (*expectation).host},
	{"every", (*expectation).every},
	{"slice", (*expectation).slice},
	{"pod", (*expectation).pod},
	{"container", (*expectation).container},
	{"process", (*expectation).process},
	{"warning", (*expectation).warning},
}

// newExpectation works out the expected snapshot.
func newExpectation(expect []*fixture.Statement) (*snapshot.Snapshot, error) {
	e := usualNode()
	for _, s := range expect {
		known := false
		for _, claim := range claims {
			known = known || claim.name == s.Name
		}
		if !known {
			return nil, fixture.At(s.Line, fmt.Errorf("%s is no part of a snapshot", s.Name))
		}
	}
	for _, claim := range claims {
		for _, s := range expect {
			if s.Name != claim.name {
				continue
			}
			if err := claim.expect(e, s); err != nil {
				return nil, fixture.At(s.Line, err)
			}
		}
	}
	return &e.Snapshot, nil
}

// usualNode is what a snapshot says when nothing below "expect" says otherwise:
// see testdata/README.md.
func usualNode() *expectation {
	e := &expectation{ids: make(map[string]uint64)}
	e.Snapshot = snapshot.Snapshot{
		Version: snapshot.Version, Node: "node1", BootID: "2f60d716-2ddd-4824-a862-85bc218a1e97",
		Time: time.Date(2026, 1, 2, 3, 4, 5, 678901234, time.UTC), BootNanos: 123456789,
		Agent: snapshot.Agent{Version: "test", Cgroup: snapshot.Cgroup{
			Mode: snapshot.ModeUnified, Controllers: []string{"cpu", "cpuset", "io", "memory", "pids"}, PSI: true,
		}},
		Host: snapshot.Host{
			Load:     []float64{0.5, 0.25, 0.1},
			Pressure: pressure(7),
			Disks:    []snapshot.Disk{},
			Network:  []snapshot.Interface{},
		},
		Slices: []snapshot.Slice{}, Pods: []snapshot.Pod{}, Containers: []snapshot.Container{}, Processes: []snapshot.Process{},
		Warnings: []snapshot.Warning{{Source: "filesystems", Reason: "a copy of /proc has no mounts that could be measured"}},
	}
	e.Host.CPU = snapshot.HostCPU{
		Count: 2, UsageMicros: new(uint64(9_000_000)), UserMicros: new(uint64(6_300_000)), SystemMicros: new(uint64(2_700_000)),
		IOWaitMicros: new(uint64(200_000)), StealMicros: new(uint64(30_000)),
		Modes: &snapshot.CPUModes{
			UserMicros: 1_000_000, NiceMicros: 100_000, SystemMicros: 500_000, IdleMicros: 10_000_000,
			IOWaitMicros: 200_000, IRQMicros: 50_000, SoftIRQMicros: 50_000, StealMicros: 30_000,
		},
	}
	e.Host.Memory = snapshot.HostMemory{
		TotalBytes: new(uint64(1_024_000)), AvailableBytes: new(uint64(614_400)), SwapTotalBytes: new(uint64(51_200)), SwapFreeBytes: new(uint64(40_960)),
		AnonBytes: new(uint64(18_000_000)), FileBytes: new(uint64(13_500_000)), WorkingSetBytes: new(uint64(22_500_000)),
	}
	return e
}

// host reads "host [nested n=N] [FIELD=VALUE…]".
func (e *expectation) host(s *fixture.Statement) error {
	if s.Take("nested") {
		group := e.group(s.N)
		e.Host.CPU.UsageMicros, e.Host.CPU.UserMicros, e.Host.CPU.SystemMicros = &group.cpu.UsageMicros, &group.cpu.UserMicros, &group.cpu.SystemMicros
		e.Host.Memory.AnonBytes, e.Host.Memory.FileBytes, e.Host.Memory.WorkingSetBytes = &group.memory.AnonBytes, &group.memory.FileBytes, &group.memory.WorkingSetBytes
		e.Host.Pressure = group.pressure
	}
	return setAll(&e.Host, s.Options)
}

// every reads "every group FIELD=VALUE…".
func (e *expectation) every(s *fixture.Statement) error {
	e.everyGroup = append(e.everyGroup, s.Options...)
	if !slices.Equal(s.Words, []string{"group"}) {
		return fmt.Errorf("every %q, want every group", s.Words)
	}
	return nil
}

// disk reads "disk NAME MAJOR:MINOR n=N".
func (e *expectation) disk(s *fixture.Statement) error {
	if err := s.Takes(2); err != nil {
		return err
	}
	e.io = append(e.io, s.Words[1])
	e.Host.Disks = append(e.Host.Disks, snapshot.Disk{
		Name: s.Words[0], Device: s.Words[1], ReadOps: 10 * s.N, ReadBytes: 51200 * s.N, WriteOps: 20 * s.N, WrittenBytes: 102400 * s.N, BusyMicros: 3000 * s.N,
	})
	return nil
}

// uplinks reads "network INTERFACE=N…" of the node.
func (e *expectation) uplinks(s *fixture.Statement) (err error) {
	e.Host.Network, err = interfaces(s.Options)
	return err
}

func interfaces(options []fixture.Option) ([]snapshot.Interface, error) {
	list := []snapshot.Interface{}
	for _, o := range options {
		n, err := strconv.ParseUint(o.Value, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("interface %s=%s, want a number", o.Key, o.Value)
		}
		list = append(list, snapshot.Interface{
			Interface: o.Key, RxBytes: 100 * n, RxPackets: 10 * n, RxErrors: n, RxDropped: 2 * n,
			TxBytes: 300 * n, TxPackets: 30 * n, TxErrors: 3 * n, TxDropped: 4 * n,
		})
	}
	return list, nil
}

// expectedGroup is what every control group has.
type expectedGroup struct {
	cpu      *snapshot.CPU
	memory   *snapshot.Memory
	io       []snapshot.DeviceIO
	pids     *snapshot.PIDs
	pressure *snapshot.Pressure
}

// group is the rule in testdata/README.md.
func (e *expectation) group(n uint64) expectedGroup {
	io := []snapshot.DeviceIO{}
	for _, device := range e.io {
		io = append(io, snapshot.DeviceIO{Device: device, ReadBytes: 800 * n, WrittenBytes: 900 * n, ReadOps: 8 * n, WriteOps: 9 * n})
	}
	return expectedGroup{
		cpu: &snapshot.CPU{
			UsageMicros: 1000 * n, UserMicros: 700 * n, SystemMicros: 300 * n,
			Periods: new(10 * n), ThrottledPeriods: new(2 * n), ThrottledMicros: new(50 * n),
		},
		memory: &snapshot.Memory{
			CurrentBytes: 4000 * n, WorkingSetBytes: 3000 * n, AnonBytes: 2000 * n, FileBytes: 1500 * n, InactiveFileBytes: 1000 * n,
			PeakBytes: new(5000 * n), SwapBytes: new(600 * n), OOMKills: new(3 * n),
		},
		io:       io,
		pids:     &snapshot.PIDs{Current: n},
		pressure: pressure(n),
	}
}

func pressure(n uint64) *snapshot.Pressure {
	return &snapshot.Pressure{
		CPU:    &snapshot.Stall{SomeMicros: 11 * n, FullMicros: new(uint64)},
		Memory: &snapshot.Stall{SomeMicros: 14 * n, FullMicros: new(4 * n)},
		IO:     &snapshot.Stall{SomeMicros: 15 * n, FullMicros: new(5 * n)},
	}
}

// slice reads "slice PATH n=N [FIELD=VALUE…]".
func (e *expectation) slice(s *fixture.Statement) error {
	if len(s.Words) != 1 {
		return fmt.Errorf("slice with %d words %q, want its path", len(s.Words), s.Words)
	}
	g := e.group(s.N)
	slice := snapshot.Slice{Cgroup: s.Words[0], CPU: g.cpu, Memory: g.memory, IO: g.io, PIDs: g.pids, Pressure: g.pressure}
	err := setAll(&slice, slices.Concat(e.everyGroup, s.Options))
	e.Slices = append(e.Slices, slice)
	return err
}

// pod reads "pod UID CLASS n=N cgroup=PATH [FIELD=VALUE…]", with its network and
// its containers below.
func (e *expectation) pod(s *fixture.Statement) error {
	if len(s.Words) != 2 || s.Option("cgroup") == "" {
		return fmt.Errorf("pod with the words %q, want its UID and class, and cgroup=PATH", s.Words)
	}
	g := e.group(s.N)
	pod := snapshot.Pod{
		UID: s.Words[0], QOSClass: s.Words[1], CPU: g.cpu, Memory: g.memory, IO: g.io, PIDs: g.pids, Pressure: g.pressure,
		Containers: []snapshot.Container{},
	}
	for _, below := range s.Body {
		if err := e.inPod(&pod, below); err != nil {
			return fixture.At(below.Line, err)
		}
	}
	err := setAll(&pod, slices.Concat(e.everyGroup, s.Options))
	e.Pods = append(e.Pods, pod)
	return err
}

// inPod reads "container ID n=N [FIELD=VALUE…]", and "network NAME INTERFACE=N…"
// or "network host".
func (e *expectation) inPod(pod *snapshot.Pod, s *fixture.Statement) (err error) {
	switch s.Name {
	case "container":
		container, err := e.newContainer(s)
		pod.Containers = append(pod.Containers, container)
		return err
	case "network":
		if len(s.Words) != 1 {
			return fmt.Errorf("network with %d words %q, want its name", len(s.Words), s.Words)
		}
		pod.NetworkID = e.networkID(s.Words[0])
		if s.Words[0] == "host" {
			pod.HostNetwork = true
			return s.Takes(1)
		}
		pod.Network, err = interfaces(s.Options)
		return err
	}
	return fmt.Errorf("%s in a pod, want container or network", s.Name)
}

// networkID is the number of a network namespace: two pods in the same one have
// the same.
func (e *expectation) networkID(name string) uint64 {
	if e.ids[name] == 0 {
		e.ids[name] = uint64(len(e.ids) + 1)
	}
	return e.ids[name]
}

// container reads a container outside every pod, which has its path as well.
func (e *expectation) container(s *fixture.Statement) error {
	if s.Option("cgroup") == "" {
		return fmt.Errorf("container without cgroup=PATH")
	}
	container, err := e.newContainer(s)
	e.Containers = append(e.Containers, container)
	return err
}

func (e *expectation) newContainer(s *fixture.Statement) (snapshot.Container, error) {
	if len(s.Words) != 1 {
		return snapshot.Container{}, fmt.Errorf("container with %d words %q, want its ID", len(s.Words), s.Words)
	}
	g := e.group(s.N)
	container := snapshot.Container{ID: s.Words[0], CPU: g.cpu, Memory: g.memory, IO: g.io, PIDs: g.pids, Pressure: g.pressure}
	return container, setAll(&container, slices.Concat(e.everyGroup, s.Options))
}

// process reads "process PID NAME n=N [FIELD=VALUE…]".
func (e *expectation) process(s *fixture.Statement) error {
	if len(s.Words) != 2 {
		return fmt.Errorf("process with the words %q, want its PID and name", s.Words)
	}
	pid, err := strconv.Atoi(s.Words[0])
	if err != nil {
		return fmt.Errorf("process %s, want its PID", s.Words[0])
	}
	process := snapshot.Process{
		PID: pid, PPID: min(pid-1, 1), Name: s.Words[1],
		CPUMicros: 30_000 * s.N, RSSBytes: 16_384 * s.N, Threads: int(s.N), StartTicks: 10 * s.N,
	}
	err = setAll(&process, s.Options)
	e.Processes = append(e.Processes, process)
	return err
}

// warning reads "warning SOURCE REASON": the reason, or a part of it.
func (e *expectation) warning(s *fixture.Statement) error {
	if err := s.Takes(2); err != nil {
		return err
	}
	e.Warnings = append(e.Warnings, snapshot.Warning{Source: s.Words[0], Reason: s.Words[1]})
	return nil
}

// setAll sets fields of what value points at.
func setAll(value any, options []fixture.Option) error {
	for _, o := range options {
		if err := setField(reflect.ValueOf(value).Elem(), o.Key, o.Value); err != nil {
			return err
		}
	}
	return nil
}

// setField sets one field, named as in JSON with a dot between the names, to a
// text or a number, or whatever JSON says.
func setField(v reflect.Value, name, text string) error {
	for part := range strings.SplitSeq(name, ".") {
		if v.Kind() == reflect.Pointer {
			if v.IsNil() {
				v.Set(reflect.New(v.Type().Elem()))
			}
			v = v.Elem()
		}
		if v.Kind() != reflect.Struct {
			return fmt.Errorf("%s: %s is in no struct", name, part)
		}
		field, ok := v.Type().FieldByNameFunc(func(field string) bool {
			f, _ := v.Type().FieldByName(field)
			tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			return tag == part
		})
		if !ok {
			return fmt.Errorf("%s: there is no field %s", name, part)
		}
		v = v.FieldByIndex(field.Index)
	}
	v.SetZero()
	if v.Kind() == reflect.String {
		v.SetString(text)
		return nil
	}
	if err := json.Unmarshal([]byte(text), v.Addr().Interface()); err != nil {
		return fmt.Errorf("%s=%s: %w", name, text, err)
	}
	return nil
}

// inOrder sorts what has no order in the contract.
func inOrder(s *snapshot.Snapshot) {
	byID := func(a, b snapshot.Container) int { return cmp.Compare(a.ID, b.ID) }
	slices.SortFunc(s.Slices, func(a, b snapshot.Slice) int { return cmp.Compare(a.Cgroup, b.Cgroup) })
	slices.SortFunc(s.Pods, func(a, b snapshot.Pod) int { return cmp.Compare(a.UID, b.UID) })
	for i := range s.Pods {
		slices.SortFunc(s.Pods[i].Containers, byID)
	}
	slices.SortFunc(s.Containers, byID)
	slices.SortFunc(s.Warnings, func(a, b snapshot.Warning) int { return cmp.Compare(a.Source, b.Source) })
}
