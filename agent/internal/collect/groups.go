package collect

import (
	"fmt"

	"github.com/kubemon/kubemon/agent/internal/cgroup"
	"github.com/kubemon/kubemon/shared/snapshot"
)

// groups reads the slices, pods and containers into s, and returns the
// processes that are in pods. The error is that of the root.
func (r *reading) groups(s *snapshot.Snapshot) (inPods map[int]bool, err error) {
	tree, err := cgroup.Walk(r.node.Cgroup)
	if err != nil {
		return nil, err
	}
	for _, problem := range tree.Problems {
		r.warn("cgroup", problem)
	}
	for _, dir := range tree.Slices {
		if g, ok := r.group(dir); ok {
			s.Slices = append(s.Slices, snapshot.Slice{
				Cgroup: dir, CgroupID: g.id, CPU: g.cpu, Memory: g.memory, IO: g.io, PIDs: g.pids, Pressure: g.pressure,
			})
		}
	}
	names := r.names(len(tree.Pods) > 0)
	networks := r.podNetworks()
	inPods = make(map[int]bool)
	for _, group := range tree.Pods {
		if pod, ok := r.pod(group, names); ok {
			processes := r.podProcesses(group)
			for _, pid := range processes.all {
				inPods[pid] = true
			}
			networks.attach(&pod, processes)
			s.Pods = append(s.Pods, pod)
		}
	}
	for _, group := range tree.Containers {
		if container, ok := r.container(group, names); ok {
			container.Cgroup = group.Path
			s.Containers = append(s.Containers, container)
		}
	}
	return inPods, nil
}

// pod reads a pod and its containers; ok is false when it is gone.
func (r *reading) pod(group cgroup.PodGroup, names names) (pod snapshot.Pod, ok bool) {
	g, ok := r.group(group.Path)
	if !ok {
		return snapshot.Pod{}, false
	}
	name := names.pods[group.UID]
	pod = snapshot.Pod{
		UID: group.UID, Namespace: name.namespace, Name: name.name,
		QOSClass: group.QOSClass, Cgroup: group.Path, CgroupID: g.id,
		CPU: g.cpu, Memory: g.memory, IO: g.io, PIDs: g.pids, Pressure: g.pressure,
		Containers: make([]snapshot.Container, 0, len(group.Containers)),
	}
	for _, group := range group.Containers {
		if container, ok := r.container(group, names); ok {
			pod.Containers = append(pod.Containers, container)
		}
	}
	return pod, true
}

// container reads a container; ok is false when it is gone.
func (r *reading) container(group cgroup.ContainerGroup, names names) (container snapshot.Container, ok bool) {
	g, ok := r.group(group.Path)
	if !ok {
		return snapshot.Container{}, false
	}
	return snapshot.Container{
		ID: group.ID, Name: names.containers[group.ID], CgroupID: g.id,
		CPU: g.cpu, Memory: g.memory, IO: g.io, PIDs: g.pids, Pressure: g.pressure,
	}, true
}

// A group is what the files of one control group say.
type group struct {
	id       uint64
	cpu      *snapshot.CPU
	memory   *snapshot.Memory
	io       []snapshot.DeviceIO
	pids     *snapshot.PIDs
	pressure *snapshot.Pressure
}

// group reads one control group; ok is false when it is gone. It may go at any
// moment, so the question is asked after the last file was read: what is
// missing in a group that is still there was never there, and only then worth
// a warning.
func (r *reading) group(dir string) (g group, ok bool) {
	own := *r
	own.warnings = warnings{}
	g = own.readGroup(dir)
	if !cgroup.Exists(r.node.Cgroup, dir) {
		return group{}, false
	}
	r.warnings.merge(own.warnings)
	return g, true
}

func (r *reading) readGroup(dir string) (g group) {
	var err error
	if g.id, err = r.node.Inode(r.node.Cgroup, dir); err != nil {
		r.warn("cgroup", err)
	}
	if cpu, err := cgroup.ReadCPU(r.node.Cgroup, dir); err != nil {
		r.warnMissing("cpu", err)
	} else {
		g.cpu = new(snapshot.CPU(cpu))
	}
	if memory, err := cgroup.ReadMemory(r.node.Cgroup, dir); err != nil {
		r.warnMissing("memory", err)
	} else {
		g.memory = new(snapshot.Memory(memory))
	}
	if pids, err := cgroup.ReadPIDs(r.node.Cgroup, dir); err != nil {
		r.warnMissing("pids", err)
	} else {
		g.pids = new(snapshot.PIDs(pids))
	}
	g.io = r.groupIO(dir)
	g.pressure = r.groupPressure(dir)
	return g
}

// warnMissing warns that a controller's files could not be read in a group.
func (r *reading) warnMissing(controller string, err error) {
	if cgroup.IsGone(err) {
		err = fmt.Errorf("the controller is not delegated to every group: %w", err)
	}
	r.warn(controller, err)
}
