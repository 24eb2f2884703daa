package main

import (
	"cmp"
	"flag"
	"log/slog"
	"math"
	"runtime/debug"
	"strings"
	"time"

	"github.com/kubemon/kubemon/shared/daemon"
)

// Bounds of the times.
const (
	minInterval = time.Second
	maxWindow   = time.Hour // what REST takes as a window
)

// minWindowBytes is the least bound that leaves a small cluster some rounds.
const minWindowBytes = 1 << 20

// config is what flags and environment say.
type config struct {
	readers readerFlags
	tls     tlsFlags

	agents       string // addresses, separated by commas
	kubeconfig   string
	agentService string
	namespace    string // empty: the cluster's own idea of it
	events       bool
	asking       agentFlags

	interval, window, scrapeTimeout time.Duration

	// windowMaxBytes bounds the window's memory; 0 leaves it to memoryLimit.
	windowMaxBytes int64
	memoryLimit    int64 // the Go runtime's, math.MaxInt64 for none
}

// parse reads and checks the configuration.
func parse(args []string, lookupEnv func(string) (string, bool)) (config, error) {
	var c config
	flags := flag.NewFlagSet(program, flag.ContinueOnError)
	c.readers.define(flags)
	c.tls.define(flags)
	flags.StringVar(&c.agents, "agents", "", "`addresses` of agents, such as http://10.0.0.7:10290, separated by commas; a cluster is then not needed")
	flags.StringVar(&c.kubeconfig, "kubeconfig", "", "`file` that says how to reach the cluster; not needed in a cluster")
	flags.StringVar(&c.agentService, "agent-service", "kubemon-agent", "`name` of the agents' headless service")
	flags.StringVar(&c.namespace, "namespace", "", "`namespace` of that service; the hub's own, or the kubeconfig's, unless given")
	c.asking.define(flags)
	flags.BoolVar(&c.events, "events", true, "tell the cluster, by Events on its Nodes, which agents attach, go silent and return")
	flags.DurationVar(&c.interval, "interval", 10*time.Second, "`time` between rounds, at least 1s")
	flags.DurationVar(&c.window, "window", time.Hour, "how far back `time` answers go, from one interval to 1h")
	flags.Int64Var(&c.windowMaxBytes, "window-max-bytes", 0, "`bytes` that the window may take up, at least 1048576; 0 is half of GOMEMLIMIT, or no bound without one")
	flags.DurationVar(&c.scrapeTimeout, "scrape-timeout", 5*time.Second, "`time` for one agent's answer, at most the interval")
	if err := daemon.Parse(flags, args, lookupEnv); err != nil {
		return config{}, err
	}
	if err := cmp.Or(c.checkTimes(), c.asking.check(c.agents)); err != nil {
		return config{}, err
	}
	if c.windowMaxBytes != 0 && c.windowMaxBytes < minWindowBytes {
		return config{}, daemon.Usagef("invalid value %d for flag -window-max-bytes: want 0 or at least %d", c.windowMaxBytes, minWindowBytes)
	}
	c.memoryLimit = debug.SetMemoryLimit(-1) // only asks
	clustered := c.agents == "" || c.kubeconfig != ""
	err := cmp.Or(c.tls.check(), c.readers.check(clustered, c.tls.on()))
	return c, err
}

func (c config) checkTimes() error {
	switch {
	case c.window > maxWindow:
		return daemon.Usagef("invalid value %s for flag -window: want at most %s", c.window, maxWindow)
	case c.interval < minInterval || c.interval > c.window:
		return daemon.Usagef("invalid value %s for flag -interval: want %s to the window of %s", c.interval, minInterval, c.window)
	case c.scrapeTimeout <= 0 || c.scrapeTimeout > c.interval:
		return daemon.Usagef("invalid value %s for flag -scrape-timeout: want more than 0 and at most the interval of %s", c.scrapeTimeout, c.interval)
	}
	return nil
}

// windowBound is how many bytes the window may take up, 0 for no bound. Half of
// what the runtime may use leaves room for the rest and for garbage.
func (c config) windowBound() int64 {
	switch {
	case c.windowMaxBytes > 0:
		return c.windowMaxBytes
	case c.memoryLimit == math.MaxInt64:
		return 0
	}
	return max(c.memoryLimit/2, minWindowBytes)
}

// agentURLs are the static agents, nil if a cluster's are to be found.
func (c config) agentURLs() []string {
	if c.agents == "" {
		return nil
	}
	urls := strings.Split(c.agents, ",")
	for i := range urls {
		urls[i] = strings.TrimSpace(urls[i])
	}
	return urls
}

// LogValue is the effective configuration in the log.
func (c config) LogValue() slog.Value {
	return slog.GroupValue(
		slog.Any("readers", c.readers), slog.Any("tls", c.tls),
		slog.String("agents", c.agents), slog.String("kubeconfig", c.kubeconfig),
		slog.String("agent-service", c.agentService), slog.String("namespace", c.namespace),
		slog.Any("agent", c.asking), slog.Bool("events", c.events),
		slog.Duration("interval", c.interval), slog.Duration("window", c.window),
		slog.Duration("scrape-timeout", c.scrapeTimeout), slog.Int64("window-max-bytes", c.windowBound()),
	)
}
