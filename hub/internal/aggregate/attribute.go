package aggregate

import (
	"slices"
	"time"

	"github.com/kubemon/kubemon/hub"
)

// Attribute names the rows of one node's reading: the node, its processors by
// mode, its pods and their containers, with their owners. The frame keeps those names, so that a pod
// that is gone can still be asked for. A pod that the API server has not shown
// is named by the agent's hint and has no owner. What lingers of a pod that has
// ended has no row.
func Attribute(r *hub.Reading, inv *hub.Inventory, round time.Time) *hub.Frame {
	matches := slices.DeleteFunc(join(r, inv), func(m *match) bool { return m.pod != nil && ended(m.pod) })
	rows := 1 + int(hub.CPUModeCount) + len(matches)
	for _, m := range matches {
		rows += len(m.containers)
	}
	frame := &hub.Frame{Time: round, Node: r.Node, Rows: make([]hub.Row, 0, rows)}
	add := func(s hub.Series, u *hub.Usage) {
		frame.Rows = append(frame.Rows, hub.Row{Series: s, Usage: *u})
	}
	add(hub.Series{Kind: hub.KindNode, Node: r.Node}, &r.Host.Usage)
	if r.Host.CPUModes != nil {
		for mode, millicores := range r.Host.CPUModes {
			add(hub.Series{Kind: hub.CPUMode(mode).Kind(), Node: r.Node}, modeUsage(&r.Host, millicores))
		}
	}
	for _, m := range matches {
		series := m.series(r.Node)
		add(series, m.usage())
		for c := range m.members() {
			if c.seen == nil {
				continue
			}
			series.Kind, series.Container = hub.KindContainer, c.name
			add(series, &c.seen.Usage)
		}
	}
	return frame
}

// modeUsage is a usage of nothing but the processors' time in one mode.
func modeUsage(host *hub.HostReading, millicores float64) *hub.Usage {
	u := hub.NewUsage()
	u.OverSeconds = host.Usage.OverSeconds
	u.Values[hub.CPUMillicores] = millicores
	return &u
}

func (m *match) series(node string) hub.Series {
	s := hub.Series{Kind: hub.KindPod, Node: node}
	s.Namespace, s.Pod, s.PodUID = m.identity()
	if m.pod != nil {
		s.OwnerKind, s.OwnerName = m.pod.Owner.Kind, m.pod.Owner.Name
	}
	return s
}
