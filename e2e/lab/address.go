package lab

import (
	"fmt"
	"net"
	"net/netip"
)

// The lab's addresses. Each lab has a network namespace of its own, so every
// lab can use the same ones.
const (
	// MaxNodes is how many nodes a lab can have; their numbers start at 1.
	MaxNodes = 9

	controlPlaneAddress = "10.77.0.1"
	apiServerURL        = "https://" + controlPlaneAddress + ":6443"
	serviceNetwork      = "10.96.0.0/16"
	// apiServiceAddress is the first of the service network, which Kubernetes
	// gives to the Service kubernetes.
	apiServiceAddress = "10.96.0.1"
	podNetworks       = "10.88.0.0/16"
	nodePrefixBits    = 24
	etcdURL           = "http://127.0.0.1:2379"
	etcdPeerURL       = "http://127.0.0.1:2380"

	// KubeletPort is where a node's kubelet listens; it lets anybody read.
	KubeletPort = 10250
	// AgentPort is where a node's kubemon agent listens, on the node's address.
	AgentPort   = 10290
	commandPort = 10400
)

// nodeName returns the name of node n, from 1.
func nodeName(n int) string { return fmt.Sprintf("node%d", n) }

// nodeAddress returns the address of node n on the lab's bridge.
func nodeAddress(n int) netip.Addr { return netip.AddrFrom4([4]byte{10, 77, 0, byte(10 + n)}) }

// nodeMAC returns the hardware address of node n: the same at every boot, so
// that nobody sends to an old one after a restart, and locally administered.
func nodeMAC(n int) net.HardwareAddr { return net.HardwareAddr{0x02, 0, 10, 77, 0, byte(10 + n)} }

// podNetwork returns the network from which the pods of node n get addresses.
func podNetwork(n int) netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 88, byte(10 + n), 0}), 24)
}

// onNode returns the host:port form of a port on node n.
func onNode(n int, port uint16) string {
	return netip.AddrPortFrom(nodeAddress(n), port).String()
}

// checkNode refuses a node number that has no address.
func checkNode(n int) error {
	if n < 1 || n > MaxNodes {
		return fmt.Errorf("node %d: a lab has nodes 1 to %d", n, MaxNodes)
	}
	return nil
}

// forwardedPorts says which address on the host leads where: the hub on the
// listen address itself, the agent of node n on the port n above it, and the
// API server on the port after those of the nodes.
type forwardedPorts struct{ base netip.AddrPort }

// parseListen checks the address that a lab is reachable on.
func parseListen(listen string) (forwardedPorts, error) {
	base, err := netip.ParseAddrPort(listen)
	if err != nil {
		return forwardedPorts{}, fmt.Errorf("listen address %q: expected IP:PORT such as 127.0.0.1:18080", listen)
	}
	if base.Port() == 0 || int(base.Port())+MaxNodes+1 > 65535 {
		return forwardedPorts{}, fmt.Errorf("listen address %q: expected a port from 1 to %d", listen, 65535-MaxNodes-1)
	}
	return forwardedPorts{base}, nil
}

func (f forwardedPorts) above(n int) netip.AddrPort {
	return netip.AddrPortFrom(f.base.Addr(), f.base.Port()+uint16(n))
}

func (f forwardedPorts) hub() netip.AddrPort        { return f.base }
func (f forwardedPorts) agent(n int) netip.AddrPort { return f.above(n) }
func (f forwardedPorts) apiServer() netip.AddrPort  { return f.above(MaxNodes + 1) }
