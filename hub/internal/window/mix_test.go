package window_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/kubemon/kubemon/hub"
)

// A mix makes the frames of nodes whose containers do what containers do: of a
// hundred, 60 idle, 33 work a little and 7 are busy. Each has ten numbers that
// the kernel keeps (CPU, working set, RSS, cache, network and disk both ways,
// processes and pressure) and the four rates that follow from its counters.
// The same seed gives the same frames.
type mix struct {
	rand       *rand.Rand
	start      time.Time
	containers map[string][]*container // by node
}

// A container is one that is simulated.
type container struct {
	row      hub.Row
	busyness float64 // 0, or about how many millicores
}

const perNode = 30

func newMix(nodes int) *mix {
	m := &mix{
		rand:  rand.New(rand.NewPCG(1, 2)),
		start: time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC), containers: map[string][]*container{},
	}
	for i := range nodes {
		for j := range perNode {
			node := nodeName(i)
			m.containers[node] = append(m.containers[node], m.container(node, i*perNode+j))
		}
	}
	return m
}

func nodeName(i int) string { return fmt.Sprintf("node-%04d", i) }

func (m *mix) container(node string, i int) *container {
	c := &container{}
	switch kind := m.rand.IntN(100); {
	case kind >= 93:
		c.busyness = 800
	case kind >= 60:
		c.busyness = 40
	}
	v := hub.Unknown()
	pages := func(most int) float64 { return 4096 * float64(m.rand.IntN(most)) }
	v[hub.MemoryRSSBytes], v[hub.MemoryCacheBytes] = pages(100_000), pages(100_000)
	v[hub.MemoryBytes] = v[hub.MemoryRSSBytes] + v[hub.MemoryCacheBytes]/2
	for _, counter := range []hub.Metric{hub.NetworkRxBytes, hub.NetworkTxBytes, hub.DiskReadBytes, hub.DiskWriteBytes} {
		v[counter] = float64(m.rand.IntN(1 << 40))
	}
	v[hub.PIDs], v[hub.PressureCPUSome], v[hub.CPUMillicores] = 5, 0, 0
	c.row = hub.Row{Usage: hub.Usage{Values: v}, Series: hub.Series{
		Kind: hub.KindContainer, Node: node, Namespace: fmt.Sprint("team-", i%20), Pod: fmt.Sprintf("web-6d4cf56db6-%05x", i),
		PodUID: fmt.Sprintf("0d9f3a52-77aa-4a54-a9d8-5f1c6a3%05x", i), Container: "web", OwnerKind: "Deployment", OwnerName: "web",
	}}
	return c
}

// frame is one node's round of that number, the rounds taken in order.
func (m *mix) frame(node string, round int) *hub.Frame {
	f := &hub.Frame{Time: m.start.Add(time.Duration(round) * 10 * time.Second), Node: node}
	over := 10 + 0.002*m.rand.NormFloat64() // agents answer a little earlier or later
	for _, c := range m.containers[node] {
		c.row.Usage.OverSeconds = over
		m.step(c)
		f.Rows = append(f.Rows, c.row)
	}
	return f
}

// step changes a container's numbers by what happened in one round.
func (m *mix) step(c *container) {
	v := &c.row.Usage.Values
	switch {
	case c.busyness == 0:
		if m.sometimes(0.5) { // a timer fired
			v[hub.CPUMillicores] = 0.05 + 0.05*m.rand.Float64()
		}
		if m.sometimes(0.05) {
			m.allocate(v, 4)
		}
		m.count(c, hub.NetworkRxBytes, hub.NetworkRxBytesPerSecond, 0.1, 600)
		m.count(c, hub.NetworkTxBytes, hub.NetworkTxBytesPerSecond, 0.1, 400)
		m.count(c, hub.DiskWriteBytes, hub.DiskWriteBytesPerSecond, 0.02, 4096)
		m.count(c, hub.DiskReadBytes, hub.DiskReadBytesPerSecond, 0, 0)
		return
	case c.busyness < 100:
		m.count(c, hub.DiskReadBytes, hub.DiskReadBytesPerSecond, 0.1, 1<<16)
		m.count(c, hub.DiskWriteBytes, hub.DiskWriteBytesPerSecond, 0.5, 1<<16)
	default:
		m.count(c, hub.DiskReadBytes, hub.DiskReadBytesPerSecond, 0.7, 1<<22)
		m.count(c, hub.DiskWriteBytes, hub.DiskWriteBytesPerSecond, 1, 1<<22)
	}
	v[hub.CPUMillicores] = c.busyness * (0.8 + 0.4*m.rand.Float64())
	m.allocate(v, int(c.busyness))
	m.count(c, hub.NetworkRxBytes, hub.NetworkRxBytesPerSecond, 1, 1000*c.busyness)
	m.count(c, hub.NetworkTxBytes, hub.NetworkTxBytesPerSecond, 1, 1000*c.busyness)
	if m.sometimes(c.busyness / 1000) {
		v[hub.PressureCPUSome] = math.Abs(m.rand.NormFloat64()) * 0.05
		v[hub.PIDs] = float64(5 + m.rand.IntN(4))
	}
}

func (m *mix) sometimes(share float64) bool { return m.rand.Float64() < share }

// allocate changes memory by up to so many pages.
func (m *mix) allocate(v *hub.Values, pages int) {
	rss, cache := 4096*float64(m.rand.IntN(2*pages)-pages), 4096*float64(m.rand.IntN(pages))
	v[hub.MemoryRSSBytes] = max(v[hub.MemoryRSSBytes]+rss, 0)
	v[hub.MemoryBytes] = max(v[hub.MemoryBytes]+rss, 0)
	if m.sometimes(0.5) {
		v[hub.MemoryCacheBytes] += cache
	}
}

// count adds about so many bytes to a counter, and sets its rate.
func (m *mix) count(c *container, counter, rate hub.Metric, share, bytes float64) {
	u := &c.row.Usage
	added := 0.0
	if m.sometimes(share) {
		added = math.Floor(bytes * (0.5 + m.rand.Float64()))
	}
	u.Values[counter] += added
	u.Values[rate] = added / u.OverSeconds
}

// end is the time of the last round of an hour.
func (m *mix) end() time.Time { return m.start.Add((hour - 1) * 10 * time.Second) }
