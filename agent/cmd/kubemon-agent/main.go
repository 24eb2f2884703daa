// Kubemon-agent says what the kernel of one node says: it reads cgroup v2 and
// /proc and serves one snapshot of them. It needs neither Kubernetes nor a
// container runtime, and writes nothing. It talks to nobody, unless it is told
// to ask who asks it, see Security.
//
//	kubemon-agent [flags]                  serve until stopped
//	curl http://127.0.0.1:10290/snapshot
//
//	kubemon-agent snapshot [-o json]       print one snapshot and exit
//	kubemon-agent record FILE              write down the node, for somebody else
//	kubemon-agent snapshot --root FILE     what the agent says of that node
//
// # Paths
//
//	GET /snapshot   the node, read now: host, slices, pods with their containers,
//	                host processes, and warnings for what could not be read.
//	                JSON, or MessagePack for "Accept: application/vnd.msgpack"
//	GET /snapshots  the last ones, ten minutes of them: a JSON list, or for
//	                "Accept: application/vnd.kubemon.history" as they are kept.
//	                ?since= and ?until= say from when to when, as a time
//	                (2026-01-02T03:04:05Z) or milliseconds since 1970
//	GET /healthz    200 while the agent answers
//	GET /metrics    the agent about itself, in Prometheus' text format
//
// Errors are application/problem+json. With --auth=token every path needs a
// token, also those that do not exist, but /healthz, which says "ok" and no more.
//
// # Snapshot
//
// The command reads the node once and prints it: as a table of what people ask
// about first, or with -o json as GET /snapshot does. What is counted is printed
// as its sum since the start of the node, the pod or the container. It asks no
// server and so needs no token. In a cluster:
//
//	kubectl -n kubemon exec daemonset/kubemon-agent -- /kubemon-agent snapshot
//
// # Record
//
// The command writes the files that the agent reads to FILE, a tar compressed
// with gzip, or to standard output if FILE is "-". Recorded are numbers and the
// names of pods, containers, control groups, processes, disks, mounts and
// interfaces; no command line, no environment, no log, no other file of the
// node. What could not be read is named in ERRORS in the archive.
//
// With --root FILE, server and snapshot read the recorded node instead of this
// machine, at the moment of the recording: every answer is the same. It is
// unpacked into a temporary folder (TMPDIR) that is removed at the end. What
// could not be recorded, and inode numbers (cgroupID, networkID), differ from
// those of the node.
//
// # Security
//
// With --auth=none, the default, anybody who reaches the agent may read
// everything, so that it listens on loopback only, unless --allow-unauthenticated
// says otherwise. With --auth=token it answers whoever sends a Kubernetes service
// account token for its audience, of an account that --auth-subjects names:
//
//	token=$(kubectl -n kubemon create token kubemon-viewer --audience kubemon-agent)
//	curl -k -H "Authorization: Bearer $token" https://NODE:10290/snapshot
//
// Without a good token the answer is 401, and 403 for an account that is not
// named. Tokens are checked with the keys that the cluster publishes, and the API
// server is not asked about any. The keys, and who issues tokens, are asked for
// when the agent starts, each hour, and when a token names another key or issuer:
// at most each ten seconds, and each minute while that brings nothing new. They
// are kept while the API server is away; an agent that has never got any keys
// answers 503. The issuer before counts for a day more, so that a cluster may
// change it.
//
// With TLS, which is 1.3, the agent makes its own key, in memory. --tls=attested
// makes another one each day and asks the API server for a token of the agent's
// own pod whose audience names the key; the certificate holds this token, so that
// a hub can tell that it talks to the agent of that pod before it sends its own.
// The keys with their issuer and this token are all that the agent asks of anybody.
// For them it needs its pod's token and the cluster's CA, and the right to create
// serviceaccounts/token of its own account. While nobody attests, the agent
// shows its last certificate, or one that says nothing.
//
// More than 64 connections are not open at once. When one more comes, the oldest
// one goes that nobody is known on, of the address that has the most of those.
//
// # Flags
//
// -h lists them with their defaults. Each has an environment variable, which
// counts when the flag is not given: KUBEMON_AGENT_LISTEN for --listen.
//
//	--listen                 address to listen on: :10290 with --auth=token, else
//	                         127.0.0.1:10290, unless given
//	--auth                   none, or token: who asks must send one
//	--allow-unauthenticated  listen on any address with --auth=none
//	--auth-audience          what tokens must be for: kubemon-agent unless given
//	--auth-subjects          who may ask, with commas between:
//	                         system:serviceaccount:NAMESPACE:NAME
//	--auth-issuer            who has issued the tokens; by default who the API
//	                         server says it is, and who has issued that of the
//	                         agent's own pod
//	--jwks                   file or https URL of the keys; by default the API
//	                         server's. Another URL is asked without a token, and
//	                         the issuer is then that of the pod's token
//	--tls                    off, self-signed, attested or files; by default
//	                         self-signed with --auth=token, and off without. Off
//	                         with --auth=token needs a loopback address.
//	                         Self-signed keeps one key as long as the agent runs
//	                         and renews its certificate daily
//	--tls-cert-file, --tls-key-file
//	                         for --tls=files: PEM, read again when they change
//	--service-account-folder where the token and the ca.crt of the agent's pod are
//	--node-name              name of the node; by default NODE_NAME, else the
//	                         host name
//	--root                   a file that record wrote: read the node recorded there
//	                         and none of the folders below
//	--procfs, --sysfs        where the node's /proc and /sys are
//	--cgroupfs               where the node's control groups are mounted; found
//	                         in /proc/self/mountinfo unless given
//	--podlogs, --containerlogs
//	                         the kubelet's log folders, for the names of pods
//	                         and containers; without them there are none
//	--processes              how many of the host's biggest processes are listed,
//	                         by memory and as many by CPU
//	--process-args           list their command lines too, which may hold secrets
//	--history                for how long snapshots are kept in memory, at most 1h,
//	                         so that a hub that starts knows the time before it;
//	                         at most 8 MiB of them, and the oldest go first.
//	                         0 keeps none
//	--history-interval       time between two that are kept, at least 1s. The
//	                         agent takes one itself when no hub asked for so
//	                         long, so give it the hub's interval
//	-o                       of snapshot: table or json
//
// Record takes those that say where the node is.
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
// to stop or a command did its work, 1 when it could not run, 2 when a flag,
// variable or argument is wrong.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"sync"

	"github.com/kubemon/kubemon/agent/internal/collect"
	"github.com/kubemon/kubemon/agent/internal/history"
	"github.com/kubemon/kubemon/agent/internal/record"
	"github.com/kubemon/kubemon/agent/internal/serve"
	"github.com/kubemon/kubemon/shared/daemon"
)

const program = "kubemon-agent"

func main() {
	// The smallest heap that is collected is 4 MB at 100: more than the agent
	// ever needs.
	daemon.SetGCPercent(50, os.LookupEnv)
	os.Exit(daemon.Main(program, os.Stdout, os.Stderr, func(ctx context.Context, log *slog.Logger) error {
		return run(ctx, log, os.Stdout, os.Args[1:], os.LookupEnv, func(net.Addr) {})
	}))
}

// run is the program: one of its commands, or the server, which is told to
// ready once it takes requests and runs until ctx ends.
func run(ctx context.Context, log *slog.Logger, stdout io.Writer, args []string, lookupEnv func(string) (string, bool), ready func(net.Addr)) error {
	if len(args) > 0 {
		switch args[0] {
		case "snapshot":
			return printSnapshot(ctx, log, stdout, args[1:], lookupEnv)
		case "record":
			return recordNode(ctx, log, stdout, args[1:], lookupEnv)
		}
	}
	c, err := parse(args, lookupEnv)
	if err != nil {
		return err
	}
	return withNode(ctx, log, c, func(c config, node collect.Node) error {
		security, err := newSecurity(ctx, log, c.security)
		if err != nil {
			return err
		}
		listener, err := daemon.Listen(ctx, c.listen)
		if err != nil {
			return err
		}
		log.Info("listening", "address", listener.Addr(), "version", daemon.Version(), "config", c)
		ready(listener.Addr())
		collector := collect.New(node, c.options())
		defer collector.Close()
		return serveNode(ctx, log, c, collector, security, listener)
	})
}

// serveNode answers, and keeps snapshots, until ctx ends.
func serveNode(ctx context.Context, log *slog.Logger, c config, collector *collect.Collector, security *security, listener net.Listener) error {
	serving := serve.Config{Log: log, Version: daemon.Version(), Collector: collector, Usage: ownUsage, Security: security.report}
	if c.history == 0 {
		return security.serve(ctx, listener, serve.New(serving))
	}
	kept := history.New(history.Options{Interval: c.historyInterval, Keep: c.history, MaxBytes: maxHistoryBytes})
	serving.History = kept
	server := serve.New(serving)
	ctx, stop := context.WithCancel(ctx)
	var run sync.WaitGroup
	defer run.Wait()
	defer stop()
	run.Go(func() { kept.Run(ctx, log, server.Sample) })
	return security.serve(ctx, listener, server)
}

// withNode opens the node that is meant, this machine's or a recorded one, for
// as long as use runs.
func withNode(ctx context.Context, log *slog.Logger, c config, use func(config, collect.Node) error) (err error) {
	if c.root == "" {
		node, err := openNode(c)
		if err != nil {
			return err
		}
		return use(c, node)
	}
	recording, err := record.Open(ctx, c.root)
	if err != nil {
		return fmt.Errorf("--root: %w", err)
	}
	defer func() { err = errors.Join(err, recording.Close()) }()
	if len(recording.Errors) > 0 {
		log.Warn("files of the node could not be recorded", "count", len(recording.Errors), "first", recording.Errors[0])
	}
	c.procfs, c.sysfs, c.cgroupfs = recording.Proc(), recording.Sys(), recording.Cgroup()
	c.podLogs, c.containerLogs = recording.PodLogs(), recording.ContainerLogs()
	if c.nodeName == "" {
		c.nodeName = recording.Moment.Node
	}
	node, err := openNode(c)
	if err != nil {
		return fmt.Errorf("--root %s: %w", c.root, err)
	}
	node.Now, node.PageBytes = recording.Now, recording.Moment.PageBytes
	if node.StatMount = nil; recording.Moment.Mounts != nil {
		node.StatMount = recording.StatMount
	}
	return use(c, node)
}
