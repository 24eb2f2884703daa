// Kubemon-agent says what the kernel of one node says: it reads cgroup v2 and
// /proc and serves one snapshot of them. It talks to nobody, needs neither
// Kubernetes nor a container runtime, and writes nothing.
//
//	kubemon-agent [flags]
//	curl http://127.0.0.1:10290/snapshot
//
// # Paths
//
//	GET /snapshot   the node, read now: host, slices, pods with their containers,
//	                host processes, and warnings for what could not be read.
//	                JSON, or MessagePack for "Accept: application/vnd.msgpack"
//	GET /healthz    200 while the agent answers
//	GET /metrics    the agent about itself, in Prometheus' text format
//
// Errors are application/problem+json.
//
// # Flags
//
// -h lists them with their defaults. Each has an environment variable, which
// counts when the flag is not given: KUBEMON_AGENT_LISTEN for --listen.
//
//	--listen                 address to listen on. Anybody who reaches it may
//	                         read everything, so it must be a loopback address
//	                         unless --allow-unauthenticated is given
//	--node-name              name of the node; by default NODE_NAME, else the
//	                         host name
//	--procfs, --sysfs        where the node's /proc and /sys are
//	--cgroupfs               where the node's control groups are mounted; found
//	                         in /proc/self/mountinfo unless given
//	--podlogs, --containerlogs
//	                         the kubelet's log folders, for the names of pods
//	                         and containers; without them there are none
//	--processes              how many of the host's biggest processes are listed,
//	                         by memory and as many by CPU
//	--process-args           list their command lines too, which may hold secrets
//
// The agent works on captured trees as well: pointed at copies of a node's
// /proc, /sys and control groups it answers as that node would.
//
// # Nodes
//
// Pods have numbers on nodes with cgroup v2 only ("unified"). On a hybrid or
// v1 node the snapshot names the mode, has the node's own numbers as far as
// they are true, and no pods.
//
// # Signals, output, exit codes
//
// SIGTERM and SIGINT end the agent after open requests, at most ten seconds.
// The log goes to standard error. The exit code is 0 when the agent was asked
// to stop, 1 when it could not run, 2 when a flag or variable is wrong.
package main

import (
	"context"
	"log/slog"
	"net"
	"os"

	"github.com/kubemon/kubemon/agent/internal/collect"
	"github.com/kubemon/kubemon/agent/internal/serve"
	"github.com/kubemon/kubemon/shared/daemon"
)

const program = "kubemon-agent"

func main() {
	os.Exit(daemon.Main(program, os.Stdout, os.Stderr, func(ctx context.Context, log *slog.Logger) error {
		return run(ctx, log, os.Args[1:], os.LookupEnv, func(net.Addr) {})
	}))
}

// run is the program: it reads the configuration, opens the node, listens and
// serves until ctx ends. ready is told the address once requests are taken.
func run(ctx context.Context, log *slog.Logger, args []string, lookupEnv func(string) (string, bool), ready func(net.Addr)) error {
	config, err := parse(args, lookupEnv)
	if err != nil {
		return err
	}
	node, err := openNode(config)
	if err != nil {
		return err
	}
	collector := collect.New(node, collect.Options{
		NodeName:    config.nodeName,
		Version:     daemon.Version(),
		Processes:   config.processes,
		ProcessArgs: config.processArgs,
	})
	listener, err := daemon.Listen(ctx, config.listen)
	if err != nil {
		return err
	}
	log.Info("listening", "address", listener.Addr(), "version", daemon.Version(), "config", config)
	ready(listener.Addr())
	return daemon.Serve(ctx, log, listener, serve.New(log, daemon.Version(), collector, ownUsage))
}
