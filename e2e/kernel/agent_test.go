package kernel

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubemon/kubemon/shared/snapshot"
)

// An agent is a running agent under test. Every snapshot that a test takes of
// it is also checked against all earlier ones: see [agent.snapshot].
type agent struct {
	tree    tree
	process *os.Process
	url     string

	mu        sync.Mutex
	bootNanos int64
	last      map[series]map[string]uint64
	warnings  map[string]string // the last reason, by source
}

// A series is the life of one control group, as the contract tells it.
type series struct {
	name string // the pod's UID, or the container's ID
	id   uint64 // cgroupID
}

// startAgent runs an agent that looks at the tree until the test ends. Change,
// which may be nil, may change how it is started.
func startAgent(t *testing.T, tr tree, change func(*exec.Cmd)) *agent {
	t.Helper()
	address := freeAddress(t)
	var log bytes.Buffer
	cmd := exec.CommandContext(t.Context(), filepath.Join(programs, "kubemon-agent"), "--listen="+address, "--node-name=node1")
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = patience
	cmd.Stderr = &log
	if change != nil {
		change(cmd)
	}
	must(t, cmd.Start())
	a := &agent{
		tree: tr, process: cmd.Process, url: "http://" + address,
		last: make(map[series]map[string]uint64), warnings: make(map[string]string),
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() { // the test's context ended just now
		if err := <-ended; err != nil && t.Context().Err() == nil {
			t.Errorf("the agent ended by itself: %v\n%s", err, log.String())
		}
		for source, reason := range a.warnings {
			t.Logf("the agent warned: %s: %s", source, reason)
		}
	})
	eventually(t, "the agent answers", func() bool {
		response, err := http.Get(a.url + "/healthz")
		if err != nil {
			return false
		}
		response.Body.Close()
		return response.StatusCode == http.StatusOK
	})
	return a
}

func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer listener.Close()
	return listener.Addr().String()
}

// snapshot asks the agent once and checks what holds for any snapshot: it is
// valid, the agent understood every file, its time went on, and no counter of
// any group fell since it was first seen.
func (a *agent) snapshot(t *testing.T) *snapshot.Snapshot {
	t.Helper()
	s, err := a.ask(t.Context())
	must(t, err)
	a.mu.Lock()
	defer a.mu.Unlock()
	if s.BootNanos <= a.bootNanos {
		t.Errorf("bootNanos is %d after %d", s.BootNanos, a.bootNanos)
	}
	a.bootNanos = s.BootNanos
	for _, warning := range s.Warnings {
		if strings.Contains(warning.Reason, "parse ") {
			t.Errorf("a kernel file was not understood: %+v", warning)
		}
		a.warnings[warning.Source] = warning.Reason
	}
	for _, pod := range s.Pods {
		a.checkGrown(t, series{pod.UID, pod.CgroupID}, podNumbers(pod))
		for _, container := range pod.Containers {
			a.checkGrown(t, series{container.ID, container.CgroupID}, containerNumbers(container))
		}
	}
	return s
}

// ask gets one snapshot.
func (a *agent) ask(ctx context.Context) (*snapshot.Snapshot, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, a.url+"/snapshot", nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("snapshot: %s: %s", response.Status, body)
	}
	return snapshot.Decode(body, response.Header.Get("Content-Type"))
}

func (a *agent) checkGrown(t *testing.T, of series, now numbers) {
	t.Helper()
	counters := now.counters()
	for name, before := range a.last[of] {
		if value, ok := counters[name]; !ok || value < before {
			t.Errorf("%s of %s in group %d is %d (there: %v) after %d", name, of.name, of.id, value, ok, before)
		}
	}
	a.last[of] = counters
}

// findPod returns the pod in the snapshot; that it is there is required.
func findPod(t *testing.T, s *snapshot.Snapshot, p pod) snapshot.Pod {
	t.Helper()
	i := slices.IndexFunc(s.Pods, func(told snapshot.Pod) bool { return told.UID == p.uid })
	if i < 0 {
		t.Fatalf("pod %s is not in the snapshot, which has %d pods", p.uid, len(s.Pods))
	}
	return s.Pods[i]
}

// findContainer returns the container in its pod; that it is there is required.
func findContainer(t *testing.T, told snapshot.Pod, c container) snapshot.Container {
	t.Helper()
	i := slices.IndexFunc(told.Containers, func(told snapshot.Container) bool { return told.ID == c.id })
	if i < 0 {
		t.Fatalf("container %s is not in pod %s, which has %d containers", c.id, told.UID, len(told.Containers))
	}
	return told.Containers[i]
}

// compare takes a snapshot and compares the pod and its containers in it with
// the kernel's files, read before and after. It returns the pod as told.
func (a *agent) compare(t *testing.T, p pod, containers ...container) snapshot.Pod {
	t.Helper()
	told, _ := a.compareOnce(t, p, containers)
	return told
}

// compareStill is compare at a moment at which the kernel's numbers do not
// move, so that every one of them must be equal.
func (a *agent) compareStill(t *testing.T, p pod, containers ...container) (told snapshot.Pod) {
	t.Helper()
	eventually(t, "the kernel's numbers of pod "+p.uid+" stand still", func() (still bool) {
		told, still = a.compareOnce(t, p, containers)
		return still
	})
	return told
}

func (a *agent) compareOnce(t *testing.T, p pod, containers []container) (told snapshot.Pod, still bool) {
	t.Helper()
	before := readAll(t, p, containers)
	told = findPod(t, a.snapshot(t), p)
	after := readAll(t, p, containers)
	checkBetween(t, "pod "+p.uid, before[0], podNumbers(told), after[0])
	for i, c := range containers {
		checkBetween(t, "container "+c.id, before[i+1], containerNumbers(findContainer(t, told, c)), after[i+1])
	}
	if len(told.Containers) != len(containers) {
		t.Errorf("pod %s has %d containers in the snapshot, want %d", p.uid, len(told.Containers), len(containers))
	}
	return told, cmp.Equal(before, after)
}

// readAll reads the kernel's numbers of the pod, then of its containers.
func readAll(t *testing.T, p pod, containers []container) []numbers {
	t.Helper()
	all := []numbers{p.numbers(t)}
	for _, c := range containers {
		all = append(all, c.numbers(t))
	}
	return all
}

// usage returns the agent's private resident memory in bytes and how many
// descriptors it has open.
func (a *agent) usage(t *testing.T) (anonBytes uint64, descriptors int) {
	t.Helper()
	proc := fmt.Sprintf("/proc/%d", a.process.Pid)
	status, err := os.ReadFile(filepath.Join(proc, "status"))
	must(t, err)
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, "RssAnon:"); ok {
			anonBytes = number(t, strings.TrimSuffix(strings.TrimSpace(value), " kB")) * 1024
		}
	}
	open, err := os.ReadDir(filepath.Join(proc, "fd"))
	must(t, err)
	return anonBytes, len(open)
}

// logUsage notes what the agent takes in the test's log.
func (a *agent) logUsage(t *testing.T, when string) {
	t.Helper()
	anonBytes, descriptors := a.usage(t)
	t.Logf("%s: the agent has %.1f MiB of private memory and %d descriptors", when, float64(anonBytes)/(1<<20), descriptors)
}
