package collect

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/kubemon/kubemon/agent/internal/procfs"
	"github.com/kubemon/kubemon/shared/snapshot"
)

// A link is what is known of one interface of the node.
type link struct {
	name   string
	uplink bool
}

// knowsLinks reports whether the facts know every interface that there is now.
func (r *reading) knowsLinks() bool {
	for i := range r.links {
		if _, ok := r.facts.links[string(r.links[i].Name)]; !ok {
			return false
		}
	}
	return true
}

// hostNetwork counts what passes between the node and the world, once: the
// uplinks' lines of the node's own /proc/1/net/dev. It is nil when that cannot
// be read.
func (r *reading) hostNetwork() []snapshot.Interface {
	if err := r.files.netdev.err; err != nil {
		r.warn("network", err)
		return nil
	}
	network := make([]snapshot.Interface, 0, 4)
	for i := range r.links {
		if link := r.facts.links[string(r.links[i].Name)]; link.uplink {
			network = append(network, snapshotInterface(&r.links[i], link.name))
		}
	}
	return network
}

func snapshotInterface(i *procfs.Interface, name string) snapshot.Interface {
	return snapshot.Interface{
		Interface: name,
		RxBytes:   i.RxBytes, RxPackets: i.RxPackets, RxErrors: i.RxErrors, RxDropped: i.RxDropped,
		TxBytes: i.TxBytes, TxPackets: i.TxPackets, TxErrors: i.TxErrors, TxDropped: i.TxDropped,
	}
}

// findLinks finds the uplinks among the node's interfaces.
func (f *factFinder) findLinks(present []procfs.Interface) {
	f.links = make(map[string]link, len(present))
	names := make([]string, 0, len(present))
	for i := range present {
		name := procfs.Text(present[i].Name)
		names = append(names, name)
		f.links[string(present[i].Name)] = link{name: name}
	}
	uplinks := f.uplinks(names)
	found := false
	for i := range present {
		if key := string(present[i].Name); slices.Contains(uplinks, f.links[key].name) {
			f.links[key] = link{name: f.links[key].name, uplink: true}
			found = true
		}
	}
	if !found && len(present) > 0 {
		f.warn("network", errors.New("no uplink found: no physical interface and no default route"))
	}
}

// uplinks are the interfaces that carry the node's own traffic: the physical
// ones. A node without any, such as a container or a guest, has those of its
// default routes, followed down to what carries the bytes: the members of a
// bond, the parent of a VLAN. Bridges and veths of pods are neither, so a
// pod's traffic is not counted again on its way through the node.
func (f *factFinder) uplinks(names []string) []string {
	var physical []string
	for _, name := range names {
		if f.isPhysical(name) && !f.hasPhysicalMaster(name) {
			physical = append(physical, name)
		}
	}
	if len(physical) > 0 {
		return physical
	}
	var carriers []string
	for _, name := range f.defaultRoutes() {
		carriers = append(carriers, f.carriers(name, 0)...)
	}
	return carriers
}

// isPhysical reports whether an interface is hardware, real or emulated: its
// link in /sys/class/net does not lead to the virtual devices.
func (f *factFinder) isPhysical(name string) bool {
	target, err := fs.ReadLink(f.node.Sys, path.Join("class/net", name))
	return err == nil && !strings.Contains(target, "/virtual/")
}

// hasPhysicalMaster reports whether an interface is the fast path of another
// that counts its bytes too, as with accelerated networking of virtual machines.
func (f *factFinder) hasPhysicalMaster(name string) bool {
	target, err := fs.ReadLink(f.node.Sys, path.Join("class/net", name, "master"))
	return err == nil && f.isPhysical(path.Base(target))
}

// carriers follows the links named lower_* down from an interface. Depth ends a
// circle, which no kernel makes.
func (f *factFinder) carriers(name string, depth int) []string {
	entries, err := fs.ReadDir(f.node.Sys, path.Join("class/net", name))
	if err != nil || depth > 8 {
		return []string{name}
	}
	var carriers []string
	for _, entry := range entries {
		if lower, ok := strings.CutPrefix(entry.Name(), "lower_"); ok {
			carriers = append(carriers, f.carriers(lower, depth+1)...)
		}
	}
	if len(carriers) == 0 {
		return []string{name}
	}
	return carriers
}

// defaultRoutes are the interfaces with a default route of IPv4 or IPv6.
func (f *factFinder) defaultRoutes() []string {
	var names []string
	text, err := fs.ReadFile(f.node.Proc, "1/net/route")
	if err == nil {
		names, err = procfs.ParseDefaultRoutes(text)
	}
	if err != nil {
		f.warn("network", fmt.Errorf("read the default routes: %w", err))
	}
	// A kernel without IPv6 has no such file.
	if text, err := fs.ReadFile(f.node.Proc, "1/net/ipv6_route"); err == nil {
		more, err := procfs.ParseDefaultRoutesIPv6(text)
		if err != nil {
			f.warn("network", fmt.Errorf("read the default routes of IPv6: %w", err))
		}
		names = append(names, more...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}
