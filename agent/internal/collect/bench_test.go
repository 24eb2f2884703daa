package collect_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/kubemon/kubemon/agent/internal/collect"
	"github.com/kubemon/kubemon/agent/internal/hostfs"
)

// BenchmarkCollect reads a made-up full node: 110 pods with a sandbox and a
// container each, every pod in a network namespace of its own. The files are a
// disk's and not a kernel's, so the time tells of the agent's own part only.
func BenchmarkCollect(b *testing.B) {
	folder := b.TempDir()
	write := func(name, data string) {
		b.Helper()
		name = filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(data), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	netdev := " face |bytes\n lo: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0\n eth0: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0\n"
	write("proc/1/net/dev", netdev)
	write("proc/pressure/cpu", "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n")
	write("sys/block/sda/dev", "8:0\n")
	write("cgroup/cgroup.controllers", "cpu io memory pids\n")
	writeGroup(write, "cgroup/kubepods", 0)
	for pod := range 110 {
		dir := fmt.Sprintf("cgroup/kubepods/burstable/pod%08x-0000-4000-8000-000000000000", pod)
		writeGroup(write, dir, 0)
		for container := range 2 {
			pid := 1000 + 2*pod + container
			writeGroup(write, fmt.Sprintf("%s/%064x", dir, pid), pid)
			write(fmt.Sprintf("proc/%d/net/dev", pid), netdev)
		}
	}
	dir := func(name string) hostfs.Dir {
		dir, err := hostfs.Open(filepath.Join(folder, name))
		if err != nil {
			b.Fatal(err)
		}
		return dir.Keeping(hostfs.NewDescriptors(3000))
	}
	node := collect.Node{
		Proc: dir("proc"), Sys: dir("sys"), Cgroup: dir("cgroup"),
		Now: hostfs.Now, PageBytes: 4096,
	}
	collector := collect.New(node, collect.Options{NodeName: "node1"})
	defer collector.Close()
	if _, err := collector.Collect(); err != nil { // opens what is kept open
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		s, err := collector.Collect()
		if err != nil || len(s.Pods) != 110 {
			b.Fatal(len(s.Pods), err)
		}
	}
}

func writeGroup(write func(name, data string), dir string, pid int) {
	procs := ""
	if pid > 0 {
		procs = fmt.Sprintf("%d\n", pid)
	}
	for name, data := range map[string]string{
		"cpu.stat":            "usage_usec 302649\nuser_usec 201000\nsystem_usec 101649\nnr_periods 0\nnr_throttled 0\nthrottled_usec 0\n",
		"cpu.max":             "max 100000\n",
		"memory.current":      "104857600\n",
		"memory.stat":         "anon 104857600\nfile 20971520\nkernel 4096\nkernel_stack 0\npagetables 0\nshmem 0\ninactive_anon 0\nactive_anon 0\ninactive_file 8388608\nactive_file 0\n",
		"memory.max":          "max\n",
		"memory.peak":         "104857600\n",
		"memory.swap.current": "0\n",
		"memory.events":       "low 0\nhigh 0\nmax 0\noom 0\noom_kill 0\n",
		"io.stat":             "8:0 rbytes=90112 wbytes=67108864 rios=22 wios=64 dbytes=0 dios=0\n",
		"pids.current":        "3\n",
		"pids.max":            "max\n",
		"cpu.pressure":        "some avg10=0.00 avg60=0.00 avg300=0.00 total=5\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
		"memory.pressure":     "some avg10=0.00 avg60=0.00 avg300=0.00 total=5\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
		"io.pressure":         "some avg10=0.00 avg60=0.00 avg300=0.00 total=5\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
		"cgroup.procs":        procs,
	} {
		write(dir+"/"+name, data)
	}
}
