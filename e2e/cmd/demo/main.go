// Command demo runs a hub on a made-up cluster in which something happens, on
// this machine, to look at its page.
//
// Usage, at the top of the repository:
//
//	make demo
//	go run ./e2e/cmd/demo --hub bin/kubemon-hub [flags]
//
// When the hub has numbers of the last hour it prints its address, then runs
// until it is told to end.
//
// Flags:
//
//	--hub       the program (bin/kubemon-hub)
//	--listen    the hub's address (a free port of the loopback interface)
//	--interval  time between the hub's rounds (10s)
//	--log       a file for the hub's log (dist/demo-hub.log)
//
// Exit codes: 0 ended by a signal, 1 the hub could not be run, 2 wrong usage.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/kubemon/kubemon/e2e/demo"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	options, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintln(stderr, "demo:", err)
		return 2
	}
	d, err := demo.Start(ctx, options)
	if err != nil {
		fmt.Fprintln(stderr, "demo:", err)
		return 1
	}
	defer d.Close()
	if err := d.AwaitFull(ctx); err != nil {
		fmt.Fprintln(stderr, "demo:", err)
		return 1
	}
	fmt.Fprintln(stdout, d.URL)
	<-ctx.Done()
	return 0
}

func parse(args []string, stderr io.Writer) (o demo.Options, err error) {
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.Hub, "hub", "bin/kubemon-hub", "the `program`")
	flags.StringVar(&o.Listen, "listen", "", "the hub's `address`")
	flags.DurationVar(&o.Interval, "interval", 10*time.Second, "`time` between the hub's rounds")
	flags.StringVar(&o.Log, "log", "dist/demo-hub.log", "a `file` for the hub's log")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	switch {
	case flags.NArg() > 0:
		return o, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case o.Interval < time.Second || o.Interval > time.Minute:
		return o, fmt.Errorf("invalid value %s for flag --interval: want 1s to 1m", o.Interval)
	}
	return o, nil
}
