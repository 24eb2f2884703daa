// Package command is what the commands below e2e/cmd do alike: they take flags
// and nothing else, say what they cannot use in one line after their name, list
// their flags for -h, end at SIGINT and SIGTERM, and have exit codes that mean
// something.
//
// It reads neither os.Args nor the environment: a command hands them in.
package command

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// Exit codes of every command.
const (
	ExitDone   = 0 // it did what it was for, or listed its flags
	ExitFailed = 1
	ExitUsage  = 2 // an argument is wrong
)

// A Command is one whose flags are defined.
type Command struct {
	Flags *flag.FlagSet // Named as the command.
	Check func() error  // Says which value of a flag is of no use; nil where any is.
	Do    func(ctx context.Context, stdout, stderr io.Writer) error
}

// Main runs the command with the arguments after its name until it is done or a
// signal ends it, and returns its exit code.
func (c Command) Main(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return c.Run(ctx, args, stdout, stderr)
}

// Run is Main until the context ends.
func (c Command) Run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	err := c.parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprintf(stderr, "Usage: go run ./e2e/cmd/%s [flags]\n", c.Flags.Name())
		c.Flags.SetOutput(stderr)
		c.Flags.PrintDefaults()
		return ExitDone
	}
	code := ExitUsage
	if err == nil {
		err, code = c.Do(ctx, stdout, stderr), ExitFailed
	}
	if err != nil {
		fmt.Fprintf(stderr, "%s: %v\n", c.Flags.Name(), err)
		return code
	}
	return ExitDone
}

func (c Command) parse(args []string) error {
	c.Flags.Init(c.Flags.Name(), flag.ContinueOnError)
	c.Flags.SetOutput(io.Discard) // its errors are returned, and told once
	c.Flags.Usage = func() {}
	if err := c.Flags.Parse(args); err != nil {
		return err
	}
	if c.Flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q: only flags are taken", c.Flags.Arg(0))
	}
	if c.Check == nil {
		return nil
	}
	return c.Check()
}
