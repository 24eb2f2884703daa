// Command vuln looks for known vulnerabilities that kubemon's code calls.
//
// Usage, at the top of the repository:
//
//	go run ./e2e/cmd/vuln [flags]
//
// It runs govulncheck, whose version e2e/go.mod pins, over each module of the
// workspace, with the module's own requirements, which are those of the images.
// A vulnerability counts when the code, tests aside, can call what is
// vulnerable; one that is only linked is told of and does not fail.
//
// The vulnerabilities come from a database on the network, so it is asked for
// first. Where nothing answers, one line says "NOT CHECKED" and why, and the
// exit code is 0: a machine without that network can still run all the tests.
// A database that answers anything but itself, a certificate that does not
// hold, and one that goes away later are failures.
//
// Flags:
//
//	--db    the database's URL (govulncheck's own default); file:///folder works
//	--root  the top folder of the sources (.)
//	--wait  how long the database has for its first answer (10s)
//
// Exit codes: 0 nothing found or nothing to ask, 1 a vulnerability is called or
// the check failed, 2 wrong usage.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/kubemon/kubemon/e2e/command"
)

func main() {
	os.Exit(vuln().Main(os.Args[1:], os.Stdout, os.Stderr))
}

// options say what is checked, and against what.
type options struct {
	database string        // URL; empty is govulncheck's own default.
	root     string        // The top folder of the sources.
	wait     time.Duration // For the first answer of the database.
}

// vuln is the command.
func vuln() command.Command {
	var opt options
	flags := flag.NewFlagSet("vuln", flag.ContinueOnError)
	flags.StringVar(&opt.database, "db", "", "the database's `URL` (default govulncheck's own)")
	flags.StringVar(&opt.root, "root", ".", "the top `folder` of the sources")
	flags.DurationVar(&opt.wait, "wait", 10*time.Second, "how long the database has for its first answer")
	return command.Command{Flags: flags, Check: func() error { return opt.useful() }, Do: func(ctx context.Context, stdout, _ io.Writer) error {
		return opt.check(ctx, stdout)
	}}
}

func (opt options) useful() error {
	if opt.wait <= 0 {
		return fmt.Errorf("wait %s: expected more than 0", opt.wait)
	}
	return nil
}

// check looks through the modules of the workspace.
func (opt options) check(ctx context.Context, out io.Writer) error {
	modules, err := workspace(ctx, opt.root)
	if err != nil {
		return err
	}
	c := checker{tool: govulncheck(opt.root), database: opt.database, wait: opt.wait, modules: modules}
	return c.check(ctx, out)
}
