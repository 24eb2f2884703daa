package aggregate

import (
	"iter"

	"github.com/kubemon/kubemon/hub"
)

// A match is one pod: as the API server knows it, as its node's agent saw it,
// or both.
type match struct {
	pod *hub.Pod // nil while the API server has not shown it
	// seen is the pod's control group, nil if it has none of its own.
	seen *hub.PodReading
	// parts are the control groups whose usage makes up the pod's, and
	// containers those of its containers, wherever they lie.
	parts      []*hub.Usage
	containers []*hub.ContainerReading
}

// join matches one node's pods, in the order of the reading. Containers
// outside every pod's control group go to the pod that has their ID; those
// that no pod claims are the host's own and left out.
func join(r *hub.Reading, inv *hub.Inventory) []*match {
	matches := make([]*match, 0, len(r.Pods))
	byPod := make(map[*hub.Pod]*match, len(r.Pods))
	of := func(p *hub.Pod) *match {
		m := byPod[p]
		if m == nil || p == nil {
			m = &match{pod: p}
			matches = append(matches, m)
			byPod[p] = m
		}
		return m
	}
	for i := range r.Pods {
		seen := &r.Pods[i]
		pod, _ := inv.PodByUID(r.Node, seen.UID)
		m := of(pod)
		m.seen = seen
		m.parts = append(m.parts, &seen.Usage)
		for j := range seen.Containers {
			m.containers = append(m.containers, &seen.Containers[j])
		}
	}
	for i := range r.Containers {
		stray := &r.Containers[i]
		if pod, ok := inv.PodByContainer(stray.ID); ok && pod.Node == r.Node {
			m := of(pod)
			m.parts = append(m.parts, &stray.Usage)
			m.containers = append(m.containers, stray)
		}
	}
	return matches
}

// identity returns what the pod is called: by the API server, else by the
// agent's hint, else by the control group.
func (m *match) identity() (namespace, name, uid string) {
	switch {
	case m.pod != nil:
		return m.pod.Namespace, m.pod.Name, m.pod.UID
	case m.seen.Name != "":
		return m.seen.Namespace, m.seen.Name, m.seen.UID
	}
	return "", m.seen.UID, m.seen.UID
}

// usage is the pod's, nil if nothing of it was seen. One control group says
// all of it; the usage of several, which lie beside each other, is added up.
func (m *match) usage() *hub.Usage {
	switch len(m.parts) {
	case 0:
		return nil
	case 1:
		return m.parts[0]
	}
	total := hub.NewUsage()
	for _, part := range m.parts {
		addUsage(&total, part)
	}
	settle(&total, "control groups")
	return &total
}

// A member is one container of a match.
type member struct {
	name string
	spec *hub.Container        // nil while the API server has not shown the pod
	seen *hub.ContainerReading // nil if it has no control group
}

// members yields the pod's containers as the API server lists them. Of a pod
// that it has not shown, those that the agent could name: a control group
// without a name is the sandbox, which is part of the pod only.
func (m *match) members() iter.Seq[member] {
	return func(yield func(member) bool) {
		if m.pod == nil {
			for _, seen := range m.containers {
				if seen.Name != "" && !yield(member{seen.Name, nil, seen}) {
					return
				}
			}
			return
		}
		for i := range m.pod.Containers {
			spec := &m.pod.Containers[i]
			if !yield(member{spec.Name, spec, m.container(spec)}) {
				return
			}
		}
	}
}

// container finds a container's control group by its ID. A status may lag
// behind a restart by seconds; until it has caught up, a control group whose
// ID no status has is taken by the agent's hint.
func (m *match) container(spec *hub.Container) *hub.ContainerReading {
	var hinted *hub.ContainerReading
	for _, seen := range m.containers {
		if seen.ID == spec.ID {
			return seen
		}
		if seen.Name == spec.Name && !m.claimed(seen.ID) {
			hinted = seen
		}
	}
	return hinted
}

func (m *match) claimed(id string) bool {
	for i := range m.pod.Containers {
		if m.pod.Containers[i].ID == id {
			return true
		}
	}
	return false
}
