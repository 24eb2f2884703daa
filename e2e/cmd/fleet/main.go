// Command fleet measures a hub that asks many simulated nodes, all on this
// machine.
//
// Usage, at the top of the repository:
//
//	make fleet
//	go run ./e2e/cmd/fleet --hub bin/kubemon-hub [flags]
//
// Each node has 30 pods with 60 containers, at an address of its own on the
// loopback interface, over TLS 1.3 with a key of its own, and takes only who shows
// a token; an API server of the same process has their names. The hub runs in a process of its own. After all nodes have numbers it
// is left alone for a while, then asked for everything. Printed are its CPU
// time for each scrape, beside that of a client that only gets the snapshots and
// throws them away, its memory, and how long its answers took.
//
// Flags:
//
//	--hub       the program (bin/kubemon-hub)
//	--nodes     how many nodes (1000)
//	--interval  time between the hub's rounds (10s)
//	--history   how far back the agents have snapshots of their own: as if the
//	            hub had been restarted after that time (0s)
//	--for       how long to measure (10m)
//	--log       a file for the hub's log (dist/fleet-hub.log)
//
// Exit codes: 0 done, 1 a round was dropped or the hub could not be run, 2
// wrong usage.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/kubemon/kubemon/e2e/command"
	"github.com/kubemon/kubemon/e2e/fleet"
)

// bare is the argument with which the command runs itself as the bare client.
const bare = "bare"

func main() {
	c, args := whole(), os.Args[1:]
	if slices.Equal(args, []string{bare}) {
		c, args = client(), nil
	}
	os.Exit(c.Main(args, os.Stdout, os.Stderr))
}

// client is the command as a client that only gets the snapshots.
func client() command.Command {
	return command.Command{
		Flags: flag.NewFlagSet("fleet", flag.ContinueOnError),
		Do:    func(ctx context.Context, stdout, _ io.Writer) error { return fleet.BareMain(ctx, stdout) },
	}
}

// whole is the command as people run it.
func whole() command.Command {
	var o fleet.Options
	flags := flag.NewFlagSet("fleet", flag.ContinueOnError)
	flags.StringVar(&o.Hub, "hub", "bin/kubemon-hub", "the `program`")
	flags.IntVar(&o.Nodes, "nodes", 1000, "`how many` nodes")
	flags.DurationVar(&o.Interval, "interval", 10*time.Second, "`time` between the hub's rounds")
	flags.DurationVar(&o.History, "history", 0, "how far back the agents have snapshots of their own")
	during := flags.Duration("for", 10*time.Minute, "how long to measure")
	flags.StringVar(&o.Log, "log", "dist/fleet-hub.log", "a `file` for the hub's log")
	return command.Command{Flags: flags, Check: func() error { return useful(o, *during) }, Do: func(ctx context.Context, stdout, stderr io.Writer) error {
		report, err := measure(ctx, o, *during, stderr)
		if report != nil {
			print(stdout, report)
		}
		return err
	}}
}

func useful(o fleet.Options, during time.Duration) error {
	switch {
	case o.Nodes < 1 || o.Nodes > 5000:
		return fmt.Errorf("invalid value %d for flag --nodes: want 1 to 5000", o.Nodes)
	case o.Interval < time.Second, during < o.Interval:
		return fmt.Errorf("invalid value %s for flag --interval: want 1s to the %s of --for", o.Interval, during)
	}
	return nil
}

func measure(ctx context.Context, o fleet.Options, during time.Duration, progress io.Writer) (*fleet.Report, error) {
	start := time.Now()
	say := func(format string, args ...any) {
		fmt.Fprintf(progress, "[%6.1fs] %s\n", time.Since(start).Seconds(), fmt.Sprintf(format, args...))
	}
	say("starting %d nodes", o.Nodes)
	f, err := fleet.Start(ctx, o)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	say("the hub listens on %s", f.Hub.URL)
	if err := f.AwaitReady(ctx); err != nil {
		return nil, err
	}
	say("every node has numbers; measuring for %s", during)
	report, err := f.Measure(ctx, during)
	if err != nil {
		return report, err
	}
	f.Hub.End()
	say("measuring a bare client")
	program, err := os.Executable()
	if err != nil {
		return report, err
	}
	report.BareCPUPerScrape, err = f.Bare(ctx, program, bare)
	return report, err
}

// print writes the report as a table.
func print(to io.Writer, r *fleet.Report) {
	const mib = 1 << 20
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	defer w.Flush()
	fmt.Fprintf(w, "nodes, pods, containers\t%d, %d, %d\n", r.Nodes, r.Pods, r.Containers)
	fmt.Fprintf(w, "rounds\t%d, %d skipped, %d samples dropped\n", r.Rounds, r.Skipped, r.Dropped)
	fmt.Fprintf(w, "longest round\tat most %s\n", r.LongestRound)
	fmt.Fprintf(w, "filled in before\t%d rounds, %d samples of nodes\n", r.ReplayedRounds, r.ReplayedSamples)
	fmt.Fprintf(w, "CPU for each scrape\t%s\n", r.CPUPerScrape)
	if bare := r.BareCPUPerScrape; bare > 0 {
		fmt.Fprintf(w, "  of a bare client\t%s, 1/%.1f of it\n", bare, float64(r.CPUPerScrape)/float64(bare))
	}
	fmt.Fprintf(w, "resident memory\t%d MiB, at most %d\n", r.ResidentBytes/mib, r.MaxResidentBytes/mib)
	fmt.Fprintf(w, "window\t%d MiB for %d samples\n", r.WindowBytes/mib, r.WindowSamples)
	fmt.Fprintf(w, "longest scrape of the last round\t%s\n", r.LongestScrape)
	for _, a := range r.Answers {
		fmt.Fprintf(w, "answer: %s\t%s to %s, %d bytes\n", a.Name, a.Shortest.Round(10*time.Microsecond), a.Longest.Round(10*time.Microsecond), a.Bytes)
	}
}
