package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// found is the exit code by which govulncheck says that a vulnerability is
// called.
const found = 3

// A tool runs govulncheck with the arguments, writes what it prints to out and
// returns its exit code. An error means that it did not run to its end.
type tool func(ctx context.Context, out io.Writer, args ...string) (exitCode int, err error)

// A checker looks for vulnerabilities in modules.
type checker struct {
	tool     tool
	database string // URL; empty is the tool's default.
	wait     time.Duration
	modules  []string // Their folders.
}

// check asks whether the database is there before anything is loaded, and then
// looks through every module. It returns nil when no vulnerability is called,
// and when the database is out of reach, which it writes to out.
func (c checker) check(ctx context.Context, out io.Writer) error {
	database := c.database
	if database == "" {
		var err error
		if database, err = defaultDatabase(ctx, c.tool); err != nil {
			return err
		}
	}
	err := reach(ctx, database, c.wait)
	if away, ok := errors.AsType[*unreachableError](err); ok {
		fmt.Fprintf(out, "vuln: NOT CHECKED for known vulnerabilities: %v\n", away)
		return nil
	}
	if err != nil {
		return err
	}
	var errs []error
	for _, module := range c.modules {
		errs = append(errs, c.scan(ctx, out, database, module))
	}
	return errors.Join(errs...)
}

// scan looks through one module. Only 0 is success: whatever else govulncheck
// ends with, nobody knows that the module is free of vulnerabilities.
func (c checker) scan(ctx context.Context, out io.Writer, database, module string) error {
	name := filepath.Base(module)
	fmt.Fprintf(out, "vuln: looking through %s\n", name)
	code, err := c.tool(ctx, out, "-db", database, "-C", module, "./...")
	switch {
	case err != nil:
		return fmt.Errorf("check module %s: %w", name, err)
	case code == found:
		return fmt.Errorf("module %s calls code with a known vulnerability", name)
	case code != 0:
		return fmt.Errorf("check module %s: govulncheck ended with exit code %d", name, code)
	}
	return nil
}

// govulncheck returns the tool that the module e2e below root pins. The
// workspace is off for it and for what it loads: a module is checked with its
// own requirements.
func govulncheck(root string) tool {
	return func(ctx context.Context, out io.Writer, args ...string) (int, error) {
		cmd := exec.CommandContext(ctx, "go", append([]string{"tool", "govulncheck"}, args...)...)
		cmd.Dir = filepath.Join(root, "e2e")
		cmd.Env = append(os.Environ(), "GOWORK=off")
		cmd.Stdout, cmd.Stderr = out, out
		err := cmd.Run()
		if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.Exited() {
			return exit.ExitCode(), nil
		}
		if err != nil {
			return 0, fmt.Errorf("run govulncheck: %w", err)
		}
		return 0, nil
	}
}

// workspace returns the folders of the modules that the go.work at root names.
func workspace(ctx context.Context, root string) ([]string, error) {
	cmd := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOWORK=") // The nearest go.work.
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	folders, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("list modules of the workspace at %s: %w\n%s", root, err, bytes.TrimSpace(stderr.Bytes()))
	}
	return strings.Split(strings.TrimSpace(string(folders)), "\n"), nil
}
