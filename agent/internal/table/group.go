package table

import (
	"io"
	"slices"

	"github.com/kubemon/kubemon/shared/snapshot"
)

// groupHeadings are the columns of a control group, after its name.
func groupHeadings() []string {
	return []string{
		"CPU-SECONDS", "THROTTLED-SECONDS", "WORKING-SET", "RSS", "READ", "WRITTEN",
		"PIDS", "CPU-LIMIT", "MEMORY-LIMIT", "OOM-KILLS",
	}
}

// A group is what slices, pods and containers have in common.
type group struct {
	cpu    *snapshot.CPU
	memory *snapshot.Memory
	io     []snapshot.DeviceIO
	pids   *snapshot.PIDs
}

// cells are the group's columns.
func (g group) cells() []string {
	cpu, throttled, cpuLimit := unknown, unknown, unknown
	if g.cpu != nil {
		cpu, throttled, cpuLimit = seconds(&g.cpu.UsageMicros), seconds(g.cpu.ThrottledMicros), millicores(g.cpu.LimitMillicores)
	}
	workingSet, rss, memoryLimit, oomKills := unknown, unknown, unknown, unknown
	if m := g.memory; m != nil {
		workingSet, rss, oomKills = size(&m.WorkingSetBytes), size(&m.AnonBytes), number(m.OOMKills)
		memoryLimit = limit(m.LimitBytes)
	}
	read, written := unknown, unknown
	if g.io != nil {
		var readBytes, writtenBytes uint64
		for _, device := range g.io {
			readBytes += device.ReadBytes
			writtenBytes += device.WrittenBytes
		}
		read, written = size(&readBytes), size(&writtenBytes)
	}
	pids := unknown
	if g.pids != nil {
		pids = number(&g.pids.Current)
	}
	return []string{cpu, throttled, workingSet, rss, read, written, pids, cpuLimit, memoryLimit, oomKills}
}

// topGroups has the control groups directly below the root.
func topGroups(w io.Writer, groups []snapshot.Slice) {
	if len(groups) == 0 {
		return
	}
	t := begin(w, slices.Concat([]string{"SLICE"}, groupHeadings())...)
	for _, s := range groups {
		g := group{cpu: s.CPU, memory: s.Memory, io: s.IO, pids: s.PIDs}
		t.row(slices.Concat([]string{s.Cgroup}, g.cells())...)
	}
	t.end()
}

// pods has a line for each pod and below it one for each of its containers,
// which have no network of their own.
func pods(w io.Writer, pods []snapshot.Pod) {
	t := begin(w, slices.Concat([]string{"POD", "QOS"}, groupHeadings(), []string{"RX", "TX"})...)
	for _, p := range pods {
		g := group{cpu: p.CPU, memory: p.Memory, io: p.IO, pids: p.PIDs}
		rx, tx := traffic(p)
		t.row(slices.Concat([]string{podName(p), p.QOSClass}, g.cells(), []string{rx, tx})...)
		for _, c := range p.Containers {
			t.row(slices.Concat([]string{"  " + containerName(c), ""}, containerGroup(c).cells())...)
		}
	}
	t.end()
}

// containers has those outside every pod, if there are any.
func containers(w io.Writer, containers []snapshot.Container) {
	if len(containers) == 0 {
		return
	}
	t := begin(w, slices.Concat([]string{"CONTAINER", "CGROUP"}, groupHeadings())...)
	for _, c := range containers {
		t.row(slices.Concat([]string{containerName(c), c.Cgroup}, containerGroup(c).cells())...)
	}
	t.end()
}

func containerGroup(c snapshot.Container) group {
	return group{cpu: c.CPU, memory: c.Memory, io: c.IO, pids: c.PIDs}
}

// podName is the UID of a pod whose name is not known.
func podName(p snapshot.Pod) string {
	if p.Name == "" {
		return p.UID
	}
	return p.Namespace + "/" + p.Name
}

// containerName is the beginning of the ID of a container whose name is not
// known. A sandbox has none.
func containerName(c snapshot.Container) string {
	if c.Name == "" {
		return c.ID[:min(len(c.ID), 12)]
	}
	return c.Name
}

// traffic sums up a pod's interfaces.
func traffic(p snapshot.Pod) (rx, tx string) {
	if p.HostNetwork {
		return "host", "host"
	}
	if p.Network == nil {
		return unknown, unknown
	}
	var rxBytes, txBytes uint64
	for _, i := range p.Network {
		rxBytes += i.RxBytes
		txBytes += i.TxBytes
	}
	return size(&rxBytes), size(&txBytes)
}
