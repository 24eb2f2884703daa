package cluster

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
)

const mebibyte = 1 << 20

// near fails unless got is within share of want.
func near(t *testing.T, what string, got *float64, want, share float64) {
	t.Helper()
	if got == nil || math.Abs(*got-want) > want*share {
		t.Errorf("%s = %s, want %.4g within %.1f %%", what, show(got), want, share*100)
	}
}

func show(v *float64) string {
	if v == nil {
		return "null"
	}
	return fmt.Sprintf("%.6g", *v)
}

// wholes are the things that hold a load of namespace loads.
func wholes(node, deployment string) map[string]string {
	return map[string]string{
		"node":       "/api/v1/nodes/" + node,
		"deployment": "/api/v1/namespaces/loads/deployments/" + deployment,
		"namespace":  "/api/v1/namespaces/loads",
		"cluster":    "/api/v1/cluster",
	}
}

// TestKnownCPU looks at a pod that burns 30 % of a CPU: on the pod, its
// Deployment, its namespace and its node, and nowhere else.
func TestKnownCPU(t *testing.T) {
	pod := awaitPod(t, "burn-")
	before := kernelUsage(t, pod.UID)
	afterRounds(t, 7)
	now := kernelUsage(t, pod.UID)
	truth := 1000 * float64(now.usageMicros-before.usageMicros) / float64(now.nodeMicros-before.nodeMicros)
	recent := mustFetch[item](t, "/api/v1/namespaces/loads/pods/"+pod.Name+"?window=60")
	if recent.Series == nil {
		t.Fatal("the pod has no series")
	}
	mean := average(recent.Series.CPUMillicores)
	t.Logf("burn is set to 300 millicores; the kernel's mean over this time is %.1f, kubemon's over its last minute %.1f", truth, mean)
	// On a busy machine a guest charges the waiting for its own processor to
	// whoever runs, so the kernel's count and not the setting is the truth.
	near(t, "CPU of the pod over a minute", &mean, truth, 0.05)

	for what, path := range wholes("node1", "burn") {
		whole := mustFetch[item](t, path+"?window=60")
		if got := average(whole.Series.CPUMillicores); got < 0.95*mean {
			t.Errorf("CPU of the %s over a minute = %.1f, less than its pod's %.1f", what, got, mean)
		}
	}
	cpuByModeAddsUp(t, "node1")
	deployment := average(mustFetch[item](t, "/api/v1/namespaces/loads/deployments/burn?window=60").Series.CPUMillicores)
	near(t, "CPU of the Deployment", &deployment, mean, 0.05)

	for _, other := range mustFetch[list](t, "/api/v1/namespaces/loads/pods").Items {
		if other.Name != pod.Name && other.Usage != nil && value(other.Usage.CPUMillicores) > 100 {
			t.Errorf("pod %s uses %s millicores and should idle", other.Name, show(other.Usage.CPUMillicores))
		}
	}
}

// cpuByModeAddsUp wants a node's modes to be what its CPU is made of.
func cpuByModeAddsUp(t *testing.T, node string) {
	t.Helper()
	recent := mustFetch[item](t, "/api/v1/nodes/"+node+"?window=60").Series
	mode := func(name string) float64 { return average(recent.CPUMillicoresByMode[name]) }
	used := mode("user") + mode("system") + mode("irq")
	t.Logf("%s by mode: user %.1f, system %.1f, irq %.1f, iowait %.1f, idle %.1f", node, mode("user"), mode("system"), mode("irq"), mode("iowait"), mode("idle"))
	near(t, "CPU of "+node+" by its modes", &used, average(recent.CPUMillicores), 0.02)
}

// kernelTimes are read on a node beside all of kubemon.
type kernelTimes struct{ usageMicros, nodeMicros uint64 }

// kernelUsage reads the CPU time of a pod on node1, and how long that node is up.
func kernelUsage(t *testing.T, podUID string) (times kernelTimes) {
	t.Helper()
	const script = `read up idle </proc/uptime; echo $up; cat $(find /sys/fs/cgroup/kubepods -maxdepth 2 -name "pod$0")/cpu.stat`
	out, err := theLab.OnNode(t.Context(), 1, nil, "sh", "-c", script, podUID)
	if err != nil {
		t.Fatal(err)
	}
	var upSeconds float64
	if _, err := fmt.Sscanf(string(out), "%f\nusage_usec %d", &upSeconds, &times.usageMicros); err != nil {
		t.Fatalf("%v in %q", err, out)
	}
	times.nodeMicros = uint64(upSeconds * 1e6)
	return times
}

func average(values []*float64) float64 {
	sum, n := 0.0, 0
	for _, v := range values {
		if v != nil {
			sum, n = sum+*v, n+1
		}
	}
	return sum / float64(n)
}

// TestKnownMemory looks at a pod that holds 200 MiB.
func TestKnownMemory(t *testing.T) {
	pod := awaitPod(t, "hold-")
	held := value(pod.Usage.MemoryBytes)
	t.Logf("hold is set to 200 MiB; kubemon's working set is %.1f MiB, RSS %.1f MiB",
		held/mebibyte, value(pod.Usage.MemoryRSSBytes)/mebibyte)
	if held < 200*mebibyte || held > 220*mebibyte {
		t.Errorf("memory of the pod = %.1f MiB, want 200 and what a program itself needs", held/mebibyte)
	}
	for what, path := range wholes("node2", "hold") {
		if got := mustFetch[item](t, path); value(got.Usage.MemoryBytes) < held {
			t.Errorf("memory of the %s = %s, less than its pod's %.0f", what, show(got.Usage.MemoryBytes), held)
		}
	}
	for _, other := range mustFetch[list](t, "/api/v1/namespaces/loads/pods").Items {
		if other.Name != pod.Name && other.Usage != nil && value(other.Usage.MemoryBytes) > 50*mebibyte {
			t.Errorf("pod %s holds %s bytes and should hold little", other.Name, show(other.Usage.MemoryBytes))
		}
	}
}

// TestKnownDiskWrites looks at a pod that writes 64 MiB with O_DIRECT.
func TestKnownDiskWrites(t *testing.T) {
	before := diskWrites(t)
	apply(t, writer, nil)
	eventually(t, 2*time.Minute, "64 MiB written by the pod", func() error {
		pod, err := podOf(t.Context(), "write-")
		if err == nil && (pod.Usage == nil || value(pod.Usage.DiskWriteBytes) < 64*mebibyte) {
			err = fmt.Errorf("usage %+v, unavailable %v", pod.Usage, pod.Unavailable)
		}
		return err
	})
	afterRounds(t, 1)
	after := diskWrites(t)
	grew := func(path string) float64 { return after[path] - before[path] }
	t.Logf("64 MiB = %d bytes; by kubemon, node1 wrote %.0f more, node2 %.0f, the namespace %.0f",
		64*mebibyte, grew("/api/v1/nodes/node1"), grew("/api/v1/nodes/node2"), grew("/api/v1/namespaces/loads"))

	pod, err := podOf(t.Context(), "write-")
	if err != nil {
		t.Fatal(err)
	}
	near(t, "bytes written by the pod", pod.Usage.DiskWriteBytes, 64*mebibyte, 0.01)
	deployment := mustFetch[item](t, "/api/v1/namespaces/loads/deployments/write")
	near(t, "bytes written by the Deployment", deployment.Usage.DiskWriteBytes, 64*mebibyte, 0.01)
	namespace := grew("/api/v1/namespaces/loads")
	near(t, "bytes written by the namespace", &namespace, 64*mebibyte, 0.05)
	if node := grew("/api/v1/nodes/node1"); node < 64*mebibyte || node > 2*64*mebibyte {
		t.Errorf("bytes written by the node grew by %.0f, want 64 MiB and the node's own little", node)
	}
	if other := grew("/api/v1/nodes/node2"); other > 32*mebibyte {
		t.Errorf("bytes written by the other node grew by %.0f", other)
	}
	for _, other := range mustFetch[list](t, "/api/v1/namespaces/loads/pods").Items {
		if !strings.HasPrefix(other.Name, "write-") && other.Usage != nil && value(other.Usage.DiskWriteBytes) > mebibyte {
			t.Errorf("pod %s wrote %s bytes and should write nothing", other.Name, show(other.Usage.DiskWriteBytes))
		}
	}
}

func diskWrites(t *testing.T) map[string]float64 {
	t.Helper()
	written := map[string]float64{}
	for _, path := range []string{"/api/v1/nodes/node1", "/api/v1/nodes/node2", "/api/v1/namespaces/loads", "/api/v1/cluster"} {
		if got := mustFetch[item](t, path); got.Usage != nil {
			written[path] = value(got.Usage.DiskWriteBytes)
		}
	}
	return written
}
