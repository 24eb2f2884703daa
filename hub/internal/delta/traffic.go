package delta

import (
	"github.com/kubemon/kubemon/hub"
	"github.com/kubemon/kubemon/shared/snapshot"
)

// A flow is a pair of byte counters and their increases: read and written, or
// received and transmitted.
type flow struct {
	in, out           float64
	grownIn, grownOut increase
}

// add adds a counter pair that both samples have.
func (f *flow) add(prevIn, curIn, prevOut, curOut uint64) {
	f.count(curIn, curOut)
	f.grownIn = f.grownIn.plus(grown(prevIn, curIn))
	f.grownOut = f.grownOut.plus(grown(prevOut, curOut))
}

// count adds a counter pair without an earlier sample: it has no part in the
// increase.
func (f *flow) count(in, out uint64) {
	f.in += float64(in)
	f.out += float64(out)
}

// unknown makes the increases unknown.
func (f *flow) unknown(why string) {
	f.grownIn = f.grownIn.plus(increase{why: why})
	f.grownOut = f.grownOut.plus(increase{why: why})
}

func (c *comparison) setDisk(u *draft, f flow) {
	u.Values[hub.DiskReadBytes] = f.in
	u.Values[hub.DiskWriteBytes] = f.out
	c.perSecond(f.grownIn).set(u, hub.DiskReadBytesPerSecond)
	c.perSecond(f.grownOut).set(u, hub.DiskWriteBytesPerSecond)
}

func (c *comparison) setNetwork(u *draft, f flow) {
	u.Values[hub.NetworkRxBytes] = f.in
	u.Values[hub.NetworkTxBytes] = f.out
	c.perSecond(f.grownIn).set(u, hub.NetworkRxBytesPerSecond)
	c.perSecond(f.grownOut).set(u, hub.NetworkTxBytesPerSecond)
}

// disk adds up a control group's devices. The kernel lists a device only once
// the group has used it, so one that is new in io.stat counts from 0, unless it
// is new to the agent: then it has counted since an unknown time, and joins the
// increase with its second sample.
func (c *comparison) disk(u *draft, prev, cur []snapshot.DeviceIO) {
	if cur == nil {
		u.lacks("disk", c.absent.disk)
		return
	}
	before := make(map[string]snapshot.DeviceIO, len(prev))
	for _, d := range prev {
		before[d.Device] = d
	}
	var f flow
	known := 0
	for _, d := range cur {
		p, listed := before[d.Device]
		if !listed && c.before.disks[d.Device] == nil {
			f.count(d.ReadBytes, d.WrittenBytes)
			continue
		}
		f.add(p.ReadBytes, d.ReadBytes, p.WrittenBytes, d.WrittenBytes)
		known++
	}
	if prev == nil || known == 0 && len(cur) > 0 {
		f.unknown(c.noRate)
	}
	c.setDisk(u, f)
}

// podNetwork adds up a pod's interfaces. Its counters belong to the network
// namespace: they may begin anew, or go on, apart from the control group's.
func (c *comparison) podNetwork(u *draft, prev, cur *snapshot.Pod) {
	switch {
	case cur.HostNetwork:
		u.lacks("network", hostNetwork)
	case cur.NetworkID == 0 && cur.Network == nil:
		u.lacks("network", noLiveProcess)
	case cur.Network == nil:
		u.lacks("network", networkUnread)
	case prev == nil || prev.NetworkID != cur.NetworkID || cur.NetworkID == 0:
		c.setNetwork(u, c.interfaces(nil, cur.Network))
	default:
		c.setNetwork(u, c.interfaces(prev.Network, cur.Network))
		u.OverSeconds = c.seconds
	}
}

// interfaces adds up network interfaces. One that is new has counted since an
// unknown time, so it joins the increase with its second sample.
func (c *comparison) interfaces(prev, cur []snapshot.Interface) flow {
	before := make(map[string]*snapshot.Interface, len(prev))
	for i := range prev {
		before[prev[i].Interface] = &prev[i]
	}
	var f flow
	known := 0
	for i := range cur {
		n := &cur[i]
		p := before[n.Interface]
		if p == nil {
			f.count(n.RxBytes, n.TxBytes)
			continue
		}
		f.add(p.RxBytes, n.RxBytes, p.TxBytes, n.TxBytes)
		known++
	}
	if known == 0 && (prev == nil || len(cur) > 0) {
		f.unknown(c.noRate)
	}
	return f
}
