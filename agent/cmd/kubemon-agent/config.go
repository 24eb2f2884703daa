package main

import (
	"flag"
	"log/slog"
	"os"

	"github.com/kubemon/kubemon/shared/daemon"
)

// maxProcesses bounds --processes: the list is a hint, not an inventory.
const maxProcesses = 500

// config is what flags and environment say.
type config struct {
	listen               string
	allowUnauthenticated bool
	nodeName             string
	procfs               string
	sysfs                string
	cgroupfs             string // empty: find it
	podLogs              string
	containerLogs        string
	processes            int
	processArgs          bool
}

// parse reads and checks the configuration.
func parse(args []string, lookupEnv func(string) (string, bool)) (config, error) {
	var c config
	nodeName, _ := lookupEnv("NODE_NAME")
	flags := flag.NewFlagSet(program, flag.ContinueOnError)
	flags.StringVar(&c.listen, "listen", "127.0.0.1:10290", "`address` to listen on")
	flags.BoolVar(&c.allowUnauthenticated, "allow-unauthenticated", false, "listen on an address that other machines reach, though nobody is asked who they are")
	flags.StringVar(&c.nodeName, "node-name", nodeName, "`name` of the node; NODE_NAME, else the host name, unless given")
	flags.StringVar(&c.procfs, "procfs", "/proc", "`folder` of the node's procfs")
	flags.StringVar(&c.sysfs, "sysfs", "/sys", "`folder` of the node's sysfs")
	flags.StringVar(&c.cgroupfs, "cgroupfs", "", "`folder` where the node's control groups are mounted; found in mountinfo unless given")
	flags.StringVar(&c.podLogs, "podlogs", "/var/log/pods", "`folder` of the kubelet's pod logs, of which only names are read")
	flags.StringVar(&c.containerLogs, "containerlogs", "/var/log/containers", "`folder` of the kubelet's container logs, of which only names are read")
	flags.IntVar(&c.processes, "processes", 20, "how `many` of the host's biggest processes are listed, by memory and as many by CPU")
	flags.BoolVar(&c.processArgs, "process-args", false, "list the command lines of processes, which may hold secrets")
	if err := daemon.Parse(flags, args, lookupEnv); err != nil {
		return config{}, err
	}
	if c.processes < 0 || c.processes > maxProcesses {
		return config{}, daemon.Usagef("invalid value %d for flag -processes: want 0 to %d", c.processes, maxProcesses)
	}
	if err := daemon.CheckListen(c.listen, c.allowUnauthenticated); err != nil {
		return config{}, err
	}
	if c.nodeName == "" {
		var err error
		if c.nodeName, err = os.Hostname(); err != nil {
			return config{}, daemon.Usagef("the node has no host name, give --node-name: %w", err)
		}
	}
	return c, nil
}

// LogValue is the effective configuration in the log.
func (c config) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("listen", c.listen), slog.Bool("allow-unauthenticated", c.allowUnauthenticated),
		slog.String("node-name", c.nodeName), slog.String("procfs", c.procfs), slog.String("sysfs", c.sysfs),
		slog.String("cgroupfs", c.cgroupfs), slog.String("podlogs", c.podLogs), slog.String("containerlogs", c.containerLogs),
		slog.Int("processes", c.processes), slog.Bool("process-args", c.processArgs),
	)
}
