package command

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"testing"
)

// greeting is a command that greets whom it is told to.
func greeting() Command {
	flags := flag.NewFlagSet("greet", flag.ContinueOnError)
	whom := flags.String("whom", "you", "the `name` of who is greeted")
	return Command{
		Flags: flags,
		Check: func() error {
			if *whom == "" {
				return errors.New("whom: expected a name")
			}
			return nil
		},
		Do: func(_ context.Context, stdout, _ io.Writer) error {
			if *whom == "nobody" {
				return errors.New("nobody is there")
			}
			_, err := fmt.Fprintln(stdout, "good day,", *whom)
			return err
		},
	}
}

func TestRun(t *testing.T) {
	tests := []struct {
		name           string
		args           []string
		code           int
		stdout, stderr string // what is printed begins so
	}{
		{"defaults", nil, ExitDone, "good day, you\n", ""},
		{"a flag", []string{"--whom", "all"}, ExitDone, "good day, all\n", ""},
		{"help", []string{"-h"}, ExitDone, "", "Usage: go run ./e2e/cmd/greet [flags]\n  -whom name\n"},
		{"unknown flag", []string{"--who", "x"}, ExitUsage, "", "greet: flag provided but not defined: -who\n"},
		{"argument", []string{"x"}, ExitUsage, "", "greet: unexpected argument \"x\": only flags are taken\n"},
		{"useless value", []string{"--whom="}, ExitUsage, "", "greet: whom: expected a name\n"},
		{"failure", []string{"--whom=nobody"}, ExitFailed, "", "greet: nobody is there\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var stdout, stderr strings.Builder
			if code := greeting().Run(t.Context(), test.args, &stdout, &stderr); code != test.code {
				t.Errorf("exit code %d, want %d", code, test.code)
			}
			for _, printed := range []struct{ got, want string }{{stdout.String(), test.stdout}, {stderr.String(), test.stderr}} {
				if !strings.HasPrefix(printed.got, printed.want) || printed.want == "" && printed.got != "" {
					t.Errorf("printed %q, want it to begin with %q", printed.got, printed.want)
				}
			}
		})
	}
}
