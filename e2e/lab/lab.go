// Package lab runs a real Kubernetes cluster on one plain Debian or Ubuntu
// machine, without a container engine, a hypervisor or an image registry, and
// installs kubemon into it. `make up` and the end-to-end tests are its users.
//
// A node is a User-Mode Linux guest, a kernel of its own running as an ordinary
// program (package guest is its inside). The control plane and the guests live
// in a network namespace of the lab's own. Kubernetes' programs and Helm are
// built from pinned Go modules once and kept in the user's cache folder.
//
// The stages, in the order in which [Up] goes through them, are the files:
// host.go (what the machine must offer), build.go, images.go, network.go,
// pki.go, controlplane.go, node.go, chart.go, example.go, forward.go. Who asks
// what is installed shows a token, which token.go gets.
//
// A lab has a name, and all that it makes is below one folder of the cache and
// in one network namespace; [Lab.Down] removes both. Labs of different names
// run side by side. Processes outlive the program that started them; process.go
// keeps a record of each, by which any later program finds them ([Open]).
//
// A [Lab] may be used concurrently, except that Up and Down of one lab exclude
// each other, in this program and in others.
package lab

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"

	"golang.org/x/sync/errgroup"

	"github.com/kubemon/kubemon/e2e/images"
)

// What Options leave empty.
const (
	DefaultName   = "kubemon"
	DefaultListen = "127.0.0.1:18080"
	DefaultNodes  = 2
)

// Options say what Up brings up.
type Options struct {
	// Name tells this lab from others on the machine; DefaultName if empty.
	Name string
	// Sources is the top folder of kubemon's sources; when empty it is searched
	// from the working folder upwards.
	Sources string
	// Listen is where on the host the hub is reachable; DefaultListen if empty.
	// The ports above it lead to the agents and the API server.
	Listen string
	// Nodes is how many nodes are started; DefaultNodes if 0.
	Nodes int
	// HelmArgs are added to the installation, such as --set hub.window=1m.
	HelmArgs []string
	// Progress receives a line for each step; nil discards them.
	Progress io.Writer
}

// A Lab is a cluster made by Up.
type Lab struct {
	name     string
	sources  string
	dir      string
	ports    forwardedPorts
	version  string
	programs programs
	progress *progress
}

// Up brings up a lab with kubemon and the example workload in it, and returns
// when kubemon shows what that workload uses. On a lab that is already up it
// adds what is missing and replaces kubemon by a fresh build. A lab of which
// nothing runs any more, as after a restart of the machine, is made anew: its
// cluster would tell of pods that ended in the middle. When Up fails
// after it started something, that stays, to be looked at, and the lab is
// returned beside the error; Down removes it.
func Up(ctx context.Context, opt Options) (*Lab, error) {
	l, err := newLab(opt)
	if err != nil {
		return nil, err
	}
	unlock, err := l.lock()
	if err != nil {
		return nil, err
	}
	defer unlock()
	if err := l.removeDead(ctx); err != nil {
		return nil, err
	}
	if err := l.prepare(ctx); err != nil {
		return nil, err
	}
	if err := l.boot(ctx, opt.Nodes); err != nil {
		return l, err
	}
	if err := l.installKubemon(ctx, opt.HelmArgs); err != nil {
		return l, err
	}
	if err := l.deployExample(ctx); err != nil {
		return l, err
	}
	if err := l.startForwarder(ctx); err != nil {
		return l, err
	}
	return l, l.waitForUsage(ctx)
}

var validName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,18}[a-z0-9])?$`)

// newLab fills in what opt leaves empty and checks it.
func newLab(opt Options) (*Lab, error) {
	if opt.Name == "" {
		opt.Name = DefaultName
	}
	dir, err := labFolder(opt.Name)
	if err != nil {
		return nil, err
	}
	if opt.Nodes < 0 || opt.Nodes > MaxNodes {
		return nil, fmt.Errorf("nodes %d: a lab has 1 to %d", opt.Nodes, MaxNodes)
	}
	if opt.Listen == "" {
		opt.Listen = DefaultListen
	}
	ports, err := parseListen(opt.Listen)
	if err != nil {
		return nil, err
	}
	if opt.Sources == "" {
		if opt.Sources, err = findSources(); err != nil {
			return nil, err
		}
	}
	version, err := images.Version(opt.Sources)
	if err != nil {
		return nil, err
	}
	return &Lab{name: opt.Name, sources: opt.Sources, dir: dir, ports: ports,
		version: version, progress: newProgress(opt.Progress)}, nil
}

// findSources returns the nearest folder upwards that has a go.work.
func findSources() (string, error) {
	start, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find kubemon's sources: %w", err)
	}
	for dir := start; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.work")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("find kubemon's sources: no go.work in %s or above it", start)
		}
	}
}

// prepare checks the machine and builds and installs what the lab needs of it.
func (l *Lab) prepare(ctx context.Context) error {
	if err := checkHost(l.dir); err != nil {
		return err
	}
	l.progress.step("lab %s: this machine can run it", l.name)
	if err := installPackages(ctx, l.progress); err != nil {
		return err
	}
	if err := l.buildPrograms(ctx); err != nil {
		return err
	}
	l.progress.step("Kubernetes' programs, Helm and the lab's own are built")
	if err := l.saveSettings(); err != nil {
		return err
	}
	if err := l.makeIdentities(); err != nil {
		return err
	}
	return l.makeNetwork(ctx)
}

// boot starts the control plane, builds the images meanwhile, then starts the
// nodes; nodes that ran before get the images that were just built.
func (l *Lab) boot(ctx context.Context, nodes int) error {
	both, bothCtx := errgroup.WithContext(ctx)
	both.Go(func() error { return l.startControlPlane(bothCtx) })
	both.Go(func() error { return l.buildImages(bothCtx) })
	if err := both.Wait(); err != nil {
		return err
	}
	if err := l.importImages(ctx, l.archives()); err != nil {
		return err
	}
	if nodes == 0 {
		nodes = DefaultNodes
	}
	g, ctx := errgroup.WithContext(ctx)
	for n := 1; n <= nodes; n++ {
		g.Go(func() error { return l.StartNode(ctx, n) })
	}
	return g.Wait()
}
