package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubemon/kubemon/agent/internal/hostfs"
)

// mustRead reads a group that is there and must say these numbers.
func mustRead(t *testing.T, g *Group, sources Sources, want numbers) {
	t.Helper()
	var buf hostfs.Buffer
	if !g.Read(&buf, sources) {
		t.Errorf("%s is gone", g.Path)
	}
	if errs := errorsOf(g); len(errs) > 0 {
		t.Errorf("%s has the errors %v", g.Path, errs)
	}
	if diff := cmp.Diff(want, numbersOf(g)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", g.Path, diff)
	}
}

// TestGroupBeyondTheDescriptors has the same numbers however few files may be
// kept open, at the first reading and when all have moved.
func TestGroupBeyondTheDescriptors(t *testing.T) {
	for _, kept := range []int{0, 1, 5, 100} {
		t.Run(fmt.Sprint(kept), func(t *testing.T) {
			n := newNode(t, kept)
			n.make(t, "a", 7)
			g := n.group(t, "a", nil)
			mustRead(t, g, everything, wantNumbers(7))
			n.make(t, "a", 8)
			g.Reopen() // nothing watches the limits here
			mustRead(t, g, everything, wantNumbers(8))
		})
	}
}

// limits are a group's.
type limits struct {
	CPU          Bandwidth
	Memory, PIDs Count
}

// A limitStep writes files of a group.
type limitStep struct {
	name  string
	write map[file]string
	want  limits
	read  []file // those limits that are read where changes are told
}

func limitSteps() []limitStep {
	first := limits{Bandwidth{7, true}, Count{700, true}, Count{70, true}}
	second := limits{first.CPU, Count{4096, true}, first.PIDs}
	all := []file{cpuMax, memoryMax, pidsMax}
	return []limitStep{
		{"first", nil, first, all},
		{"nothing happened", nil, first, nil},
		{"a limit", map[file]string{memoryMax: "4096\n"}, second, all},
		{"nothing happened since", nil, second, nil},
		{"no limits", map[file]string{cpuMax: "max 100000\n", pidsMax: "max\n"}, limits{Memory: second.Memory}, all},
		{"a number that the kernel counts", map[file]string{memoryCurrent: "1\n"}, limits{Memory: second.Memory}, nil},
	}
}

// TestLimitsAreReadWhenWritten counts readings of the limits: with a watcher
// they are read when one was written, without at every reading.
func TestLimitsAreReadWhenWritten(t *testing.T) {
	for _, watched := range []bool{true, false} {
		t.Run(fmt.Sprintf("watched=%v", watched), func(t *testing.T) {
			n, pod := newNode(t, 100), "kubepods/pod"+uid
			n.make(t, "kubepods", 9)
			n.make(t, pod, 7)
			tree := NewTree(n, newWatcher(t, watched), nil)
			t.Cleanup(tree.Close)
			for _, step := range limitSteps() {
				for f, text := range step.write {
					n.write(t, pod, f, text)
				}
				g := readPod(t, tree)
				if diff := cmp.Diff(step.want, limits{g.CPU.Limit, g.Memory.LimitBytes, g.PIDs.Limit}); diff != "" {
					t.Errorf("%s: limits (-want +got):\n%s", step.name, diff)
				}
				for _, f := range []file{cpuMax, memoryMax, pidsMax} {
					got, want := n.readsOf(pod, f) == 1, !watched || slices.Contains(step.read, f)
					if got != want {
						t.Errorf("%s: %s is read: %v, want %v", step.name, f, got, want)
					}
				}
			}
		})
	}
}

// readPod brings a tree of one pod up to date and reads that.
func readPod(t *testing.T, tree *Tree) *Group {
	t.Helper()
	if err := tree.Update(); err != nil {
		t.Fatal(err)
	}
	var buf hostfs.Buffer
	if len(tree.Pods) != 1 || !tree.Pods[0].Read(&buf, everything) {
		t.Fatalf("the tree has the pods %v, want one that can be read", tree.Pods)
	}
	return tree.Pods[0].Group
}

// TestRestIsNotRead counts readings of what cannot have moved, because what the
// parent counts, which includes it, has not.
func TestRestIsNotRead(t *testing.T) {
	for _, local := range []bool{false, true} {
		for _, f := range []file{memoryEvents} {
			t.Run(fmt.Sprintf("%s local=%v", f, local), func(t *testing.T) {
				n, sources := newNode(t, 100), everything
				sources.LocalEvents = local
				n.make(t, "a", 20)
				n.make(t, "a/b", 7)
				above := n.group(t, "a", nil)
				g := n.group(t, "a/b", above)
				always := local
				round := func(name string, aboves, groups uint64, want int) {
					t.Helper()
					n.write(t, "a", f, texts(aboves)[f])
					n.write(t, "a/b", f, texts(groups)[f])
					mustRead(t, above, sources, withNumbers(wantNumbers(20), f, aboves))
					mustRead(t, g, sources, withNumbers(wantNumbers(7), f, groups))
					if always {
						want = 1
					}
					if got := n.readsOf("a/b", f); got != want {
						t.Errorf("%s: read %d times, want %d", name, got, want)
					}
				}
				round("first", 20, 7, 1)
				round("rest", 20, 7, 0)
				round("another child's", 21, 7, 1)
				round("rest again", 21, 7, 0)
				round("its own", 22, 8, 1)
				g.Reopen()
				round("after Reopen", 22, 8, 1)
				if mustRead(t, n.group(t, "a/b", above), sources, withNumbers(wantNumbers(7), f, 8)); n.readsOf("a/b", f) != 1 {
					t.Error("a group that is new below one at rest is not read")
				}
			})
		}
	}
}

// TestIOIsReadThoughTheGroupAboveStands has what Linux 6.2 to 6.9 tell: a
// group's I/O that only the group right above it counts.
func TestIOIsReadThoughTheGroupAboveStands(t *testing.T) {
	n := newNode(t, 100)
	for _, path := range []string{"a", "a/b", "a/b/c"} {
		n.make(t, path, 7)
	}
	a := n.group(t, "a", nil)
	b := n.group(t, "a/b", a)
	c := n.group(t, "a/b/c", b)
	for by := uint64(7); by < 10; by++ {
		n.write(t, "a/b", ioStat, texts(by)[ioStat])
		n.write(t, "a/b/c", ioStat, texts(by)[ioStat])
		mustRead(t, a, everything, wantNumbers(7))
		mustRead(t, b, everything, withNumbers(wantNumbers(7), ioStat, by))
		mustRead(t, c, everything, withNumbers(wantNumbers(7), ioStat, by))
	}
}

// TestRestAfterAFailure has a group of which one file cannot be read in just
// the round in which the group above tells of more kills.
func TestRestAfterAFailure(t *testing.T) {
	for _, f := range []file{memoryStat, memoryEvents} {
		n := newNode(t, 100)
		n.make(t, "a", 20)
		n.make(t, "a/b", 7)
		above := n.group(t, "a", nil)
		g := n.group(t, "a/b", above)
		mustRead(t, above, everything, wantNumbers(20))
		mustRead(t, g, everything, wantNumbers(7))
		n.write(t, "a", memoryEvents, texts(21)[memoryEvents])
		n.write(t, "a/b", memoryEvents, texts(8)[memoryEvents])
		n.fails["a/b/"+f.String()] = syscall.EMFILE
		var buf hostfs.Buffer
		if !above.Read(&buf, everything) || !g.Read(&buf, everything) || g.MemoryErr == nil {
			t.Fatalf("%s: the memory is told although a file could not be read", f)
		}
		clear(n.fails)
		mustRead(t, above, everything, withNumbers(wantNumbers(20), memoryEvents, 21))
		mustRead(t, g, everything, withNumbers(wantNumbers(7), memoryEvents, 8))
	}
}

// withNumbers are numbers of which one file's are made of by.
func withNumbers(all numbers, f file, by uint64) numbers {
	switch other := wantNumbers(by); f {
	case ioStat:
		all.IO = other.IO
	case memoryEvents:
		all.Memory.OOMKills = other.Memory.OOMKills
	}
	return all
}

// TestRestNeedsGoodNumbers has a parent whose kills cannot be told: then they
// are no reason not to look at the child's.
func TestRestNeedsGoodNumbers(t *testing.T) {
	for _, f := range []file{memoryEvents} {
		n := newNode(t, 100)
		n.make(t, "a", 20)
		n.make(t, "a/b", 7)
		above := n.group(t, "a", nil)
		g := n.group(t, "a/b", above)
		n.write(t, "a", f, map[file]string{ioStat: "8:0 rbytes=x\n", memoryEvents: "oom_kill x\n"}[f])
		var buf hostfs.Buffer
		for by := range uint64(4) {
			n.write(t, "a/b", f, texts(by)[f])
			if !above.Read(&buf, everything) {
				t.Fatal("the parent is gone")
			}
			mustRead(t, g, everything, withNumbers(wantNumbers(7), f, by))
		}
	}
}

// TestSwapIsReadWhereThereCanBeAny has a node whose swap space is taken away,
// which brings every page of it back to memory.
func TestSwapIsReadWhereThereCanBeAny(t *testing.T) {
	n := newNode(t, 100)
	n.make(t, "a", 7)
	g := n.group(t, "a", nil)
	steps := []struct {
		name string
		swap bool
		text string
		want uint64
		read int
	}{
		{"in use", true, "42\n", 42, 1},
		{"in use again", true, "43\n", 43, 1},
		{"taken away", false, "0\n", 0, 1},
		{"none", false, "0\n", 0, 0},
		{"back", true, "5\n", 5, 1},
	}
	for _, step := range steps {
		n.write(t, "a", swapCurrent, step.text)
		sources, want := everything, wantNumbers(7)
		sources.Swap = step.swap
		want.Memory.SwapBytes.Value = step.want
		mustRead(t, g, sources, want)
		if got := n.readsOf("a", swapCurrent); got != step.read {
			t.Errorf("%s: read %d times, want %d", step.name, got, step.read)
		}
	}
}

// optionalFiles has what is not known without a file that not every kernel or
// group has.
func optionalFiles() map[file]func(*numbers) {
	return map[file]func(*numbers){
		memoryPeak:   func(n *numbers) { n.Memory.PeakBytes = Count{} },
		swapCurrent:  func(n *numbers) { n.Memory.SwapBytes = Count{} },
		memoryEvents: func(n *numbers) { n.Memory.OOMKills = Count{} },
		memoryMax:    func(n *numbers) { n.Memory.LimitBytes = Count{} },
		cpuMax:       func(n *numbers) { n.CPU.Limit = Bandwidth{} },
		pidsMax:      func(n *numbers) { n.PIDs.Limit = Count{} },
	}
}

// TestMissingFiles has a group without a file that it need not have: then that
// number is unknown. It is looked for once, until Reopen.
func TestMissingFiles(t *testing.T) {
	for f, lose := range optionalFiles() {
		t.Run(f.String(), func(t *testing.T) {
			n := newNode(t, 100)
			n.make(t, "a", 7)
			n.remove(t, "a", f)
			g, want := n.group(t, "a", nil), wantNumbers(7)
			lose(&want)
			for range 3 {
				mustRead(t, g, everything, want)
			}
			if got := n.readsOf("a", f); got != 1 {
				t.Errorf("looked for %d times, want once", got)
			}
			n.write(t, "a", f, texts(7)[f])
			g.Reopen()
			mustRead(t, g, everything, wantNumbers(7))
		})
	}
}

// TestMissingController has a group without a file that its controller always
// has.
func TestMissingController(t *testing.T) {
	for f, part := range partsOf() {
		if optionalFiles()[f] != nil || f == cpuStat { // without cpu.stat there is no group
			continue
		}
		t.Run(f.String(), func(t *testing.T) {
			n := newNode(t, 100)
			n.make(t, "a", 7)
			n.remove(t, "a", f)
			g := n.group(t, "a", nil)
			var buf hostfs.Buffer
			for range 3 {
				there, errs := g.Read(&buf, everything), errorsOf(g)
				if err := errs[part]; !there || len(errs) != 1 || !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "a/"+f.String()) {
					t.Fatalf("Read = %v with the errors %v, want one of %s that wraps fs.ErrNotExist and names the file", there, errs, part)
				}
			}
			if got := n.readsOf("a", f); got != 1 {
				t.Errorf("looked for %d times, want once", got)
			}
			n.write(t, "a", f, texts(7)[f])
			g.Reopen()
			mustRead(t, g, everything, wantNumbers(7))
		})
	}
}

// TestControllerTakenAway has files that were open when their controller was
// taken from the group: the kernel fails them, and the group lives, as its
// cgroup.controllers tells. That of a group that is being removed has all.
func TestControllerTakenAway(t *testing.T) {
	for part, files := range map[string][]file{
		"memory":   {memoryCurrent, memoryStat, memoryPeak, memoryEvents, swapCurrent, memoryMax},
		"pids":     {pidsCurrent, pidsMax},
		"io":       {ioStat},
		"pressure": {cpuPressure, memoryPressure, ioPressure},
	} {
		t.Run(part, func(t *testing.T) {
			n := newNode(t, 100)
			n.make(t, "a", 7)
			g := n.group(t, "a", nil)
			mustRead(t, g, everything, wantNumbers(7))
			var buf hostfs.Buffer
			for _, errno := range []error{syscall.ENODEV, syscall.ENOENT, syscall.ENOENT} {
				for _, f := range files {
					n.fails["a/"+f.String()] = errno
				}
				n.tell(t, "a", "cpu io memory pids", "1")
				if errno == syscall.ENODEV && g.Read(&buf, everything) {
					t.Error("a group that is being removed is told")
				}
				n.tell(t, "a", strings.ReplaceAll("cpu io memory pids", part, ""), "0")
				if !g.Read(&buf, everything) {
					t.Fatalf("the group is gone after %v", errno)
				}
				errs := errorsOf(g)
				for broken, err := range errs {
					if broken != part && !strings.HasSuffix(broken, "."+part) || !IsGone(err) {
						t.Errorf("%s: %v after %v, want errors of %s only", broken, err, errno, part)
					}
				}
				if len(errs) == 0 {
					t.Errorf("no error after %v, want one of %s", errno, part)
				}
			}
			clear(n.fails)
			g.Reopen()
			mustRead(t, g, everything, wantNumbers(7))
		})
	}
}

// tell writes what a group says of its controllers and of its pressure.
func (n *node) tell(t *testing.T, group, controllers, pressure string) {
	t.Helper()
	for name, text := range map[string]string{"cgroup.controllers": controllers, "cgroup.pressure": pressure} {
		if err := os.WriteFile(n.real(t, group+"/"+name), []byte(text+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
