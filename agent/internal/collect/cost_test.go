package collect_test

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// What one snapshot may cost, counted.
const (
	// maxAllocations holds for any number of pods.
	maxAllocations = 40
	maxPodBytes    = 2_000
	// maxPodCalls is for a pod of two containers: nine files of each of the
	// three groups that can always have moved, five calls for the pod's
	// network. The rest of the node takes maxNodeCalls with ten processes.
	maxPodCalls  = 3*9 + 5
	maxNodeCalls = 80
)

func TestAllocations(t *testing.T) {
	for _, pods := range []int{20, 60} {
		node := fullNode{pods: pods, hostProcesses: 10}
		folder := t.TempDir()
		if err := node.write(folder); err != nil {
			t.Fatal(err)
		}
		collector := node.open(t, folder)
		collect := func() {
			if _, err := collector.Collect(); err != nil {
				t.Fatal(err)
			}
		}
		collect() // knows by now how much room a snapshot takes
		allocations := testing.AllocsPerRun(20, collect)
		bytes := bytesPerRun(20, collect)
		t.Logf("%d pods: %.0f allocations, %d bytes", pods, allocations, bytes)
		if most := 20_000 + pods*maxPodBytes; allocations > maxAllocations || bytes > most {
			t.Errorf("%d pods: %.0f allocations and %d bytes a snapshot, want at most %d and %d", pods, allocations, bytes, maxAllocations, most)
		}
	}
}

// bytesPerRun is testing.AllocsPerRun for bytes.
func bytesPerRun(runs int, f func()) int {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range runs {
		f()
	}
	runtime.ReadMemStats(&after)
	return int(after.TotalAlloc-before.TotalAlloc) / runs
}

// snapshotsVariable makes this test's own process take so many snapshots of the
// node in a folder, and nothing else.
const snapshotsVariable, folderVariable = "TEST_SNAPSHOTS", "TEST_FOLDER"

// TestSystemCalls counts them with strace, in a process of its own that takes
// two snapshots, and in one that takes twelve.
func TestSystemCalls(t *testing.T) {
	node := fullNode{pods: 20, hostProcesses: 10}
	if snapshots, err := strconv.Atoi(os.Getenv(snapshotsVariable)); err == nil {
		collector := node.open(t, os.Getenv(folderVariable))
		for range snapshots {
			if _, err := collector.Collect(); err != nil {
				t.Fatal(err)
			}
		}
		return
	}
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("system calls are not counted: strace is not installed; make packages installs it")
	}
	folder := t.TempDir()
	if err := node.write(folder); err != nil {
		t.Fatal(err)
	}
	calls := (tracedCalls(t, strace, folder, 12) - tracedCalls(t, strace, folder, 2)) / 10
	most := node.pods*maxPodCalls + maxNodeCalls
	t.Logf("%d system calls", calls)
	if calls > most || calls < most/2 {
		t.Errorf("%d system calls a snapshot, want at most %d, and to have counted most of them", calls, most)
	}
}

// tracedCalls counts the calls that touch files, which leaves out those of the
// Go runtime: they depend on the clock.
func tracedCalls(t *testing.T, strace, folder string, snapshots int) int {
	t.Helper()
	trace := filepath.Join(t.TempDir(), "trace")
	cmd := exec.Command(strace, "-f", "-o", trace, "-e", "trace=%file,%desc", os.Args[0], "-test.run=^TestSystemCalls$")
	cmd.Env = append(os.Environ(), snapshotsVariable+"="+strconv.Itoa(snapshots), folderVariable+"="+folder)
	if output, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	file, err := os.Open(trace)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	calls := 0
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		if line := lines.Text(); !strings.Contains(line, "resumed>") && !strings.Contains(line, "epoll_") {
			calls++
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return calls
}
