package demo

import (
	"fmt"
	"hash/fnv"
	"time"
)

const (
	mebibyte = 1 << 20
	gibibyte = 1 << 30
)

// A machine is what a node is made of.
type machine struct {
	name       string
	cores      int
	memory     uint64 // bytes
	silent     bool   // its agent stops answering after some rounds
	hybrid     bool   // its control groups are those of v1
	noPressure bool   // its kernel has no PSI
	nearlyFull bool   // its file system
}

func machines() []machine {
	return []machine{
		{name: "control-1", cores: 4, memory: 16 * gibibyte},
		{name: "data-1", cores: 8, memory: 26 * gibibyte},
		{name: "data-2", cores: 8, memory: 32 * gibibyte, nearlyFull: true},
		{name: "edge-1", cores: 4, memory: 8 * gibibyte},
		{name: "edge-2", cores: 4, memory: 8 * gibibyte, noPressure: true},
		{name: "edge-3", cores: 4, memory: 8 * gibibyte, hybrid: true},
		{name: "worker-1", cores: 16, memory: 64 * gibibyte},
		{name: "worker-2", cores: 16, memory: 64 * gibibyte},
		{name: "worker-3", cores: 16, memory: 64 * gibibyte},
		{name: "worker-4", cores: 16, memory: 64 * gibibyte},
		{name: "worker-5", cores: 16, memory: 64 * gibibyte, silent: true},
		{name: "worker-6", cores: 16, memory: 64 * gibibyte},
	}
}

// A workload is an owner of pods, all alike.
type workload struct {
	namespace, kind, name string
	// on are the nodes of its pods: one pod on each, or several.
	on          []string
	hostNetwork bool
	containers  []container
}

// A container is what each of a workload's pods runs. CPU is in millicores,
// memory in MiB, traffic in KiB/s; a request or limit of 0 is none.
type container struct {
	name                                       string
	cpu, memory                                float64
	requestCPU, requestMemory                  int64
	limitCPU, limitMemory                      int64
	read, write, receive, transmit             float64
	stallCPU, stallMemory, stallIO, throttling float64 // shares of time
	leaks                                      bool    // until it is killed, again and again
}

func workloads() []workload {
	workers := []string{"worker-1", "worker-2", "worker-3", "worker-4", "worker-6"}
	all := append([]string{"control-1", "data-1", "data-2", "edge-1", "edge-2", "edge-3", "worker-5"}, workers...)
	return append([]workload{
		{"shop", "Deployment", "web", times(3, workers...), false, []container{
			{name: "web", cpu: 310, memory: 240, requestCPU: 250, requestMemory: 256, limitMemory: 512, receive: 900, transmit: 2600, stallCPU: 0.02},
			{name: "proxy", cpu: 45, memory: 38, requestCPU: 50, requestMemory: 64, limitMemory: 128, receive: 0, transmit: 0},
		}},
		{"shop", "Deployment", "checkout", times(2, workers...), false, []container{
			{name: "checkout", cpu: 180, memory: 410, requestCPU: 200, requestMemory: 512, limitCPU: 1000, limitMemory: 768, receive: 240, transmit: 310, throttling: 0.03},
		}},
		{"shop", "Deployment", "recommendations", workers[:4], false, []container{
			{name: "model", cpu: 2900, memory: 3800, requestCPU: 2500, requestMemory: 4096, limitMemory: 6144, receive: 420, transmit: 180, stallCPU: 0.06},
		}},
		{"shop", "StatefulSet", "cache", []string{"worker-1", "worker-2", "worker-3"}, false, []container{
			{name: "cache", cpu: 120, memory: 5700, requestCPU: 200, requestMemory: 6144, limitMemory: 6144, receive: 3100, transmit: 4200},
		}},
		{"payments", "Deployment", "ledger", []string{"worker-3"}, false, []container{
			{name: "ledger", cpu: 260, memory: 300, requestCPU: 200, requestMemory: 256, limitCPU: 1000, limitMemory: 512, receive: 60, transmit: 90, write: 40, leaks: true, throttling: 0.04},
			{name: "audit", cpu: 12, memory: 34, requestCPU: 20, requestMemory: 64, limitMemory: 128, write: 22},
		}},
		{"payments", "Deployment", "gateway", []string{"worker-2", "worker-4"}, false, []container{
			{name: "gateway", cpu: 95, memory: 150, requestCPU: 100, requestMemory: 192, limitCPU: 500, limitMemory: 256, receive: 140, transmit: 150, throttling: 0.01},
		}},
		{"search", "Deployment", "indexer", []string{"worker-4", "worker-6"}, false, []container{
			{name: "indexer", cpu: 485, memory: 1400, requestCPU: 400, requestMemory: 1536, limitCPU: 500, limitMemory: 2048, read: 5200, write: 9400, receive: 2100, transmit: 90, throttling: 0.41, stallIO: 0.14},
		}},
		{"search", "Deployment", "query", []string{"worker-1", "worker-3", "worker-6"}, false, []container{
			{name: "query", cpu: 720, memory: 2100, requestCPU: 500, requestMemory: 2048, limitCPU: 2000, limitMemory: 3072, read: 610, receive: 380, transmit: 1700, throttling: 0.06},
		}},
		{"data", "StatefulSet", "postgres", []string{"data-1", "data-2"}, false, []container{
			{name: "postgres", cpu: 1900, memory: 13900, requestCPU: 2000, requestMemory: 12288, limitMemory: 16384, read: 8800, write: 14200, receive: 1900, transmit: 3600, stallIO: 0.21, stallMemory: 0.03},
			{name: "exporter", cpu: 6, memory: 22, requestCPU: 10, requestMemory: 32, limitMemory: 64},
		}},
		{"data", "StatefulSet", "kafka", []string{"data-1", "data-2", "worker-6"}, false, []container{
			{name: "broker", cpu: 840, memory: 6900, requestCPU: 1000, requestMemory: 6144, limitMemory: 8192, read: 2400, write: 11600, receive: 6400, transmit: 8800, stallIO: 0.08},
		}},
		{"batch", "CronJob", "nightly-report", []string{"worker-2"}, false, []container{
			{name: "report", cpu: 940, memory: 880, requestCPU: 500, requestMemory: 512, limitMemory: 2048, read: 3300, write: 420, receive: 900, transmit: 30},
		}},
		{"batch", "Job", "import-catalogue", []string{"worker-4"}, false, []container{
			{name: "import", cpu: 610, memory: 460, read: 150, write: 5200, receive: 2800, transmit: 40},
		}},
		{"edge", "Rollout", "gateway", []string{"edge-1", "edge-2", "edge-1", "edge-2"}, false, []container{
			{name: "gateway", cpu: 140, memory: 210, requestCPU: 100, requestMemory: 256, limitCPU: 500, limitMemory: 384, receive: 320, transmit: 280, throttling: 0.02},
		}},
		{"edge", "Pod", "debug-shell", []string{"edge-1"}, false, []container{{name: "shell", cpu: 0.4, memory: 6}}},
	}, systemWorkloads(all)...)
}

func systemWorkloads(all []string) []workload {
	return []workload{
		{"observability", "DaemonSet", "log-collector", all, false, []container{
			{name: "collector", cpu: 34, memory: 96, requestCPU: 50, requestMemory: 128, limitMemory: 192, read: 60, receive: 4, transmit: 70},
		}},
		{"kube-system", "DaemonSet", "network", all, true, []container{
			{name: "agent", cpu: 28, memory: 88, requestCPU: 100, requestMemory: 128, limitMemory: 256},
		}},
		{"kube-system", "DaemonSet", "kube-proxy", all, true, []container{{name: "kube-proxy", cpu: 3, memory: 31}}},
		{"kube-system", "Deployment", "coredns", []string{"control-1", "worker-1"}, false, []container{
			{name: "coredns", cpu: 41, memory: 47, requestCPU: 100, requestMemory: 70, limitMemory: 170, receive: 52, transmit: 71},
		}},
		{"kube-system", "Pod", "kube-apiserver-control-1", []string{"control-1"}, true, []container{{name: "kube-apiserver", cpu: 390, memory: 1180, requestCPU: 250, write: 4}}},
		{"kube-system", "Pod", "etcd-control-1", []string{"control-1"}, true, []container{{name: "etcd", cpu: 150, memory: 340, requestCPU: 100, requestMemory: 100, write: 310, stallIO: 0.02}}},
		{"kubemon", "DaemonSet", "kubemon-agent", all, true, []container{
			{name: "agent", cpu: 9, memory: 24, requestCPU: 20, requestMemory: 32, limitMemory: 64},
		}},
		{"kubemon", "Deployment", "kubemon-hub", []string{"worker-1"}, false, []container{
			{name: "hub", cpu: 31, memory: 142, requestCPU: 50, requestMemory: 128, limitMemory: 256, receive: 90, transmit: 60},
		}},
	}
}

func times(count int, names ...string) []string {
	var list []string
	for range count {
		list = append(list, names...)
	}
	return list
}

// A pod is one of a workload's.
type pod struct {
	of        *workload
	ordinal   int
	name, uid string
	seed      uint64
	running   []running
}

// A running container has the waves of what it does.
type running struct {
	container
	seed                                               uint64
	cpuTime, memoryUse, reads, writes, receives, sends *wave
	throttled, cpuStall, memoryStall, ioStall          *wave
}

// newCluster makes all nodes with their pods, which have been up for three days.
func newCluster(now time.Time) []*node {
	var nodes []*node
	byName := make(map[string]*node)
	for _, m := range machines() {
		n := &node{machine: m, booted: now.Add(-72 * time.Hour), since: now, own: newWave(float64(m.cores)*11_000, 0.4, seedOf(m.name))}
		byName[m.name] = n
		nodes = append(nodes, n)
	}
	for _, w := range workloads() {
		for i, on := range w.on {
			n := byName[on]
			n.pods = append(n.pods, newPod(&w, i))
		}
	}
	return nodes
}

func newPod(w *workload, ordinal int) *pod {
	p := &pod{of: w, ordinal: ordinal, name: podName(w, ordinal)}
	p.seed = seedOf(w.namespace + "/" + p.name)
	p.uid = fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", p.seed>>32, p.seed>>16&0xffff, p.seed>>4&0xfff, p.seed&0xfff, p.seed&0xffffffffffff)
	for _, c := range w.containers {
		p.running = append(p.running, newRunning(c, seedOf(p.uid+c.name)))
	}
	return p
}

func newRunning(c container, seed uint64) running {
	const kib = 1024
	second := 1e6 // microseconds of stalls in one
	return running{
		container: c, seed: seed,
		cpuTime: newWave(c.cpu*1000, swing(c), seed), memoryUse: newWave(c.memory*mebibyte, 0.02, seed+1),
		reads: newWave(c.read*kib, 0.5, seed+2), writes: newWave(c.write*kib, 0.45, seed+3),
		receives: newWave(c.receive*kib, 0.25, seed+4), sends: newWave(c.transmit*kib, 0.25, seed+4),
		throttled: newWave(c.throttling*10, 0.3, seed+5),
		cpuStall:  newWave((c.stallCPU+0.004)*second, 0.4, seed+6), memoryStall: newWave(c.stallMemory*second, 0.5, seed+7), ioStall: newWave(c.stallIO*second, 0.4, seed+8),
	}
}

// swing is how much the CPU goes up and down: little where a limit holds it.
func swing(c container) float64 {
	if c.limitCPU > 0 && c.cpu > 0.9*float64(c.limitCPU) {
		return 0.015
	}
	return 0.22
}

// podName is as Kubernetes would name it.
func podName(w *workload, ordinal int) string {
	random := seedOf(fmt.Sprint(w.namespace, w.name, ordinal))
	switch w.kind {
	case "Pod":
		return w.name
	case "StatefulSet":
		return fmt.Sprintf("%s-%d", w.name, ordinal)
	case "DaemonSet", "Job":
		return w.name + "-" + letters(random, 5)
	case "CronJob":
		return fmt.Sprintf("%s-29384760-%s", w.name, letters(random, 5))
	}
	return replicaSet(w) + "-" + letters(random, 5)
}

func replicaSet(w *workload) string { return w.name + "-" + letters(seedOf(w.namespace+w.name), 9) }

func letters(seed uint64, count int) string {
	const alphabet = "bcdfghjklmnpqrstvwxz2456789"
	text := make([]byte, count)
	for i := range text {
		text[i] = alphabet[seed%uint64(len(alphabet))]
		seed = seed/uint64(len(alphabet)) + seed*31
	}
	return string(text)
}

func seedOf(text string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(text))
	return h.Sum64()
}
