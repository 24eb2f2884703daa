package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubemon/kubemon/e2e/lab/guest"
)

const (
	bootTimeout  = time.Minute
	readyTimeout = 3 * time.Minute
	// guestMemory and guestDiskBytes are ceilings, taken only as they are used.
	guestMemory    = "2G"
	guestDiskBytes = 8 << 30
)

// A Node is one of the lab's nodes.
type Node struct {
	// Number counts from 1.
	Number int
	// Name is the name that Kubernetes knows it by.
	Name string
	// IP is its address in the lab's network.
	IP netip.Addr
}

// Node returns node n, whether or not it runs.
func (l *Lab) Node(n int) Node {
	return Node{Number: n, Name: nodeName(n), IP: nodeAddress(n)}
}

// Nodes returns the nodes that run.
func (l *Lab) Nodes() []Node {
	var nodes []Node
	for n := 1; n <= MaxNodes; n++ {
		if _, ok := l.running(nodeName(n)); ok {
			nodes = append(nodes, l.Node(n))
		}
	}
	return nodes
}

// AddNode starts the first node number that is not in use, gives it the lab's
// images and waits until it is Ready.
func (l *Lab) AddNode(ctx context.Context) (Node, error) {
	for n := 1; n <= MaxNodes; n++ {
		if _, err := os.Stat(l.diskFile(n)); errors.Is(err, fs.ErrNotExist) {
			return l.Node(n), l.StartNode(ctx, n)
		}
	}
	return Node{}, fmt.Errorf("add node: all %d nodes of lab %s exist", MaxNodes, l.name)
}

// StartNode starts node n, with the disk that it had before if there is one,
// and waits until it is Ready. It returns at once if the node runs.
func (l *Lab) StartNode(ctx context.Context, n int) error {
	if err := checkNode(n); err != nil {
		return err
	}
	if _, ok := l.running(nodeName(n)); ok {
		return nil
	}
	started := time.Now()
	if err := l.bootGuest(ctx, n, l.nodePlan(n, l.sandboxImage())); err != nil {
		return fmt.Errorf("start %s: %w", nodeName(n), err)
	}
	bootID, err := l.waitBooted(ctx, n)
	if err != nil {
		return err
	}
	if err := l.importOn(ctx, n, l.archives()); err != nil {
		return err
	}
	// The images must survive a power cut; containerd does not sync them all.
	if _, err := l.OnNode(ctx, n, nil, "sync"); err != nil {
		return err
	}
	if _, err := l.OnNode(ctx, n, nil, "touch", imagesImported); err != nil {
		return err
	}
	if err := l.waitReady(ctx, n, bootID); err != nil {
		return err
	}
	l.progress.step("%s is Ready, %.1f s after its start", nodeName(n), time.Since(started).Seconds())
	return nil
}

// StopNode ends node n at once, as a power cut would. Its disk stays, without
// what was not synced yet.
func (l *Lab) StopNode(n int) error {
	if err := checkNode(n); err != nil {
		return err
	}
	return l.kill(nodeName(n))
}

func (l *Lab) diskFile(n int) string { return l.path("nodes", nodeName(n)+".img") }

// bootGuest starts the guest of node n, which follows the plan.
func (l *Lab) bootGuest(ctx context.Context, n int, plan guest.Plan) error {
	if err := l.plugNode(ctx, n); err != nil {
		return err
	}
	if err := l.makeDisk(ctx, n); err != nil {
		return err
	}
	planFile := l.path("nodes", nodeName(n)+".json")
	if err := plan.Write(planFile); err != nil {
		return err
	}
	// The host's files are mounted read-only (ro): no guest writes to them. The
	// priority keeps a node's time going while something else is being built.
	return l.spawnInNetwork(nodeName(n), "nice", "-n", "-5", "linux.uml",
		"umid="+nodeName(n), "uml_dir="+l.path("uml"), "mem="+guestMemory,
		"rootfstype=hostfs", "rootflags=/", "ro", "quiet", "init="+l.programs.GuestInit,
		guest.PlanVariable+"="+planFile,
		"ubda="+l.diskFile(n),
		"vec0:transport=tap,ifname="+tapName(n)+",depth=128,mac="+nodeMAC(n).String(),
		"con=null", "con0=null,fd:1")
}

// makeDisk makes the disk image of node n unless it is there. The file is
// sparse.
func (l *Lab) makeDisk(ctx context.Context, n int) error {
	file := l.diskFile(n)
	if _, err := os.Stat(file); err == nil {
		return nil
	}
	unfinished := file + ".unfinished"
	if err := l.writeFiles("nodes", map[string][]byte{nodeName(n) + ".img.unfinished": nil}); err != nil {
		return err
	}
	if err := os.Truncate(unfinished, guestDiskBytes); err != nil {
		return fmt.Errorf("size disk: %w", err)
	}
	if err := run(ctx, "mkfs.ext4", "-q", unfinished); err != nil {
		return fmt.Errorf("format disk: %w", err)
	}
	return os.Rename(unfinished, file)
}

// OnNode runs a program inside the guest of node n and returns its standard
// output. Stdin may be nil. The error carries the program's standard error.
func (l *Lab) OnNode(ctx context.Context, n int, stdin io.Reader, args ...string) ([]byte, error) {
	transport := &http.Transport{DialContext: l.Dial, DisableKeepAlives: true}
	client := guest.Client{HTTP: &http.Client{Transport: transport}, Address: onNode(n, commandPort)}
	output, err := client.Run(ctx, stdin, args...)
	if err != nil {
		return output, fmt.Errorf("%s: %w", nodeName(n), err)
	}
	return output, nil
}

// waitBooted waits until the guest of node n takes commands and containerd can
// be used, and returns the ID of this boot.
func (l *Lab) waitBooted(ctx context.Context, n int) (bootID string, err error) {
	err = poll(ctx, bootTimeout, nodeName(n)+" to boot", func(ctx context.Context) error {
		if _, ok := l.running(nodeName(n)); !ok {
			return fmt.Errorf("%w: %s", errEnded, l.logTail(nodeName(n)))
		}
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		id, err := l.OnNode(ctx, n, nil, "cat", "/proc/sys/kernel/random/boot_id")
		if err != nil {
			return err
		}
		bootID = strings.TrimSpace(string(id))
		_, err = l.OnNode(ctx, n, nil, "ctr", "--namespace", "k8s.io", "images", "list", "--quiet")
		return err
	})
	return bootID, err
}

// waitReady waits until Kubernetes calls node n Ready in the boot with this
// ID, so that what was said before a restart does not count.
func (l *Lab) waitReady(ctx context.Context, n int, bootID string) error {
	client, err := l.client()
	if err != nil {
		return err
	}
	err = poll(ctx, readyTimeout, nodeName(n)+" to be Ready", func(ctx context.Context) error {
		node, err := client.CoreV1().Nodes().Get(ctx, nodeName(n), metav1.GetOptions{})
		if err != nil {
			return err
		}
		if node.Status.NodeInfo.BootID != bootID {
			return errors.New("its kubelet has not reported since it booted")
		}
		return nodeReady(node)
	})
	if err != nil {
		return fmt.Errorf("%w; its console: %s", err, l.logTail(nodeName(n)))
	}
	return nil
}

// nodeReady returns nil for a Ready node, else what its kubelet says.
func nodeReady(node *corev1.Node) error {
	for _, condition := range node.Status.Conditions {
		if condition.Type != corev1.NodeReady {
			continue
		}
		if condition.Status == corev1.ConditionTrue {
			return nil
		}
		return fmt.Errorf("not ready: %s", condition.Message)
	}
	return errors.New("no Ready condition yet")
}
