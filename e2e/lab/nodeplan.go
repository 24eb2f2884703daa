package lab

import (
	"crypto/sha256"
	"fmt"
	"path/filepath"

	"github.com/kubemon/kubemon/e2e/lab/guest"
)

const (
	containerdSocket = "/run/containerd/containerd.sock"
	containerdConfig = "/run/lab/containerd.toml"
	kubeletConfig    = "/run/lab/kubelet.yaml"
	networkConfig    = "/run/lab/cni"
	// imagesImported is made when the node has its images. The kubelet waits for
	// it, since it would put off for long what it could not start at first.
	imagesImported = "/run/lab/images-imported"
)

// kernelModules are those of the guest's kernel that containers, the bridge
// network plugin and kube-proxy need.
var kernelModules = []string{
	"overlay", "veth", "bridge", "br_netfilter",
	"iptable_nat", "iptable_filter", "ip6table_nat", "ip6table_filter",
	"xt_comment", "xt_mark", "xt_MASQUERADE", "xt_conntrack", "xt_statistic", "xt_nat",
	"xt_addrtype", "xt_REDIRECT", "xt_physdev", "xt_multiport",
}

// nodePlan says what the guest of node n runs: containerd, kubelet and
// kube-proxy, with its pods' network. Sandbox is the image of pod sandboxes.
func (l *Lab) nodePlan(n int, sandbox string) guest.Plan {
	name := nodeName(n)
	return guest.Plan{
		Hostname:       name,
		Interface:      "vec0",
		Address:        fmt.Sprintf("%s/%d", nodeAddress(n), nodePrefixBits),
		Routes:         nodeRoutes(n),
		CommandAddress: onNode(n, commandPort),
		Modules:        kernelModules,
		// A container runtime cannot have its root on an overlay, and the
		// kubelet reports the size of the file system that its root is on.
		Folders: []string{"/var/lib/containerd", "/var/lib/kubelet", "/var/log"},
		Files: []guest.File{
			{Path: "/etc/machine-id", Content: machineID(name)},
			{Path: containerdConfig, Content: containerdTOML(sandbox)},
			{Path: kubeletConfig, Content: kubeletYAML},
			{Path: filepath.Join(networkConfig, "10-pods.conflist"), Content: podNetworkJSON(n)},
		},
		Links: legacyIptables(),
		Services: []guest.Service{
			{Name: "containerd", Args: []string{"containerd", "--config", containerdConfig}},
			{Name: "kubelet", After: imagesImported, Args: []string{l.kubernetesProgram("kubelet"),
				"--config=" + kubeletConfig, "--kubeconfig=" + l.pki(name+".kubeconfig"),
				"--hostname-override=" + name, "--node-ip=" + nodeAddress(n).String(),
				"--root-dir=/var/lib/kubelet", "--cert-dir=/run/lab/kubelet-pki"}},
			{Name: "kube-proxy", After: imagesImported, Args: []string{l.kubernetesProgram("kube-proxy"),
				"--kubeconfig=" + l.pki("kube-proxy.kubeconfig"), "--hostname-override=" + name,
				"--proxy-mode=iptables", "--conntrack-max-per-core=0", "--cluster-cidr=" + podNetworks}},
		},
	}
}

// nodeRoutes leads to the control plane's network and, node by node, to the
// pods of every other node.
func nodeRoutes(n int) []guest.Route {
	routes := []guest.Route{{To: "default", Via: controlPlaneAddress}}
	for other := 1; other <= MaxNodes; other++ {
		if other != n {
			routes = append(routes, guest.Route{To: podNetwork(other).String(), Via: nodeAddress(other).String()})
		}
	}
	return routes
}

// legacyIptables puts the iptables tools that speak the old kernel interface
// first in the guest's PATH: its kernel cannot do what Debian's default, the
// nft kind, asks of it.
func legacyIptables() []guest.Link {
	var links []guest.Link
	for _, tool := range []string{"iptables", "iptables-save", "iptables-restore", "ip6tables", "ip6tables-save", "ip6tables-restore"} {
		links = append(links, guest.Link{Path: "/run/bin/" + tool, Target: "/usr/sbin/xtables-legacy-multi"})
	}
	return links
}

// machineID returns an ID for /etc/machine-id that is each node's own.
func machineID(name string) string {
	sum := sha256.Sum256([]byte(name))
	return fmt.Sprintf("%x\n", sum[:16])
}

func containerdTOML(sandbox string) string {
	return fmt.Sprintf(`version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
[grpc]
  address = %q
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = %q
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = %q
`, containerdSocket, sandbox, networkConfig)
}

// kubeletYAML lets anybody read the kubelet's own figures, which the tests
// compare with; nothing but the lab's network reaches it. Images are imported
// once, so none is ever collected.
const kubeletYAML = `apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
cgroupDriver: cgroupfs
containerRuntimeEndpoint: unix://` + containerdSocket + `
authentication: {anonymous: {enabled: true}, webhook: {enabled: false}}
authorization: {mode: AlwaysAllow}
clusterDNS: [10.96.0.10]
clusterDomain: cluster.local
failSwapOn: false
resolvConf: /etc/resolv.conf
evictionHard: {memory.available: 10Mi}
imageGCHighThresholdPercent: 100
`

// podNetworkJSON is the configuration of the bridge plugin for node n. The
// addresses in use are kept in memory, so that a restarted node has all free.
func podNetworkJSON(n int) string {
	return fmt.Sprintf(`{
  "cniVersion": "0.4.0",
  "name": "pods",
  "plugins": [{
    "type": "bridge", "bridge": "cni0", "isGateway": true, "hairpinMode": true,
    "ipam": {
      "type": "host-local", "dataDir": "/run/lab/addresses",
      "ranges": [[{"subnet": %q}]], "routes": [{"dst": "0.0.0.0/0"}]
    }
  }]
}
`, podNetwork(n))
}
