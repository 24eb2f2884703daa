package collect

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"

	"github.com/kubemon/kubemon/agent/internal/cgroup"
	"github.com/kubemon/kubemon/agent/internal/hostfs"
	"github.com/kubemon/kubemon/agent/internal/procfs"
	"github.com/kubemon/kubemon/shared/snapshot"
)

// A podNetwork is where a pod's network can be read: any process of it that is
// alive, and the inode of its net/dev, which is the network namespace's.
type podNetwork struct {
	containers []*cgroup.Container // that the process was chosen from
	folder     string              // of /proc, PID/net
	file       hostfs.Reader       // its dev; not kept open, which would keep the namespace alive
	id         uint64              // of the namespace
	seen       int64               // when: boot time of the reading
}

// readNetwork fills in the network of a pod. In the node's own namespace the
// traffic is the node's, and the pod has none.
func (r *reading) readNetwork(pod *cgroup.Pod, to *snapshot.Pod) {
	hostID := r.files.netdev.file.Inode()
	if r.files.netdev.err != nil {
		return // nothing to compare with
	}
	network := r.networks[pod]
	if network == nil {
		network = &podNetwork{}
		r.networks[pod] = network
	}
	network.seen = r.bootNanos
	if !slices.Equal(network.containers, pod.Containers) || !r.stillThere(network, hostID) {
		r.choose(network, pod)
	}
	if network.id == 0 {
		return // nobody is alive to say
	}
	if network.id == hostID {
		to.NetworkID, to.HostNetwork = network.id, true
		return
	}
	to.NetworkID, to.Network = network.id, r.podInterfaces()
}

// stillThere reports whether the chosen process is still in the namespace. One
// of the host's is asked for its inode only: its file may be long.
func (r *reading) stillThere(network *podNetwork, hostID uint64) bool {
	if network.id == 0 {
		return false
	}
	if network.id == hostID {
		id, err := r.node.Proc.Inode(network.folder + "/dev")
		return err == nil && id == hostID
	}
	text, err := r.buf.Read(network.file)
	if err != nil || network.file.Inode() != network.id {
		return false
	}
	r.podLinks, err = procfs.AppendNetdev(r.podLinks[:0], text)
	if err != nil {
		r.warn("network", fmt.Errorf("parse %s: %w", network.file.Name(), err))
	}
	return err == nil
}

// choose looks for a process anew.
func (r *reading) choose(network *podNetwork, pod *cgroup.Pod) {
	network.containers, network.id = pod.Containers, 0
	pid, id := r.namespace(r.processesOf(pod))
	if pid == 0 {
		return
	}
	network.folder, network.id = strconv.Itoa(pid)+"/net", id
	network.file = r.node.Proc.Reader(network.folder, "dev", hostfs.OpenEachTime)
	if !r.stillThere(network, r.files.netdev.file.Inode()) {
		network.id = 0 // it ended just now
	}
}

// dropNetworks forgets the pods that are gone.
func (r *reading) dropNetworks() {
	for pod, network := range r.networks {
		if network.seen != r.bootNanos {
			delete(r.networks, pod)
		}
	}
}

// processIDs are the processes of one pod.
type processIDs struct {
	all []int
	// first has the lowest of each container: the likeliest to have started it
	// and to be in the pod's own network namespace.
	first []int
}

// processesOf lists the processes in a pod's containers, and where none of them
// has any to show those in the pod's own group.
func (r *reading) processesOf(pod *cgroup.Pod) processIDs {
	var p processIDs
	for _, container := range pod.Containers {
		p.add(r, container.Path)
	}
	if len(p.all) == 0 {
		p.add(r, pod.Path)
	}
	return p
}

// add adds the processes of a group. One that vanished has none.
func (p *processIDs) add(r *reading, group string) {
	had := len(p.all)
	var err error
	p.all, err = cgroup.AppendPIDs(r.node.Cgroup, &r.buf, group, p.all)
	if err == nil && len(p.all) > had {
		p.first = append(p.first, slices.Min(p.all[had:]))
	}
}

// namespace returns the ID of the network namespace that most of the pod's
// containers are in, and a process there: a container that makes namespaces of
// its own is outvoted by the sandbox and its neighbours. The PID is 0 when none
// is alive.
func (r *reading) namespace(processes processIDs) (pid int, id uint64) {
	votes := make(map[uint64]int)
	for _, candidate := range processes.first {
		inode, err := r.node.Proc.Inode(netdevFile(candidate))
		if err != nil {
			continue
		}
		votes[inode]++
		if pid == 0 || votes[inode] > votes[id] {
			pid, id = candidate, inode
		}
	}
	if pid != 0 {
		return pid, id
	}
	for _, candidate := range processes.all {
		if inode, err := r.node.Proc.Inode(netdevFile(candidate)); err == nil {
			return candidate, inode
		}
	}
	return 0, 0
}

// netdevFile is the name in /proc of the file that counts the interfaces of the
// network namespace in which a process is. Its inode identifies that namespace,
// also for who may not read /proc/PID/ns.
func netdevFile(pid int) string { return strconv.Itoa(pid) + "/net/dev" }

// podInterfaces keeps the interfaces that carry a pod's bytes, each byte once:
// those that the network plugins make, eth0 and further eth* and net*. Tunnels
// and bridges in the pod are stacked on them. A pod with other names keeps all
// but the loopback. It takes what stillThere read.
func (r *reading) podInterfaces() []snapshot.Interface {
	first := len(r.parts.interfaces)
	plugins := slices.ContainsFunc(r.podLinks, func(i procfs.Interface) bool { return ofPlugin(i.Name) })
	for i := range r.podLinks {
		link := &r.podLinks[i]
		if string(link.Name) != "lo" && ofPlugin(link.Name) == plugins {
			hold(&r.parts.interfaces, snapshotInterface(link, r.strings.of(link.Name)))
		}
	}
	return slices.Clip(r.parts.interfaces[first:])
}

func ofPlugin(name []byte) bool {
	return bytes.HasPrefix(name, []byte("eth")) || bytes.HasPrefix(name, []byte("net"))
}
