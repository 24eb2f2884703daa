package kernel

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/kubemon/kubemon/shared/snapshot"
)

// testNetwork sends a known number of packets into a pod's own network
// namespace, which then loses one process after the other: as long as any is
// alive, the pod's traffic is told.
func testNetwork(t *testing.T, a *agent) {
	const packets, payload = 500, 1000
	p := a.tree.makePod(t)
	first, second := p.makeContainer(t), p.makeContainer(t)
	sandbox := startIn(t, first.group, "unshare", "--net", "sleep", "100")
	own := netdevInode(t, os.Getpid())
	eventually(t, "the pod has a network of its own", func() bool { return netdevInode(t, sandbox.Process.Pid) != own })
	connect(t, sandbox.Process.Pid)
	inside := []string{"nsenter", fmt.Sprintf("--net=/proc/%d/ns/net", sandbox.Process.Pid), "sleep", "100"}
	neighbour := startIn(t, second.group, inside...)
	id := netdevInode(t, sandbox.Process.Pid)
	eventually(t, "the second container is in the pod's network", func() bool { return netdevInode(t, neighbour.Process.Pid) == id })

	before := checkNetwork(t, a, p, neighbour.Process.Pid, id)
	conn, err := net.Dial("udp", podAddress+":9")
	must(t, err)
	defer conn.Close()
	for range packets {
		if _, err := conn.Write(make([]byte, payload)); err != nil && !errors.Is(err, syscall.ECONNREFUSED) {
			t.Fatal(err)
		}
	}
	after := checkNetwork(t, a, p, neighbour.Process.Pid, id)
	if got := after.RxPackets - before.RxPackets; got != packets {
		t.Errorf("%d packets are told, want %d", got, packets)
	}
	// A packet has 28 bytes of IP and UDP, and 14 of Ethernet, around the payload.
	if got := after.RxBytes - before.RxBytes; got < packets*(payload+28) || got > packets*(payload+42) {
		t.Errorf("%d bytes are told, want %d packets of %d with their headers", got, packets, payload)
	}

	must(t, sandbox.Process.Kill())
	sandbox.Wait()
	if now := checkNetwork(t, a, p, neighbour.Process.Pid, id); now != after {
		t.Errorf("with its first process the pod's traffic went from %+v to %+v", after, now)
	}
	must(t, neighbour.Process.Kill())
	neighbour.Wait()
	if told := findPod(t, a.snapshot(t), p); told.NetworkID != 0 || told.Network != nil {
		t.Errorf("a pod without processes has network %d %+v", told.NetworkID, told.Network)
	}
}

const (
	nodeSide   = "kmtest0"
	podAddress = "10.99.0.2"
	podMAC     = "02:00:0a:63:00:02"
)

// connect gives the network namespace of a process an eth0, to which
// podAddress leads. Nobody sends anything on it by itself.
func connect(t *testing.T, pid int) {
	t.Helper()
	namespace := fmt.Sprint(pid)
	for _, command := range []string{
		"ip link add " + nodeSide + " type veth peer name eth0 netns " + namespace,
		"nsenter --net=/proc/" + namespace + "/ns/net ip link set eth0 address " + podMAC + " addrgenmode none up",
		"ip link set " + nodeSide + " addrgenmode none up",
		"ip address add 10.99.0.1/24 dev " + nodeSide,
		"ip neighbour replace " + podAddress + " lladdr " + podMAC + " dev " + nodeSide,
	} {
		args := strings.Fields(command)
		if output, err := exec.CommandContext(t.Context(), args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", command, err, output)
		}
	}
}

// checkNetwork compares the pod's only interface with what the kernel tells a
// process of it, and returns it.
func checkNetwork(t *testing.T, a *agent, p pod, pid int, id uint64) snapshot.Interface {
	t.Helper()
	told := findPod(t, a.snapshot(t), p)
	if told.HostNetwork || told.NetworkID != id || len(told.Network) != 1 {
		t.Fatalf("the pod's network is %d %+v, of the host: %v; want %d and one interface", told.NetworkID, told.Network, told.HostNetwork, id)
	}
	if want := netdev(t, pid, "eth0"); told.Network[0] != want {
		t.Errorf("the pod's traffic is %+v, the kernel says %+v", told.Network[0], want)
	}
	return told.Network[0]
}

// netdev returns an interface as the kernel shows it to a process.
func netdev(t *testing.T, pid int, name string) snapshot.Interface {
	t.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/dev", pid))
	must(t, err)
	_, line, ok := bytes.Cut(data, []byte(name+":"))
	fields := strings.Fields(string(line))
	if !ok || len(fields) < 16 {
		t.Fatalf("no %s in %s", name, data)
	}
	n := func(i int) uint64 { return number(t, fields[i]) }
	return snapshot.Interface{
		Interface: name, RxBytes: n(0), RxPackets: n(1), RxErrors: n(2), RxDropped: n(3),
		TxBytes: n(8), TxPackets: n(9), TxErrors: n(10), TxDropped: n(11),
	}
}

// netdevInode tells network namespaces apart.
func netdevInode(t *testing.T, pid int) uint64 {
	t.Helper()
	id, err := group(fmt.Sprintf("/proc/%d/net/dev", pid)).id()
	must(t, err)
	return id
}
