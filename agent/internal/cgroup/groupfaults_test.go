package cgroup

import (
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/kubemon/kubemon/agent/internal/hostfs"
)

// TestReplacedGroupIsGone puts another group in the place of one that is read:
// the first must be told to be gone, not go on with the numbers of the second.
func TestReplacedGroupIsGone(t *testing.T) {
	tests := []struct {
		name string
		kept int
		rest bool // the parent is at rest, so that all that is read is kept open
	}{
		{"no file kept", 0, false},
		{"some kept", 3, false},
		{"all kept", 100, false},
		{"all kept, at rest", 100, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n := newNode(t, tt.kept)
			n.make(t, "a", 20)
			n.make(t, "a/b", 7)
			above := n.group(t, "a", nil)
			g := n.group(t, "a/b", above)
			sources := everything
			sources.Swap = false
			n.write(t, "a/b", swapCurrent, "0\n")
			var buf hostfs.Buffer
			for range 2 {
				if !above.Read(&buf, sources) || !g.Read(&buf, sources) {
					t.Fatal("a group that is there is gone")
				}
			}
			n.replace(t, "a/b", 1000)
			if tt.rest {
				n.failAll("a/b")
			} else {
				n.make(t, "a", 21)
			}
			if above.Read(&buf, sources); g.Read(&buf, sources) {
				t.Errorf("the group is there, with the numbers %+v", numbersOf(g))
			}
			clear(n.fails)
			mustRead(t, n.group(t, "a/b", above), everything, wantNumbers(1000))
		})
	}
}

// TestRemovedGroupIsGone removes groups, with files kept open and without.
func TestRemovedGroupIsGone(t *testing.T) {
	for _, kept := range []int{0, 100} {
		n := newNode(t, kept)
		n.make(t, "a", 7)
		g := n.group(t, "a", nil)
		mustRead(t, g, everything, wantNumbers(7))
		if err := os.RemoveAll(n.real(t, "a")); err != nil {
			t.Fatal(err)
		}
		var buf hostfs.Buffer
		if g.Read(&buf, everything) {
			t.Errorf("the group is there with %d files kept", kept)
		}
		if _, err := NewGroup(n, "a", nil); !IsGone(err) {
			t.Errorf("NewGroup of a removed group: %v, want one that is gone", err)
		}
	}
}

// TestParseErrorsNameTheFile has text that no kernel writes in each file.
func TestParseErrorsNameTheFile(t *testing.T) {
	for f := range numFiles {
		t.Run(f.String(), func(t *testing.T) {
			n := newNode(t, 100)
			n.make(t, "a", 7)
			n.write(t, "a", f, map[file]string{memoryEvents: "oom_kill some\n"}[f]+"some 1:\n")
			g := n.group(t, "a", nil)
			var buf hostfs.Buffer
			for range 3 { // until it is mended, at each reading
				if !g.Read(&buf, everything) {
					t.Fatal("the group is gone")
				}
				errs := errorsOf(g)
				if err := errs[partsOf()[f]]; len(errs) != 1 || err == nil || !strings.Contains(err.Error(), "parse a/"+f.String()) {
					t.Fatalf("errors %v, want one of %s that names a/%s", errs, partsOf()[f], f)
				}
			}
			n.write(t, "a", f, texts(7)[f])
			mustRead(t, g, everything, wantNumbers(7))
		})
	}
}

// TestLimitsAfterAFailure has a reading that fails while a limit has to be
// read, for instance because the agent has too many files open: the limit must
// not pass for none from then on.
func TestLimitsAfterAFailure(t *testing.T) {
	for f := range numFiles {
		t.Run(f.String(), func(t *testing.T) {
			n := newNode(t, 100)
			n.make(t, "a", 7)
			g := n.group(t, "a", nil)
			n.fails["a/"+f.String()] = syscall.EMFILE
			var buf hostfs.Buffer
			if !g.Read(&buf, everything) || len(errorsOf(g)) != 1 {
				t.Fatalf("errors %v, want one, and the group to be there", errorsOf(g))
			}
			clear(n.fails)
			mustRead(t, g, everything, wantNumbers(7))
		})
	}
}
