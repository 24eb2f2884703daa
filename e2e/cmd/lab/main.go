// Lab runs a real Kubernetes cluster with kubemon in it on this machine.
//
//	lab up      [--name kubemon] [--nodes 2] [--listen 127.0.0.1:18080] [--set key=value]...
//	lab node    [--name kubemon]              add a node
//	lab status  [--name kubemon]              list what runs
//	lab exec    [--name kubemon] COMMAND...   run a command in the lab's network, such as kubectl get pods
//	lab token   [--name kubemon] [AUDIENCE]   print a token for kubemon-hub, or for kubemon-agent
//	lab down    [--name kubemon]              remove everything
//	lab packages                              install the Debian packages that a lab needs
//
// Up needs root on an x86_64 Debian or Ubuntu machine with about 3 GiB of free
// memory and 8 GiB of free disk; it says what is missing. It installs Debian
// packages, builds Kubernetes from its Go modules (minutes the first time, then
// kept), starts a control plane and nodes, installs kubemon with Helm and an
// example workload, and waits until kubemon shows what that uses. The hub is
// then reachable at the listen address, the agent of node N at the port N above
// it, the API server at the port 10 above it. Up on a lab that is up installs a
// fresh build of kubemon. --set values are passed to Helm. Who asks hub or agent
// shows a token; those of lab token are of the chart's viewer and live three
// hours.
//
// With --kubeconfig FILE, or KUBECONFIG in the environment, up installs kubemon
// into that cluster instead, needs no root and starts no node: it runs Helm,
// waits for kubemon to show usage and forwards the listen address to the hub
// until it is interrupted. The cluster must be able to pull kubemon's images;
// give their place with --set. The default file in the home folder is never
// used.
//
// All that a lab makes is below kubemon/lab in the user's cache folder and in
// the network namespace kubemon-lab-NAME. Exit codes: 0 done, 1 failed, 2 wrong
// usage.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/kubemon/kubemon/e2e/lab"
)

// config is the command line.
type config struct {
	command    string
	name       string
	listen     string
	nodes      int
	kubeconfig string
	set        []string
	rest       []string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	c, err := parse(os.Args[1:], os.Getenv, os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		os.Exit(0)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "lab:", err)
		os.Exit(2)
	}
	if err := c.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "lab:", err)
		os.Exit(1)
	}
}

// commands are those of the manual, and forward, which up runs by itself.
var commands = []string{"up", "node", "status", "exec", "token", "down", "packages", "forward"}

// parse reads the command line; getenv is asked for KUBECONFIG.
func parse(args []string, getenv func(string) string, stderr io.Writer) (config, error) {
	c := config{}
	flags := flag.NewFlagSet("lab", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&c.name, "name", lab.DefaultName, "the lab's `name`")
	flags.StringVar(&c.listen, "listen", lab.DefaultListen, "`address` on this machine for the hub")
	flags.IntVar(&c.nodes, "nodes", lab.DefaultNodes, "how many nodes to start")
	flags.StringVar(&c.kubeconfig, "kubeconfig", getenv("KUBECONFIG"), "use the cluster of this `file` instead of a lab")
	flags.Func("set", "`key=value` for kubemon's chart; may be repeated", func(value string) error {
		c.set = append(c.set, "--set", value)
		return nil
	})
	if len(args) == 0 || !slices.Contains(commands, args[0]) {
		fmt.Fprintln(stderr, "usage: lab up|node|status|exec|token|down|packages [flags]")
		flags.PrintDefaults()
		if len(args) > 0 && slices.Contains([]string{"-h", "-help", "--help"}, args[0]) {
			return c, flag.ErrHelp
		}
		return c, fmt.Errorf("command %q: expected one of %s", strings.Join(args, " "), strings.Join(commands[:7], ", "))
	}
	c.command = args[0]
	if err := flags.Parse(args[1:]); err != nil {
		return c, err
	}
	c.rest = flags.Args()
	return c, c.checkRest()
}

// checkRest refuses arguments that the command does not take.
func (c config) checkRest() error {
	audiences := []string{lab.HubAudience, lab.AgentAudience}
	switch {
	case c.command == "token" && len(c.rest) == 1 && slices.Contains(audiences, c.rest[0]):
	case c.command == "token" && len(c.rest) > 0:
		return fmt.Errorf("command token: arguments %q: expected nothing or one of %s", c.rest, strings.Join(audiences, ", "))
	case (c.command == "exec") != (len(c.rest) > 0):
		return fmt.Errorf("command %s: arguments %q: exec takes a command to run, token an audience, the others nothing", c.command, c.rest)
	}
	return nil
}

// run does what the command line asks.
func (c config) run(ctx context.Context) error {
	if c.command == "up" && c.kubeconfig != "" {
		return lab.Install(ctx, lab.InstallOptions{
			Kubeconfig: c.kubeconfig, Listen: c.listen, HelmArgs: c.set, Progress: os.Stdout,
		})
	}
	switch c.command {
	case "up":
		return c.up(ctx)
	case "packages":
		return lab.InstallPackages(ctx, os.Stdout)
	}
	l, err := lab.Open(c.name, os.Stdout)
	if err != nil {
		return err
	}
	switch c.command {
	case "node":
		_, err := l.AddNode(ctx)
		return err
	case "status":
		return status(l)
	case "exec":
		return l.Attach(ctx, c.rest...)
	case "token":
		return c.token(ctx, l)
	case "down":
		return l.Down(ctx)
	default:
		return l.Forward(ctx, slog.New(slog.NewTextHandler(os.Stderr, nil)))
	}
}

func (c config) up(ctx context.Context) error {
	l, err := lab.Up(ctx, lab.Options{
		Name: c.name, Listen: c.listen, Nodes: c.nodes, HelmArgs: c.set, Progress: os.Stdout,
	})
	if err != nil {
		return err
	}
	fmt.Printf(`
kubemon is up: %[1]s, where the page asks for what this prints: %[4]s token --name %[5]s

  TOKEN=$(%[4]s token --name %[5]s)
  curl -s -H "Authorization: Bearer $TOKEN" '%[1]s/api/v1/nodes'
  curl -s -H "Authorization: Bearer $TOKEN" '%[1]s/api/v1/namespaces/shop/deployments/web?window=5m'
  curl -sk -H "Authorization: Bearer $(%[4]s token --name %[5]s kubemon-agent)" '%[2]s/snapshot'   # node1 itself

  KUBECONFIG=%[3]s
`, l.HubURL(), l.AgentURL(1), l.HostKubeconfig(), os.Args[0], l.Name())
	return nil
}

// token prints a token of the viewer.
func (c config) token(ctx context.Context, l *lab.Lab) error {
	audience := lab.HubAudience
	if len(c.rest) == 1 {
		audience = c.rest[0]
	}
	token, err := l.Token(ctx, lab.Namespace, lab.Viewer, audience)
	if err != nil {
		return err
	}
	fmt.Println(token)
	return nil
}

func status(l *lab.Lab) error {
	lines, err := l.Status()
	if err != nil {
		return err
	}
	fmt.Printf("lab %s, hub at %s\n%s\n", l.Name(), l.HubURL(), strings.Join(lines, "\n"))
	return nil
}
