package kernel

import (
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/kubemon/kubemon/shared/snapshot"
)

// A full node, and how often it is read by each of those that are compared.
const (
	costPods       = 110
	costContainers = 250
	costRounds     = 12
	costPause      = 500 * time.Millisecond
)

// TestHostCost measures what an agent costs on a full node: 110 pods in network
// namespaces of their own, 250 containers with a process each that wakes every
// two seconds. In turns with it the same files are read in two plain ways. The
// times are only told, since they are this machine's and this moment's; what is
// counted is held.
func TestHostCost(t *testing.T) {
	a := startHostAgent(t)
	own := group(string(a.tree.mount) + "-agent")
	t.Cleanup(func() { must(t, own.remove()) })
	must(t, own.make(""))
	fillNode(t, a.tree)
	must(t, own.enter(a.process.Pid))
	t.Cleanup(func() { // it ends with the test's context
		if process, err := os.FindProcess(a.process.Pid); err == nil {
			process.Signal(syscall.SIGTERM)
		}
		eventually(t, "the agent has left its group", func() bool { return own.read(t, "cgroup.procs") == "" })
	})

	bare := openBare(t, a.tree)
	var agentTimes, emptyTimes, bareTimes, plainTimes []time.Duration
	bytes := 0
	for range costRounds {
		time.Sleep(costPause)
		agentTimes = append(agentTimes, own.usedBy(t, func() { bytes = a.fetch(t) }))
		time.Sleep(costPause)
		emptyTimes = append(emptyTimes, own.usedBy(t, func() { a.fetchNothing(t) }))
		time.Sleep(costPause)
		bareTimes = append(bareTimes, threadTime(t, func() { bare.read(t) }))
		time.Sleep(costPause)
		plainTimes = append(plainTimes, threadTime(t, func() { readPlainly(t, bare) }))
	}
	agent, empty, kept, plain := median(agentTimes), median(emptyTimes), median(bareTimes), median(plainTimes)
	t.Logf("CPU time of one reading of %d pods and %d containers, median of %d:", costPods, costContainers, costRounds)
	t.Logf("  the agent, a snapshot over HTTP   %8v  %.2f of bare reads", agent, float64(agent)/float64(kept))
	t.Logf("  the same without a request's own  %8v  %.2f of bare reads; GET /healthz takes %v", agent-empty, float64(agent-empty)/float64(kept), empty)
	t.Logf("  bare reads, %4d files kept open  %8v", len(bare.files)+len(bare.netdevs), kept)
	t.Logf("  a walk and os.ReadFile            %8v  %.2f of bare reads", plain, float64(plain)/float64(kept))
	t.Logf("the snapshot has %d bytes; at 10 s the agent takes %.2f millicores", bytes, agent.Seconds()*100)
	a.checkUsage(t)
	a.traceCalls(t)
}

// traceCalls tells which system calls a snapshot makes.
func (a *agent) traceCalls(t *testing.T) {
	t.Helper()
	const snapshots = 10
	trace := filepath.Join(t.TempDir(), "calls")
	strace := exec.CommandContext(t.Context(), "strace", "-f", "-c", "-U", "calls,name", "-S", "calls", "-o", trace, "-p", strconv.Itoa(a.process.Pid))
	must(t, strace.Start())
	eventually(t, "strace watches the agent", func() bool {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", a.process.Pid))
		return err == nil && !strings.Contains(string(status), "TracerPid:\t0\n")
	})
	for range snapshots {
		a.fetch(t)
	}
	must(t, strace.Process.Signal(os.Interrupt))
	strace.Wait() // it exits with the signal
	table, err := os.ReadFile(trace)
	must(t, err)
	t.Logf("system calls of %d snapshots:\n%s", snapshots, table)
}

// fillNode starts the pods. One script a pod enters the pod's network
// namespace, and puts a process into each container.
func fillNode(t *testing.T, tr tree) {
	t.Helper()
	const script = `ip link set lo up
for procs; do
  bash -c 'echo $$ >"$0"; exec 3<> <(:); while :; do read -t 2 -u 3; done' "$procs" &
done
echo started; wait`
	left := costContainers
	for i := range costPods {
		p := tr.makePod(t)
		args := []string{"-n", "bash", "-c", script, "pod"}
		for range (left + costPods - i - 1) / (costPods - i) { // as evenly as can be
			args = append(args, string(p.makeContainer(t).join("cgroup.procs")))
			left--
		}
		cmd := exec.CommandContext(t.Context(), "unshare", args...)
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
		output, err := cmd.StdoutPipe()
		must(t, err)
		must(t, cmd.Start())
		t.Cleanup(func() { cmd.Wait() }) // killed by the end of the test's context
		if _, err := output.Read(make([]byte, 1)); err != nil {
			t.Fatalf("pod %d did not start: %v", i, err)
		}
	}
	eventually(t, "every container has its process", func() bool {
		running := 0
		filepath.WalkDir(string(tr.mount), func(path string, d fs.DirEntry, err error) error {
			if err == nil && len(d.Name()) == 64 && group(path).read(t, "cgroup.procs") != "" {
				running++
			}
			return nil
		})
		return running == costContainers
	})
}

// usedBy is the CPU time that the processes of the group take for f.
func (g group) usedBy(t *testing.T, f func()) time.Duration {
	t.Helper()
	before := g.keyed(t, "cpu.stat")["usage_usec"]
	f()
	return time.Duration(g.keyed(t, "cpu.stat")["usage_usec"]-before) * time.Microsecond
}

func (a *agent) fetchNothing(t *testing.T) {
	t.Helper()
	response, err := http.Get(a.url + "/healthz")
	must(t, err)
	response.Body.Close()
}

// fetch takes a snapshot as the hub does and returns its length.
func (a *agent) fetch(t *testing.T) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, a.url+"/snapshot", nil)
	must(t, err)
	request.Header.Set("Accept", snapshot.ContentTypeMsgpack)
	response, err := http.DefaultClient.Do(request)
	must(t, err)
	defer response.Body.Close()
	body := make([]byte, 0, 1<<20)
	for {
		n, err := response.Body.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		if err != nil {
			break
		}
	}
	s, err := snapshot.Decode(body, snapshot.ContentTypeMsgpack)
	must(t, err)
	containers := 0
	for _, pod := range s.Pods {
		containers += len(pod.Containers)
		if pod.Network == nil || pod.HostNetwork {
			t.Errorf("pod %s has no network of its own", pod.UID)
		}
	}
	if len(s.Pods) != costPods || containers != costContainers {
		t.Errorf("%d pods, %d containers; want %d, %d", len(s.Pods), containers, costPods, costContainers)
	}
	return len(body)
}

// bareReads are the files of a full node: those that can stay open, and those
// of the pods' networks, which must not.
type bareReads struct {
	tree    tree
	names   []string
	files   []int
	netdevs []string
	buf     []byte
}

func openBare(t *testing.T, tr tree) *bareReads {
	t.Helper()
	b := &bareReads{tree: tr, buf: make([]byte, 64<<10)}
	b.names = []string{"/proc/stat", "/proc/meminfo", "/proc/loadavg", "/proc/pressure/cpu", "/proc/pressure/memory", "/proc/pressure/io", "/proc/diskstats", "/proc/1/net/dev"}
	for _, name := range groupsOf(t, tr.mount) {
		base := filepath.Base(name)
		if base == "burstable" {
			continue // nobody asks for its numbers
		}
		for _, file := range []string{"cpu.stat", "cpu.pressure", "memory.pressure", "io.pressure"} {
			b.names = append(b.names, filepath.Join(name, file))
		}
		if !strings.HasPrefix(base, "pod") {
			continue
		}
		b.names = append(b.names, filepath.Join(name, "cgroup.procs"))
		containers := groupsOf(t, group(name))
		pid, _, _ := strings.Cut(group(containers[1]).read(t, "cgroup.procs"), "\n")
		b.netdevs = append(b.netdevs, filepath.Join("/proc", pid, "net/dev"))
	}
	for _, name := range b.names {
		fd, err := syscall.Open(name, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
		must(t, err)
		t.Cleanup(func() { syscall.Close(fd) })
		b.files = append(b.files, fd)
	}
	return b
}

// groupsOf lists a group and all below it.
func groupsOf(t *testing.T, top group) (list []string) {
	t.Helper()
	must(t, filepath.WalkDir(string(top), func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			list = append(list, path)
		}
		return err
	}))
	return list
}

// read reads everything with as few system calls as there are, and does nothing
// with it.
func (b *bareReads) read(t *testing.T) {
	for _, fd := range b.files {
		if _, err := syscall.Pread(fd, b.buf, 0); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range b.netdevs {
		fd, err := syscall.Open(name, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
		if err == nil {
			_, err = syscall.Pread(fd, b.buf, 0)
			syscall.Close(fd)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// readPlainly is the first thing that comes to mind: walk the tree, read every
// file.
func readPlainly(t *testing.T, b *bareReads) {
	groupsOf(t, b.tree.mount)
	for _, name := range slices.Concat(b.names, b.netdevs) {
		if _, err := os.ReadFile(name); err != nil {
			t.Fatal(err)
		}
	}
}

// threadTime is the CPU time that f takes.
func threadTime(t *testing.T, f func()) time.Duration {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	now := func() time.Duration {
		var ts unix.Timespec
		must(t, unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ts))
		return time.Duration(ts.Nano())
	}
	start := now()
	f()
	return now() - start
}

func median(times []time.Duration) time.Duration {
	slices.Sort(times)
	return times[len(times)/2].Round(10 * time.Microsecond)
}

// checkUsage tells the agent's memory, and holds what does not depend on the
// machine.
func (a *agent) checkUsage(t *testing.T) {
	t.Helper()
	status := make(map[string]int)
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", a.process.Pid))
	must(t, err)
	for line := range strings.Lines(string(data)) {
		if fields := strings.Fields(line); len(fields) > 1 {
			status[fields[0]], _ = strconv.Atoi(fields[1])
		}
	}
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", a.process.Pid))
	must(t, err)
	t.Logf("resident %.1f MiB, private %.1f MiB, %d files open", float64(status["VmRSS:"])/1024, float64(status["RssAnon:"])/1024, len(files))
	if status["VmRSS:"] > 16<<10 || status["RssAnon:"] > 6<<10 {
		t.Errorf("resident %d kB, private %d kB, want at most 16 MiB and 6 MiB", status["VmRSS:"], status["RssAnon:"])
	}
}
