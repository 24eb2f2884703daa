package collect

import (
	"bytes"
	"cmp"
	"errors"
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
	process    cgroup.Process
	members    hostfs.Reader // cgroup.procs of its group
	netdev     hostfs.Reader // not kept open, which would keep the namespace alive
	id         uint64        // of the namespace, 0 when nobody is alive to say
	seen       int64         // when: boot time of the reading
}

// readNetwork fills in the network of a pod. In the node's own namespace the
// traffic is the node's, and the pod has none.
func (r *reading) readNetwork(pod *cgroup.Pod, to *snapshot.Pod) {
	if r.files.netdev.err != nil {
		return // nothing to compare with
	}
	hostID := r.files.netdev.file.Inode()
	network := r.networks[pod]
	if network == nil {
		network = &podNetwork{}
		r.networks[pod] = network
	}
	network.seen = r.bootNanos
	if !slices.Equal(network.containers, pod.Containers) || !r.stillThere(network, hostID) {
		r.choose(network, pod, hostID)
	}
	if network.id == 0 {
		return
	}
	to.NetworkID, to.HostNetwork = network.id, network.id == hostID
	if !to.HostNetwork {
		to.Network = r.podInterfaces()
	}
}

// stillThere reports whether the chosen process is still in the pod and in the
// namespace, and leaves the namespace's interfaces in podLinks. A process in
// the host's namespace is asked for the inode only: its file may be long.
func (r *reading) stillThere(network *podNetwork, hostID uint64) bool {
	if network.id == 0 || !r.isMember(network) {
		return false
	}
	if network.id == hostID {
		id, err := r.node.Proc.Inode(network.netdev.Name())
		return err == nil && id == hostID
	}
	text, err := r.buf.Read(network.netdev)
	if err != nil && !isEnded(err) {
		r.warn("network", err)
	}
	if err != nil || network.netdev.Inode() != network.id {
		return false
	}
	r.podLinks, err = procfs.AppendNetdev(r.podLinks[:0], text)
	if err != nil {
		r.warn("network", fmt.Errorf("parse %s: %w", network.netdev.Name(), err))
	}
	return err == nil
}

// isMember reports whether the chosen process is in its group: it may have
// moved, and another may have its PID.
func (r *reading) isMember(network *podNetwork) bool {
	text, err := r.buf.Read(network.members)
	if err != nil {
		return false
	}
	r.members, err = cgroup.AppendProcs(r.members[:0], text)
	return err == nil && slices.Contains(r.members, network.process.PID)
}

// choose looks for a process anew.
func (r *reading) choose(network *podNetwork, pod *cgroup.Pod, hostID uint64) {
	network.close()
	network.containers = pod.Containers
	processes := r.processesOf(pod)
	network.process, network.id = r.namespace(processes)
	if network.id == 0 {
		r.checkHidden(pod, processes)
		return
	}
	network.members = r.node.Cgroup.Reader(network.process.Group, "cgroup.procs", hostfs.KeepOpen)
	network.netdev = r.node.Proc.Reader(strconv.Itoa(network.process.PID)+"/net", "dev", hostfs.OpenEachTime)
	if !r.stillThere(network, hostID) {
		network.id = 0 // it ended just now
	}
}

// checkHidden warns when a pod has processes that are still there and cannot be
// looked at, as with a /proc that hides them.
func (r *reading) checkHidden(pod *cgroup.Pod, processes podProcesses) {
	if len(processes.all) > 0 && slices.Contains(r.processesOf(pod).all, processes.all[0]) {
		r.warnings.add("network", fmt.Sprintf("process %d of pod %s cannot be looked at: is /proc mounted with hidepid?", processes.all[0].PID, pod.UID))
	}
}

func (n *podNetwork) close() {
	if n.members != nil {
		n.members.Close()
	}
}

// dropNetworks forgets the pods that are gone.
func (r *reading) dropNetworks() {
	for pod, network := range r.networks {
		if network.seen != r.bootNanos {
			network.close()
			delete(r.networks, pod)
		}
	}
}

// podProcesses are the processes of one pod.
type podProcesses struct {
	all []cgroup.Process
	// first has the lowest of each container: the likeliest to have started it
	// and to be in the pod's own network namespace.
	first []cgroup.Process
}

// processesOf lists the processes in a pod's containers, and where none of them
// has any to show those in the pod's own group.
func (r *reading) processesOf(pod *cgroup.Pod) podProcesses {
	var p podProcesses
	for _, container := range pod.Containers {
		p.add(r, container.Path)
	}
	if len(p.all) == 0 {
		p.add(r, pod.Path)
	}
	return p
}

// add adds the processes of a group. One that vanished has none.
func (p *podProcesses) add(r *reading, group string) {
	had := len(p.all)
	var err error
	p.all, err = cgroup.AppendProcesses(r.node.Cgroup, &r.buf, group, p.all)
	if err != nil && !cgroup.IsGone(err) && !errors.Is(err, errors.ErrUnsupported) { // it is threaded
		r.warn("network", err)
	}
	if err == nil && len(p.all) > had {
		p.first = append(p.first, slices.MinFunc(p.all[had:], func(a, b cgroup.Process) int { return cmp.Compare(a.PID, b.PID) }))
	}
}

// namespace returns the ID of the network namespace that most of the pod's
// containers are in, and a process there: a container that makes namespaces of
// its own is outvoted by the sandbox and its neighbours. The ID is 0 when none
// is alive.
func (r *reading) namespace(processes podProcesses) (process cgroup.Process, id uint64) {
	votes := make(map[uint64]int)
	for _, candidate := range processes.first {
		inode, err := r.node.Proc.Inode(netdevFile(candidate.PID))
		if err != nil {
			continue
		}
		votes[inode]++
		if id == 0 || votes[inode] > votes[id] {
			process, id = candidate, inode
		}
	}
	if id != 0 {
		return process, id
	}
	for _, candidate := range processes.all {
		if inode, err := r.node.Proc.Inode(netdevFile(candidate.PID)); err == nil {
			return candidate, inode
		}
	}
	return cgroup.Process{}, 0
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
