package collect

import (
	"slices"

	"github.com/kubemon/kubemon/agent/internal/cgroup"
	"github.com/kubemon/kubemon/shared/snapshot"
)

// groups reads the slices, pods and containers into s. The error is that of the
// root. A group is read after the one above it, on which it depends what has to
// be read.
func (r *reading) groups(s *snapshot.Snapshot) error {
	if err := r.tree.Update(); err != nil {
		return err
	}
	for _, problem := range r.tree.Problems {
		r.warnings.addError("cgroup", problem)
	}
	if r.tree.Unwatched != nil {
		r.warnings.add("watch", "changes are not told, so every group is looked at each time: "+r.tree.Unwatched.Error())
	}
	r.names.update(r)
	s.Slices = make([]snapshot.Slice, 0, len(r.tree.Slices))
	s.Pods = make([]snapshot.Pod, 0, len(r.tree.Pods))
	for _, g := range r.tree.Slices {
		if r.read(g) {
			s.Slices = append(s.Slices, snapshot.Slice{
				Cgroup: g.Path, CgroupID: g.ID,
				CPU: r.cpu(g), Memory: r.memory(g), IO: r.groupIO(g), PIDs: r.pids(g), Pressure: r.groupPressure(g),
			})
		}
	}
	for _, pod := range r.tree.Pods {
		if r.read(pod.Group) {
			s.Pods = append(s.Pods, r.pod(pod))
		}
	}
	first := len(r.parts.containers)
	for _, container := range r.tree.Containers {
		if c := r.container(container); c != nil {
			c.Cgroup = container.Path
		}
	}
	s.Containers = slices.Clip(r.parts.containers[first:])
	r.dropNetworks()
	return nil
}

// read reads a group; false means that it is gone.
func (r *reading) read(g *cgroup.Group) bool {
	ok := g.Read(&r.buf, r.sources)
	if !ok {
		r.tree.Gone(g)
	}
	return ok
}

func (r *reading) pod(pod *cgroup.Pod) snapshot.Pod {
	g, name := pod.Group, r.names.pod(pod)
	p := snapshot.Pod{
		UID: pod.UID, Namespace: name.namespace, Name: name.name,
		QOSClass: pod.QOSClass, Cgroup: g.Path, CgroupID: g.ID,
		CPU: r.cpu(g), Memory: r.memory(g), IO: r.groupIO(g), PIDs: r.pids(g), Pressure: r.groupPressure(g),
	}
	first := len(r.parts.containers)
	for _, container := range pod.Containers {
		r.container(container)
	}
	p.Containers = slices.Clip(r.parts.containers[first:])
	r.readNetwork(pod, &p)
	return p
}

// container reads a container and puts it at the end of all; it is nil when the
// container is gone.
func (r *reading) container(container *cgroup.Container) *snapshot.Container {
	g := container.Group
	if !r.read(g) {
		return nil
	}
	return hold(&r.parts.containers, snapshot.Container{
		ID: container.ID, Name: r.names.containers[container.ID].name, CgroupID: g.ID,
		CPU: r.cpu(g), Memory: r.memory(g), IO: r.groupIO(g), PIDs: r.pids(g), Pressure: r.groupPressure(g),
	})
}

func (r *reading) cpu(g *cgroup.Group) *snapshot.CPU {
	if g.CPUErr != nil {
		r.warnings.addGroup("cpu", g.CPUErr)
		return nil
	}
	return r.parts.cpu(g.CPU)
}

func (r *reading) memory(g *cgroup.Group) *snapshot.Memory {
	if g.MemoryErr != nil {
		r.warnings.addGroup("memory", g.MemoryErr)
		return nil
	}
	return r.parts.memory(g.Memory)
}

func (r *reading) pids(g *cgroup.Group) *snapshot.PIDs {
	if g.PIDsErr != nil {
		r.warnings.addGroup("pids", g.PIDsErr)
		return nil
	}
	return hold(&r.parts.pids, snapshot.PIDs{Current: g.PIDs.Current, Limit: r.parts.count(g.PIDs.Limit)})
}

func (r *reading) groupPressure(g *cgroup.Group) *snapshot.Pressure {
	if !r.sources.Pressure {
		return nil // a warning says so, once
	}
	return r.pressure(&g.Pressure, &g.PressureErr)
}
