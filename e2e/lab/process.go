package lab

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A process is one that a lab started and left running. Its start time tells
// it from a later process with the same number.
type process struct {
	PID int `json:"pid"`
	// StartTicks is field 22 of /proc/PID/stat: clock ticks since boot.
	StartTicks uint64 `json:"startTicks"`
}

// parseStat returns the state and the start time in a /proc/PID/stat line. The
// command in parentheses may hold spaces and parentheses itself.
// See https://docs.kernel.org/filesystems/proc.html, table 1-4.
func parseStat(line string) (state string, startTicks uint64, err error) {
	_, rest, _ := cutLast(line, ")")
	fields := strings.Fields(rest)
	// rest begins with field 3, the state; field 22 is the 20th of it.
	if len(fields) < 20 {
		return "", 0, fmt.Errorf("parse stat line %q: too few fields", line)
	}
	startTicks, err = strconv.ParseUint(fields[19], 10, 64)
	if err != nil {
		return "", 0, fmt.Errorf("parse start time of stat line: %w", err)
	}
	return fields[0], startTicks, nil
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// alive reports whether the process runs. A zombie does not.
func (p process) alive() bool {
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.PID))
	if err != nil {
		return false
	}
	state, startTicks, err := parseStat(string(line))
	return err == nil && startTicks == p.StartTicks && state != "Z" && state != "X"
}

// spawn starts a program that outlives this one, in a session of its own, with
// its output in the lab's log folder, and records it under name.
func (l *Lab) spawn(name string, args ...string) error {
	log, err := os.Create(l.path("log", name+".log"))
	if err != nil {
		return fmt.Errorf("make log of %s: %w", name, err)
	}
	defer log.Close()
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Dir = l.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", name, err)
	}
	started := process{PID: cmd.Process.Pid}
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", started.PID))
	if err == nil {
		_, started.StartTicks, err = parseStat(string(line))
	}
	// A child that ends while this program still runs must not stay a zombie.
	go cmd.Wait()
	if err != nil {
		return fmt.Errorf("look at %s after its start: %w", name, err)
	}
	record, err := json.Marshal(started)
	if err != nil {
		return fmt.Errorf("encode record of %s: %w", name, err)
	}
	return l.writeFiles("run", map[string][]byte{name + ".json": record})
}

// spawnInNetwork is spawn in the lab's network namespace. `ip netns exec`
// becomes the program, so the recorded process is the program itself.
func (l *Lab) spawnInNetwork(name string, args ...string) error {
	return l.spawn(name, append([]string{"ip", "netns", "exec", l.namespace()}, args...)...)
}

// running returns the recorded process of a name if it still runs.
func (l *Lab) running(name string) (process, bool) {
	var p process
	record, err := os.ReadFile(l.path("run", name+".json"))
	if err != nil || json.Unmarshal(record, &p) != nil {
		return process{}, false
	}
	return p, p.alive()
}

// signal sends a signal to a running process of the lab.
func (l *Lab) signal(name string, signal syscall.Signal) error {
	p, ok := l.running(name)
	if !ok {
		return fmt.Errorf("signal %s: it is not running", name)
	}
	if err := syscall.Kill(p.PID, signal); err != nil {
		return fmt.Errorf("signal %s: %w", name, err)
	}
	return nil
}

// killTimeout is how long a process that was killed may take to be gone.
const killTimeout = 10 * time.Second

// kill ends a process of the lab with all of its group, at once, and waits
// until it is gone. It is no error if it does not run.
func (l *Lab) kill(name string) error {
	p, ok := l.running(name)
	if ok {
		if err := syscall.Kill(-p.PID, syscall.SIGKILL); err != nil {
			return fmt.Errorf("kill %s: %w", name, err)
		}
	}
	for deadline := time.Now().Add(killTimeout); p.alive(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			return fmt.Errorf("kill %s: process %d is still there after %s", name, p.PID, killTimeout)
		}
	}
	if err := os.Remove(l.path("run", name+".json")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("forget %s: %w", name, err)
	}
	return nil
}

// recorded returns the names of all processes that the lab has a record of.
func (l *Lab) recorded() ([]string, error) {
	files, err := filepath.Glob(l.path("run", "*.json"))
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	var names []string
	for _, file := range files {
		names = append(names, strings.TrimSuffix(filepath.Base(file), ".json"))
	}
	return names, nil
}

// logTail returns the end of a process's log, to go with an error.
func (l *Lab) logTail(name string) string {
	log, err := os.ReadFile(l.path("log", name+".log"))
	if err != nil {
		return err.Error()
	}
	return lastLines(log)
}
