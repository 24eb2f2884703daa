package collect

import (
	"slices"
	"strings"

	"github.com/kubemon/kubemon/agent/internal/cgroup"
	"github.com/kubemon/kubemon/agent/internal/procfs"
	"github.com/kubemon/kubemon/shared/snapshot"
)

// processIDs are the processes of one pod.
type processIDs struct {
	all []int
	// first has the lowest of each container: the likeliest to have started it
	// and to be in the pod's own network namespace.
	first []int
}

// podProcesses lists the processes in a pod's containers. Those of a container
// that vanished are left out.
func (r *reading) podProcesses(pod cgroup.PodGroup) processIDs {
	var p processIDs
	groups := []string{pod.Path}
	if len(pod.Containers) > 0 {
		groups = groups[:0]
	}
	for _, container := range pod.Containers {
		groups = append(groups, container.Path)
	}
	for _, group := range groups {
		pids, err := cgroup.ReadProcs(r.node.Cgroup, group)
		if err != nil || len(pids) == 0 {
			continue
		}
		p.all = append(p.all, pids...)
		p.first = append(p.first, slices.Min(pids))
	}
	return p
}

// podNetworks reads the network namespaces of pods, each once.
type podNetworks struct {
	r      *reading
	hostID uint64
	read   map[uint64][]snapshot.Interface // by the namespace's ID
}

func (r *reading) podNetworks() *podNetworks {
	hostID, err := r.node.Inode(r.node.Proc, procfs.NetdevFile(1))
	if err != nil {
		r.warn("network", err)
	}
	return &podNetworks{r: r, hostID: hostID, read: make(map[uint64][]snapshot.Interface)}
}

// attach fills in the network of a pod from any process of it that is alive. In
// the node's own namespace the traffic is the node's, and the pod has none.
func (n *podNetworks) attach(pod *snapshot.Pod, processes processIDs) {
	pid, id := n.namespace(processes)
	if pid == 0 || n.hostID == 0 {
		return // nobody is alive to say, or nothing to compare with
	}
	pod.NetworkID = id
	if id == n.hostID {
		pod.HostNetwork = true
		return
	}
	network, seen := n.read[id]
	if !seen {
		all, err := procfs.ReadNetdev(n.r.node.Proc, pid)
		if err != nil {
			return // it ended just now
		}
		network = podInterfaces(all)
		n.read[id] = network
	}
	pod.Network = network
}

// namespace returns the ID of the network namespace that most of the pod's
// containers are in, and a process there: a container that makes namespaces of
// its own is outvoted by the sandbox and its neighbours. The PID is 0 when none
// is alive.
func (n *podNetworks) namespace(processes processIDs) (pid int, id uint64) {
	votes := make(map[uint64]int)
	for _, candidate := range processes.first {
		inode, err := n.r.node.Inode(n.r.node.Proc, procfs.NetdevFile(candidate))
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
		if inode, err := n.r.node.Inode(n.r.node.Proc, procfs.NetdevFile(candidate)); err == nil {
			return candidate, inode
		}
	}
	return 0, 0
}

// podInterfaces keeps the interfaces that carry a pod's bytes, each byte once:
// those that the network plugins make, eth0 and further eth* and net*. Tunnels
// and bridges in the pod are stacked on them. A pod with other names keeps all
// but the loopback.
func podInterfaces(all []procfs.Interface) []snapshot.Interface {
	kept, others := []snapshot.Interface{}, []snapshot.Interface{}
	for _, i := range all {
		switch {
		case i.Interface == "lo":
		case strings.HasPrefix(i.Interface, "eth"), strings.HasPrefix(i.Interface, "net"):
			kept = append(kept, snapshot.Interface(i))
		default:
			others = append(others, snapshot.Interface(i))
		}
	}
	if len(kept) == 0 {
		return others
	}
	return kept
}
