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
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/kubemon/kubemon/e2e/command"
	"github.com/kubemon/kubemon/e2e/demo"
)

func main() {
	var o demo.Options
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	flags.StringVar(&o.Hub, "hub", "bin/kubemon-hub", "the `program`")
	flags.StringVar(&o.Listen, "listen", "", "the hub's `address`")
	flags.DurationVar(&o.Interval, "interval", 10*time.Second, "`time` between the hub's rounds")
	flags.StringVar(&o.Log, "log", "dist/demo-hub.log", "a `file` for the hub's log")
	check := func() error {
		if o.Interval < time.Second || o.Interval > time.Minute {
			return fmt.Errorf("invalid value %s for flag --interval: want 1s to 1m", o.Interval)
		}
		return nil
	}
	show := func(ctx context.Context, stdout, _ io.Writer) error { return show(ctx, o, stdout) }
	os.Exit(command.Command{Flags: flags, Check: check, Do: show}.Main(os.Args[1:], os.Stdout, os.Stderr))
}

// show runs the made-up cluster until ctx ends, and says where the hub is.
func show(ctx context.Context, o demo.Options, stdout io.Writer) error {
	d, err := demo.Start(ctx, o)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.AwaitFull(ctx); err != nil {
		return err
	}
	fmt.Fprintln(stdout, d.URL)
	<-ctx.Done()
	return nil
}
