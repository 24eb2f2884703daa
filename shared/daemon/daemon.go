// Package daemon is what kubemon's programs do alike: they read flags with an
// environment form, log to standard error, listen, serve and drain on a
// signal, and end with an exit code that means something.
//
// Only a command calls it. The package reads neither os.Args nor the
// environment: the command hands them in. It needs the standard library alone.
package daemon

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os/signal"
	"runtime/debug"
	"syscall"
)

// Exit codes of every program.
const (
	ExitStopped = 0 // it was asked to stop, or to answer -h or -version
	ExitFailed  = 1 // it could not run, or not go on
	ExitUsage   = 2 // a flag or variable is wrong
)

// An Answer is the text that -h and -version ask for. As an error it ends the
// program well.
type Answer string

func (a Answer) Error() string { return string(a) }

// A UsageError is a flag, variable or argument that the program cannot use.
type UsageError struct{ Err error }

func (e UsageError) Error() string { return e.Err.Error() }
func (e UsageError) Unwrap() error { return e.Err }

// Usagef returns a [UsageError] of that text.
func Usagef(format string, args ...any) error {
	return UsageError{fmt.Errorf(format, args...)}
}

// Main runs a program until it returns and gives its exit code. The context
// ends with SIGINT or SIGTERM. An error of run is printed here and only here,
// as one line on stderr; an [Answer] goes to stdout.
func Main(name string, stdout, stderr io.Writer, run func(context.Context, *slog.Logger) error) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	err := run(ctx, slog.New(slog.NewTextHandler(stderr, nil)))
	if err == nil {
		return ExitStopped
	}
	if answer, ok := errors.AsType[Answer](err); ok {
		fmt.Fprintln(stdout, answer)
		return ExitStopped
	}
	fmt.Fprintf(stderr, "%s: %v\n", name, err)
	if _, ok := errors.AsType[UsageError](err); ok {
		return ExitUsage
	}
	return ExitFailed
}

// SetGCPercent makes the Go runtime collect when the heap has grown by so many
// percent, unless the variable GOGC already says when.
func SetGCPercent(percent int, lookupEnv func(string) (string, bool)) {
	if _, set := lookupEnv("GOGC"); !set {
		debug.SetGCPercent(percent)
	}
}

// release is the version of this source; charts/kubemon/Chart.yaml has the
// same as its appVersion.
const release = "0.1.0"

// Version is the release, and the commit after a "+" where the Go tool
// stamped one into the program.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return release
	}
	return versionOf(info)
}

func versionOf(info *debug.BuildInfo) string {
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" {
			return release + "+" + setting.Value[:min(12, len(setting.Value))]
		}
	}
	return release
}
