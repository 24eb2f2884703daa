package daemon

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
)

// Parse reads the flags of a program from args and, where args leave a flag
// unsaid, from the environment. The environment's names derive from the name
// of the program, which is that of flags, and the flag: --listen of
// kubemon-agent is KUBEMON_AGENT_LISTEN. An empty variable counts as unset.
//
// Parse adds -version. Its error is an [Answer] for -h and -version, else a
// [UsageError] that names the flag or the variable.
func Parse(flags *flag.FlagSet, args []string, lookupEnv func(string) (string, bool)) error {
	version := flags.Bool("version", false, "print the version and exit")
	flags.SetOutput(io.Discard) // Main prints the error, once
	flags.Usage = func() {}
	err := flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		return Answer(usage(flags))
	}
	if err != nil {
		return UsageError{err}
	}
	if *version {
		return Answer(flags.Name() + " " + Version())
	}
	if flags.NArg() > 0 {
		return Usagef("unexpected argument %q: only flags are taken, see -h", flags.Arg(0))
	}
	return parseEnv(flags, lookupEnv)
}

func parseEnv(flags *flag.FlagSet, lookupEnv func(string) (string, bool)) error {
	said := make(map[string]bool)
	flags.Visit(func(f *flag.Flag) { said[f.Name] = true })
	var errs []error
	flags.VisitAll(func(f *flag.Flag) {
		variable := envName(flags.Name(), f.Name)
		value, ok := lookupEnv(variable)
		if !ok || value == "" || said[f.Name] || f.Name == "version" {
			return
		}
		if err := flags.Set(f.Name, value); err != nil {
			errs = append(errs, Usagef("invalid value %q for variable %s: %w", value, variable, err))
		}
	})
	if len(errs) > 0 {
		return errs[0] // one clear line
	}
	return nil
}

// envName is the environment form of a flag.
func envName(program, flagName string) string {
	return strings.ToUpper(strings.ReplaceAll(program+"_"+flagName, "-", "_"))
}

// usage lists every flag with its default and its environment form.
func usage(flags *flag.FlagSet) string {
	var text strings.Builder
	fmt.Fprintf(&text, "Usage: %s [flags]\n\nFlags, each with its environment variable:\n", flags.Name())
	flags.VisitAll(func(f *flag.Flag) {
		if f.Name == "version" {
			fmt.Fprintf(&text, "\n  -version\n      %s\n", f.Usage)
			return
		}
		kind, about := flag.UnquoteUsage(f)
		fmt.Fprintf(&text, "\n  --%s", f.Name)
		if kind != "" {
			fmt.Fprintf(&text, " %s", kind)
		}
		fmt.Fprintf(&text, "   %s\n      %s", envName(flags.Name(), f.Name), about)
		if f.DefValue != "" {
			fmt.Fprintf(&text, " (default %s)", f.DefValue)
		}
		text.WriteByte('\n')
	})
	return strings.TrimSuffix(text.String(), "\n")
}
