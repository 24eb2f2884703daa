package main

import (
	"flag"
	"log/slog"
	"os"
	"time"

	"github.com/kubemon/kubemon/agent/internal/collect"
	"github.com/kubemon/kubemon/shared/daemon"
)

// maxProcesses bounds --processes: the list is a hint, not an inventory.
const maxProcesses = 500

// Bounds of the history. 8 MiB are ten minutes of the biggest nodes; one of 110
// pods with two containers each takes up 0.7 to 1.5 MB of them, by how many of the
// containers work.
const (
	minHistoryInterval = time.Second
	maxHistory         = time.Hour
	maxHistoryBytes    = 8 << 20
)

// The values of -o.
const (
	outputTable = "table"
	outputJSON  = "json"
)

// config is what flags and environment say.
type config struct {
	listen   string // of the server alone
	security securityConfig

	history, historyInterval time.Duration // of the server alone

	output string // of snapshot alone
	file   string // of record alone

	root          string // a recording; empty: this machine
	nodeName      string
	procfs        string
	sysfs         string
	cgroupfs      string // empty: find it
	podLogs       string
	containerLogs string

	processes   int
	processArgs bool
}

// parse reads and checks the configuration of the server.
func parse(args []string, lookupEnv func(string) (string, bool)) (config, error) {
	var c config
	flags := c.nodeFlags(lookupEnv)
	c.readingFlags(flags)
	flags.StringVar(&c.listen, "listen", "", "`address` to listen on; :10290 with --auth=token, else 127.0.0.1:10290, unless given")
	c.security.flags(flags, lookupEnv)
	flags.DurationVar(&c.history, "history", 10*time.Minute, "for how long `time` snapshots are kept for a hub that starts, at most 1h; 0 keeps none")
	flags.DurationVar(&c.historyInterval, "history-interval", 10*time.Second, "`time` between two of them, at least 1s: the hub's interval")
	if _, err := daemon.ParseCommand(flags, "[snapshot | record FILE] [flags]", nil, args, lookupEnv); err != nil {
		return config{}, err
	}
	if err := c.checkHistory(); err != nil {
		return config{}, err
	}
	if err := c.security.check(&c.listen); err != nil {
		return config{}, err
	}
	return c, c.check(flags)
}

// parseSnapshot reads and checks the configuration of the command snapshot.
func parseSnapshot(args []string, lookupEnv func(string) (string, bool)) (config, error) {
	var c config
	flags := c.nodeFlags(lookupEnv)
	c.readingFlags(flags)
	flags.StringVar(&c.output, "o", outputTable, "`format` of the output, table or json")
	if _, err := daemon.ParseCommand(flags, "snapshot [flags]", nil, args, lookupEnv); err != nil {
		return config{}, err
	}
	if c.output != outputTable && c.output != outputJSON {
		return config{}, daemon.Usagef("invalid value %q for flag -o: want %s or %s", c.output, outputTable, outputJSON)
	}
	return c, c.check(flags)
}

// parseRecord reads and checks the configuration of the command record.
func parseRecord(args []string, lookupEnv func(string) (string, bool)) (config, error) {
	var c config
	flags := c.nodeFlags(lookupEnv)
	operands, err := daemon.ParseCommand(flags, "record [flags] FILE", []string{"FILE"}, args, lookupEnv)
	if err != nil {
		return config{}, err
	}
	c.file = operands[0]
	return c, c.check(flags)
}

// nodeFlags are the flags that say where the node is.
func (c *config) nodeFlags(lookupEnv func(string) (string, bool)) *flag.FlagSet {
	nodeName, _ := lookupEnv("NODE_NAME")
	flags := flag.NewFlagSet(program, flag.ContinueOnError)
	flags.StringVar(&c.nodeName, "node-name", nodeName, "`name` of the node; NODE_NAME, else the host name, unless given")
	flags.StringVar(&c.procfs, "procfs", "/proc", "`folder` of the node's procfs")
	flags.StringVar(&c.sysfs, "sysfs", "/sys", "`folder` of the node's sysfs")
	flags.StringVar(&c.cgroupfs, "cgroupfs", "", "`folder` where the node's control groups are mounted; found in mountinfo unless given")
	flags.StringVar(&c.podLogs, "podlogs", "/var/log/pods", "`folder` of the kubelet's pod logs, of which only names are read")
	flags.StringVar(&c.containerLogs, "containerlogs", "/var/log/containers", "`folder` of the kubelet's container logs, of which only names are read")
	return flags
}

// readingFlags are the flags that say what is read of the node.
func (c *config) readingFlags(flags *flag.FlagSet) {
	flags.StringVar(&c.root, "root", "", "`file` that the command record wrote: read the node that is recorded there")
	flags.IntVar(&c.processes, "processes", 20, "how `many` of the host's biggest processes are listed, by memory and as many by CPU")
	flags.BoolVar(&c.processArgs, "process-args", false, "list the command lines of processes, which may hold secrets")
}

// check checks what no flag can say alone, and fills in the node's name.
func (c *config) check(flags *flag.FlagSet) error {
	if c.processes < 0 || c.processes > maxProcesses {
		return daemon.Usagef("invalid value %d for flag -processes: want 0 to %d", c.processes, maxProcesses)
	}
	if c.root != "" {
		return c.checkRoot(flags)
	}
	if c.nodeName != "" {
		return nil
	}
	var err error
	if c.nodeName, err = os.Hostname(); err != nil {
		return daemon.Usagef("the node has no host name, give --node-name: %w", err)
	}
	return nil
}

// checkHistory checks the times of the history. A recording stands still, so
// there is no history of it.
func (c *config) checkHistory() error {
	if c.root != "" {
		c.history = 0
	}
	switch {
	case c.history < 0 || c.history > maxHistory:
		return daemon.Usagef("invalid value %s for flag -history: want 0 to %s", c.history, maxHistory)
	case c.historyInterval < minHistoryInterval:
		return daemon.Usagef("invalid value %s for flag -history-interval: want at least %s", c.historyInterval, minHistoryInterval)
	}
	return nil
}

// checkRoot refuses --root beside another place to read. The recording knows
// its node's name, unless another one is given.
func (c *config) checkRoot(flags *flag.FlagSet) (err error) {
	given := false
	flags.Visit(func(f *flag.Flag) {
		switch f.Name {
		case "procfs", "sysfs", "cgroupfs", "podlogs", "containerlogs":
			err = daemon.Usagef("--root and --%s exclude each other: a recording has all of a node", f.Name)
		case "process-args":
			if c.processArgs {
				err = daemon.Usagef("--root and --process-args exclude each other: a recording has no command lines")
			}
		case "node-name":
			given = true
		}
	})
	if !given {
		c.nodeName = ""
	}
	return err
}

// options are those of the collector.
func (c config) options() collect.Options {
	return collect.Options{
		NodeName:    c.nodeName,
		Version:     daemon.Version(),
		Processes:   c.processes,
		ProcessArgs: c.processArgs,
	}
}

// LogValue is the effective configuration of the server in the log.
func (c config) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("listen", c.listen), slog.Any("security", c.security), slog.String("root", c.root),
		slog.String("node-name", c.nodeName), slog.String("procfs", c.procfs), slog.String("sysfs", c.sysfs),
		slog.String("cgroupfs", c.cgroupfs), slog.String("podlogs", c.podLogs), slog.String("containerlogs", c.containerLogs),
		slog.Int("processes", c.processes), slog.Bool("process-args", c.processArgs),
		slog.Duration("history", c.history), slog.Duration("history-interval", c.historyInterval),
	)
}
