// Load makes a load whose size is known, for a monitor to be checked against.
//
//	load burn  --millicores 300
//	load burst
//	load hold  --mebibytes 200
//	load write --mebibytes 64 --file /data/file [--direct] [--every 10s]
//	load serve --listen :8080
//	load send  --to host:port --megabytes 50 [--every 5s]
//	load impostor --listen :10999
//	load crash --after 1s
//	load pause
//
// Burn uses that much CPU time per second of the clock, on one processor. Burst
// reads durations such as 20ms, one a line, and uses that much CPU time for each.
// Hold keeps that much memory resident. Write writes that much to the file, and
// with --direct past the page cache; serve takes TCP connections and counts the
// bytes that come; send sends exactly that many bytes over one connection.
// Impostor takes TLS connections with a key of its own and says what comes, and
// whether a token came with it. Crash exits with 1; pause only waits.
//
// A MiB is 2^20 bytes, a MB 10^6. Write and send do their work once and then
// wait, unless --every repeats it. Each says in a line what it did. SIGTERM,
// SIGINT and the end of the time that --for gives end every load with exit code
// 0, and the end of its input ends burst; a failure is exit code 1, wrong usage
// exit code 2.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

// A load is a command: its flags are defined on a set, and the returned
// function does the work until it is done or ctx ends.
type load func(flags *flag.FlagSet) func(ctx context.Context, out io.Writer) error

func loads(stdin io.Reader) map[string]load {
	return map[string]load{
		"burn": burn, "burst": burst(stdin), "hold": hold, "write": write, "serve": serve, "send": send, "impostor": impostor, "crash": crash, "pause": pause,
	}
}

// errUsage marks errors of the command line; they have been printed.
var errUsage = errors.New("wrong usage")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	switch {
	case errors.Is(err, errUsage):
		os.Exit(2)
	case err != nil && ctx.Err() == nil:
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

// run runs the load that args name.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	known := loads(stdin)
	if len(args) == 0 || known[args[0]] == nil {
		names := make([]string, 0, len(known))
		for name := range known {
			names = append(names, name)
		}
		slices.Sort(names)
		fmt.Fprintf(stderr, "load: expected one of %s as first argument\n", strings.Join(names, ", "))
		return errUsage
	}
	flags := flag.NewFlagSet("load "+args[0], flag.ContinueOnError)
	flags.SetOutput(stderr)
	limit := flags.Duration("for", 0, "end after this time; 0 is no limit")
	work := known[args[0]](flags)
	if err := flags.Parse(args[1:]); err != nil {
		return errUsage
	}
	if flags.NArg() > 0 {
		fmt.Fprintf(stderr, "load %s: unexpected argument %q\n", args[0], flags.Arg(0))
		return errUsage
	}
	if *limit > 0 {
		limited, cancel := context.WithTimeout(ctx, *limit)
		defer cancel()
		ctx = limited
	}
	return work(ctx, stdout)
}

// repeat does work at once and then at every period, or once if it is 0, and
// waits for ctx to end.
func repeat(ctx context.Context, every time.Duration, work func() error) error {
	if every <= 0 {
		if err := work(); err != nil {
			return err
		}
		<-ctx.Done()
		return nil
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		if err := work(); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

func pause(*flag.FlagSet) func(context.Context, io.Writer) error {
	return func(ctx context.Context, _ io.Writer) error {
		<-ctx.Done()
		return nil
	}
}

func crash(flags *flag.FlagSet) func(context.Context, io.Writer) error {
	after := flags.Duration("after", time.Second, "time until the crash")
	return func(ctx context.Context, _ io.Writer) error {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(*after):
			return fmt.Errorf("crashing after %s, as asked", *after)
		}
	}
}
