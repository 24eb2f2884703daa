package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

const (
	// namespaceFolder is where the ip command keeps network namespaces.
	namespaceFolder = "/run/netns"
	bridge          = "br0"
)

// namespace is the name of the lab's network namespace.
func (l *Lab) namespace() string { return "kubemon-lab-" + l.name }

func (l *Lab) namespaceFile() string { return filepath.Join(namespaceFolder, l.namespace()) }

// makeNetwork makes the lab's network namespace with the bridge that its nodes
// join, unless it is there.
func (l *Lab) makeNetwork(ctx context.Context) error {
	if _, err := os.Stat(l.namespaceFile()); err == nil {
		return nil
	}
	if err := run(ctx, "ip", "netns", "add", l.namespace()); err != nil {
		return fmt.Errorf("make network namespace: %w", err)
	}
	return l.ip(ctx,
		[]string{"link", "set", "lo", "up"},
		[]string{"link", "add", bridge, "type", "bridge"},
		[]string{"address", "add", controlPlaneAddress + "/" + strconv.Itoa(nodePrefixBits), "dev", bridge},
		[]string{"link", "set", bridge, "up"})
}

// plugNode gives node n its tap device, and a route to its pods, so that the
// control plane and the forwarder reach pods directly.
func (l *Lab) plugNode(ctx context.Context, n int) error {
	tap := tapName(n)
	if l.ip(ctx, []string{"link", "show", "dev", tap}) != nil {
		if err := l.ip(ctx, []string{"tuntap", "add", "dev", tap, "mode", "tap"}); err != nil {
			return err
		}
	}
	return l.ip(ctx,
		[]string{"link", "set", tap, "master", bridge, "up"},
		[]string{"route", "replace", podNetwork(n).String(), "via", nodeAddress(n).String()})
}

func tapName(n int) string { return fmt.Sprintf("tap%d", n) }

// removeNetwork removes the namespace and with it all that is in it.
func (l *Lab) removeNetwork(ctx context.Context) error {
	if _, err := os.Stat(l.namespaceFile()); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return run(ctx, "ip", "netns", "delete", l.namespace())
}

// ip runs commands of the ip program on the lab's namespace.
func (l *Lab) ip(ctx context.Context, commands ...[]string) error {
	for _, command := range commands {
		if err := run(ctx, append([]string{"ip", "-netns", l.namespace()}, command...)...); err != nil {
			return err
		}
	}
	return nil
}

// run runs a program to its end; the error carries what it said.
func run(ctx context.Context, args ...string) error {
	output, err := exec.CommandContext(ctx, args[0], args[1:]...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("run %q: %w: %s", args, err, lastLines(output))
	}
	return nil
}

// Exec runs a program in the lab's network, with KUBECONFIG set and the lab's
// kubectl and helm in PATH, and returns its standard output. Stdin may be nil.
// The error carries the end of the program's standard error.
func (l *Lab) Exec(ctx context.Context, stdin io.Reader, args ...string) ([]byte, error) {
	var stdout, stderr bytes.Buffer
	cmd := l.command(ctx, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stdout.Bytes(), fmt.Errorf("run %q: %w: %s", args, err, lastLines(stderr.Bytes()))
	}
	return stdout.Bytes(), nil
}

// Attach is Exec with this process's standard streams.
func (l *Lab) Attach(ctx context.Context, args ...string) error {
	cmd := l.command(ctx, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	return cmd.Run()
}

func (l *Lab) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "ip", append([]string{"netns", "exec", l.namespace()}, args...)...)
	path := l.programs.Kubernetes + ":" + filepath.Dir(l.programs.Helm) + ":" + os.Getenv("PATH")
	cmd.Env = append(os.Environ(), "PATH="+path, "KUBECONFIG="+l.Kubeconfig(),
		"HELM_CACHE_HOME="+l.path("helm"), "HELM_CONFIG_HOME="+l.path("helm"), "HELM_DATA_HOME="+l.path("helm"))
	return cmd
}

// Dial connects from inside the lab's network. The address is IP:PORT: there
// is no DNS in the lab.
func (l *Lab) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	if _, err := netip.ParseAddrPort(address); err != nil {
		return nil, fmt.Errorf("dial %q in lab %s: expected IP:PORT", address, l.name)
	}
	namespace, err := os.Open(l.namespaceFile())
	if err != nil {
		return nil, fmt.Errorf("enter network of lab %s: %w", l.name, err)
	}
	defer namespace.Close()
	type dialled struct {
		conn net.Conn
		err  error
	}
	result := make(chan dialled, 1)
	go func() {
		// The thread joins the namespace, and is never unlocked: it ends with
		// this goroutine instead of going back to run others there.
		runtime.LockOSThread()
		if err := unix.Setns(int(namespace.Fd()), unix.CLONE_NEWNET); err != nil {
			result <- dialled{nil, fmt.Errorf("enter network of lab %s: %w", l.name, err)}
			return
		}
		// One IP address is dialled on the calling goroutine, so the socket is
		// made on this thread; once made it stays in the namespace.
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		result <- dialled{conn, err}
	}()
	d := <-result
	return d.conn, d.err
}

// HTTPClient returns a client whose connections are made by Dial. It accepts
// any certificate, as a kubelet's is signed by itself; the lab's API server is
// reached by RESTConfig, which verifies.
func (l *Lab) HTTPClient() *http.Client {
	return &http.Client{Transport: &http.Transport{
		DialContext:         l.Dial,
		TLSClientConfig:     insecureTLS(),
		MaxIdleConnsPerHost: 2,
	}}
}
