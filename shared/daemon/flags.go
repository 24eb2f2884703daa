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
	_, err := ParseCommand(flags, "[flags]", nil, args, lookupEnv)
	return err
}

// ParseCommand is Parse for one command of a program. synopsis is what follows
// the program's name in the first lines of -h. The command takes exactly the
// operands that are named, words that are no flags, and returns them in their
// order; they may stand before, between and after the flags.
func ParseCommand(flags *flag.FlagSet, synopsis string, names []string, args []string, lookupEnv func(string) (string, bool)) (operands []string, err error) {
	version := flags.Bool("version", false, "print the version and exit")
	flags.SetOutput(io.Discard) // Main prints the error, once
	flags.Usage = func() {}
	for {
		err := flags.Parse(args)
		if errors.Is(err, flag.ErrHelp) {
			return nil, Answer(usage(flags, synopsis))
		}
		if err != nil {
			return nil, UsageError{err}
		}
		if *version {
			return nil, Answer(flags.Name() + " " + Version())
		}
		if flags.NArg() == 0 {
			break
		}
		operands, args = append(operands, flags.Arg(0)), flags.Args()[1:]
	}
	if len(operands) > len(names) {
		return nil, Usagef("unexpected argument %q: wanted is %s %s, see -h", operands[len(names)], flags.Name(), synopsis)
	}
	if len(operands) < len(names) {
		return nil, Usagef("%s is missing: wanted is %s %s, see -h", names[len(operands)], flags.Name(), synopsis)
	}
	return operands, parseEnv(flags, lookupEnv)
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
func usage(flags *flag.FlagSet, synopsis string) string {
	var text strings.Builder
	fmt.Fprintf(&text, "Usage: %s %s\n\nFlags, each with its environment variable:\n", flags.Name(), synopsis)
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
