package kernel

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// startIn starts a program in a control group, where all of its life is
// charged. It is ended with the test, if it has not by itself.
func startIn(t *testing.T, g group, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
	enterAtStart(t, cmd, g)
	must(t, cmd.Start())
	t.Cleanup(func() { cmd.Wait() }) // its end is not what was tested
	return cmd
}

// startInUntil is startIn for a load that prints a line when its work is done;
// it returns then.
func startInUntil(t *testing.T, g group, said string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
	out, err := cmd.StdoutPipe()
	must(t, err)
	enterAtStart(t, cmd, g)
	must(t, cmd.Start())
	t.Cleanup(func() { cmd.Wait() }) // its end is not what was tested
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, said) {
		t.Fatalf("%q said %q, want %q first: %v", args, line, said, err)
	}
	return cmd
}

// runIn runs a program in a control group to its end, which must be good.
func runIn(t *testing.T, g group, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
	enterAtStart(t, cmd, g)
	if output, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("run %q: %v: %s", args, err, output)
	}
}

// enterAtStart makes a command that was not started yet begin in the group.
func enterAtStart(t *testing.T, cmd *exec.Cmd, g group) {
	t.Helper()
	dir, err := os.Open(string(g))
	must(t, err)
	t.Cleanup(func() { dir.Close() })
	cmd.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(dir.Fd()), Pdeathsig: syscall.SIGKILL}
}

// load returns the command line of a load, which ends by itself in any case.
func load(args ...string) []string {
	return append([]string{filepath.Join(programs, "load")}, append(args, "--for=2m")...)
}

// A burster uses CPU time when told to, and nearly none otherwise.
type burster struct {
	pid int
	in  io.Writer
	out *bufio.Reader
}

// startBurster starts a burster in a group, from which it can be moved.
func startBurster(t *testing.T, g group) *burster {
	t.Helper()
	args := load("burst")
	cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
	in, err := cmd.StdinPipe()
	must(t, err)
	out, err := cmd.StdoutPipe()
	must(t, err)
	enterAtStart(t, cmd, g)
	must(t, cmd.Start())
	t.Cleanup(func() {
		in.Close()
		cmd.Wait() // its end is not what was tested
	})
	return &burster{cmd.Process.Pid, in, bufio.NewReader(out)}
}

// burst uses at least that much CPU time, and returns when it has.
func (b *burster) burst(d time.Duration) error {
	if err := b.begin(d); err != nil {
		return err
	}
	return b.wait(d)
}

// begin tells the burster to use CPU time.
func (b *burster) begin(d time.Duration) error {
	_, err := fmt.Fprintln(b.in, d)
	return err
}

// wait waits until the burster has used the time that begin told it to.
func (b *burster) wait(d time.Duration) error {
	line, err := b.out.ReadString('\n')
	if err != nil {
		return fmt.Errorf("wait for a burst: %w", err)
	}
	if strings.TrimSpace(line) != "used "+d.String() {
		return fmt.Errorf("a burst of %s answered %q", d, line)
	}
	return nil
}
