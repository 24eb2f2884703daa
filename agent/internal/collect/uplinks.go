package collect

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/kubemon/kubemon/agent/internal/procfs"
	"github.com/kubemon/kubemon/shared/snapshot"
)

// hostNetwork counts what passes between the node and the world, once: the
// uplinks' lines of the node's own /proc/1/net/dev. It is nil when that cannot
// be read.
func (r *reading) hostNetwork() []snapshot.Interface {
	all, err := procfs.ReadNetdev(r.node.Proc, 1)
	if err != nil {
		r.warn("network", err)
		return nil
	}
	uplinks := r.uplinks(all)
	network := []snapshot.Interface{}
	for _, i := range all {
		if slices.Contains(uplinks, i.Interface) {
			network = append(network, snapshot.Interface(i))
		}
	}
	if len(network) == 0 {
		r.warnings.add("network", "no uplink found: no physical interface and no default route")
	}
	return network
}

// uplinks are the interfaces that carry the node's own traffic: the physical
// ones. A node without any, such as a container or a guest, has those of its
// default routes, followed down to what carries the bytes: the members of a
// bond, the parent of a VLAN. Bridges and veths of pods are neither, so a
// pod's traffic is not counted again on its way through the node.
func (r *reading) uplinks(all []procfs.Interface) []string {
	var physical []string
	for _, i := range all {
		if r.isPhysical(i.Interface) && !r.hasPhysicalMaster(i.Interface) {
			physical = append(physical, i.Interface)
		}
	}
	if len(physical) > 0 {
		return physical
	}
	var carriers []string
	for _, name := range r.defaultRoutes() {
		carriers = append(carriers, r.carriers(name, 0)...)
	}
	return carriers
}

// isPhysical reports whether an interface is hardware, real or emulated: its
// link in /sys/class/net does not lead to the virtual devices.
func (r *reading) isPhysical(name string) bool {
	target, err := fs.ReadLink(r.node.Sys, path.Join("class/net", name))
	return err == nil && !strings.Contains(target, "/virtual/")
}

// hasPhysicalMaster reports whether an interface is the fast path of another
// that counts its bytes too, as with accelerated networking of virtual machines.
func (r *reading) hasPhysicalMaster(name string) bool {
	target, err := fs.ReadLink(r.node.Sys, path.Join("class/net", name, "master"))
	return err == nil && r.isPhysical(path.Base(target))
}

// carriers follows the links named lower_* down from an interface. Depth ends a
// circle, which no kernel makes.
func (r *reading) carriers(name string, depth int) []string {
	entries, err := fs.ReadDir(r.node.Sys, path.Join("class/net", name))
	if err != nil || depth > 8 {
		return []string{name}
	}
	var carriers []string
	for _, entry := range entries {
		if lower, ok := strings.CutPrefix(entry.Name(), "lower_"); ok {
			carriers = append(carriers, r.carriers(lower, depth+1)...)
		}
	}
	if len(carriers) == 0 {
		return []string{name}
	}
	return carriers
}

// defaultRoutes are the interfaces with a default route of IPv4 or IPv6.
func (r *reading) defaultRoutes() []string {
	names, err := procfs.ReadDefaultRoutes(r.node.Proc)
	if err != nil {
		r.warn("network", fmt.Errorf("read the default routes: %w", err))
	}
	// A kernel without IPv6 has no such file.
	if more, err := procfs.ReadDefaultRoutesIPv6(r.node.Proc); err == nil {
		names = append(names, more...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}
