package lab

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// testLab returns a lab with a folder of its own that starts nothing.
func testLab(t *testing.T) *Lab {
	t.Helper()
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	l, err := newLab(Options{Name: "unit", Sources: "../..", Progress: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	unlock, err := l.lock()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(unlock)
	return l
}

func TestParseStat(t *testing.T) {
	tail := strings.Repeat(" 1", 18) + " 4242 99 98"
	tests := map[string]struct {
		line  string
		state string
		ticks uint64
		fails bool
	}{
		"plain":       {"17 (cat) S" + tail, "S", 4242, false},
		"parentheses": {"17 (a) b (c)) Z" + tail, "Z", 4242, false},
		"empty":       {"", "", 0, true},
		"short":       {"17 (cat) S 1 2", "", 0, true},
		"no number":   {"17 (cat) S" + strings.Repeat(" x", 30), "", 0, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			state, ticks, err := parseStat(test.line)
			if (err != nil) != test.fails {
				t.Fatalf("parseStat(%q) error = %v, want error %t", test.line, err, test.fails)
			}
			if err == nil && (state != test.state || ticks != test.ticks) {
				t.Errorf("parseStat(%q) = %s %d, want %s %d", test.line, state, ticks, test.state, test.ticks)
			}
		})
	}
}

func TestAProcessIsKnownByItsStartTime(t *testing.T) {
	line, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		t.Fatal(err)
	}
	_, ticks, err := parseStat(string(line))
	if err != nil {
		t.Fatal(err)
	}
	if me := (process{PID: os.Getpid(), StartTicks: ticks}); !me.alive() {
		t.Error("this process is not alive")
	}
	if other := (process{PID: os.Getpid(), StartTicks: ticks + 1}); other.alive() {
		t.Error("a process with this number and another start time is alive")
	}
}

func TestSpawnKill(t *testing.T) {
	l := testLab(t)
	// The child tells that a kill takes the whole group.
	if err := l.spawn("sleeper", "sh", "-c", "sleep 1000 & echo $!; wait"); err != nil {
		t.Fatal(err)
	}
	if _, ok := l.running("sleeper"); !ok {
		t.Fatal("sleeper does not run")
	}
	var child string
	err := poll(t.Context(), readyTimeout, "the child", func(context.Context) error {
		if child = strings.TrimSpace(l.logTail("sleeper")); child == "" {
			return errors.New("nothing said yet")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.signal("sleeper", syscall.SIGSTOP); err != nil {
		t.Error(err)
	}
	if err := l.kill("sleeper"); err != nil {
		t.Fatal(err)
	}
	if _, ok := l.running("sleeper"); ok {
		t.Error("sleeper runs after kill")
	}
	err = poll(t.Context(), readyTimeout, "the child to end", func(context.Context) error {
		state, err := exec.Command("ps", "-o", "stat=", "-p", child).Output()
		if err == nil && !strings.HasPrefix(string(state), "Z") {
			return errors.New("it runs")
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if err := l.kill("sleeper"); err != nil {
		t.Errorf("kill of what does not run: %v", err)
	}
	if err := l.signal("sleeper", syscall.SIGSTOP); err == nil {
		t.Error("signal to what does not run succeeded")
	}
}

func TestRecordedAndStatus(t *testing.T) {
	l := testLab(t)
	for _, name := range []string{"b", "a"} {
		if err := l.spawn(name, "true"); err != nil {
			t.Fatal(err)
		}
	}
	names, err := l.recorded()
	if err != nil || !slices.Equal(names, []string{"a", "b"}) {
		t.Errorf("recorded() = %q, %v, want a and b", names, err)
	}
	lines, err := l.Status()
	if err != nil || len(lines) != 2 || !strings.HasPrefix(lines[0], "a ") {
		t.Errorf("Status() = %q, %v, want two lines, a first", lines, err)
	}
}

// TestADeadLabIsMadeAnew leaves what a restart of the machine leaves: files of a
// lab of which nothing runs.
func TestADeadLabIsMadeAnew(t *testing.T) {
	l := testLab(t)
	disk := l.path("nodes", "node1.img")
	if err := l.writeFiles("nodes", map[string][]byte{"node1.img": []byte("what pods wrote")}); err != nil {
		t.Fatal(err)
	}
	there := func() bool { _, err := os.Stat(disk); return err == nil }
	for _, name := range []string{"etcd", "node1"} {
		if err := l.spawn(name, "sleep", "60"); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.kill(name) })
	}
	for _, name := range []string{"etcd", "node1"} {
		if err := l.removeDead(t.Context()); err != nil || !there() {
			t.Fatalf("removeDead while %s runs: %v, the disk is there: %t", name, err, there())
		}
		p, _ := l.running(name)
		if err := syscall.Kill(p.PID, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		for p.alive() {
			time.Sleep(time.Millisecond) // the test's own limit ends this
		}
	}
	if err := l.removeDead(t.Context()); err != nil || there() {
		t.Fatalf("removeDead when nothing runs: %v, the disk is there: %t", err, there())
	}
	if err := l.spawn("etcd", "true"); err != nil {
		t.Errorf("the lab cannot be made anew: %v", err)
	}
}
