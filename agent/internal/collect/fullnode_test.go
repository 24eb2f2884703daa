package collect_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kubemon/kubemon/agent/internal/collect"
	"github.com/kubemon/kubemon/agent/internal/hostfs"
)

// A fullNode is a made-up node that has all the files of the contract: so many
// pods with a sandbox and a container each, every pod in a network namespace of
// its own, and the host's own processes.
type fullNode struct {
	pods, hostProcesses int
}

const (
	uptimeText = "some avg10=0.00 avg60=0.00 avg300=0.00 total=5\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"
	// memory.stat of Linux 6.1 has 55 lines; the order is the kernel's.
	memoryStatText = "anon 104857600\nfile 20971520\nkernel 4096\nkernel_stack 16384\npagetables 94208\nsec_pagetables 0\npercpu 576\nsock 0\nvmalloc 0\n" +
		"shmem 0\nzswap 0\nzswapped 0\nfile_mapped 0\nfile_dirty 0\nfile_writeback 0\nswapcached 0\nanon_thp 0\nfile_thp 0\nshmem_thp 0\n" +
		"inactive_anon 104857600\nactive_anon 4096\ninactive_file 8388608\nactive_file 12582912\nunevictable 0\nslab_reclaimable 0\nslab_unreclaimable 0\nslab 0\n" +
		"workingset_refault_anon 0\nworkingset_refault_file 0\nworkingset_activate_anon 0\nworkingset_activate_file 0\nworkingset_restore_anon 0\n" +
		"workingset_restore_file 0\nworkingset_nodereclaim 0\npgscan 0\npgsteal 0\npgscan_kswapd 0\npgscan_direct 0\npgscan_khugepaged 0\npgsteal_kswapd 0\n" +
		"pgsteal_direct 0\npgsteal_khugepaged 0\npgfault 30000\npgmajfault 10\npgrefill 0\npgactivate 0\npgdeactivate 0\npglazyfree 0\npglazyfreed 0\n" +
		"zswpin 0\nzswpout 0\nthp_fault_alloc 0\nthp_collapse_alloc 0\n"
	netdevTable = " face |bytes\n lo: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0\n eth0: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0\n"
)

// groupFiles are all the files that are read of a group.
var groupFiles = map[string]string{
	"cpu.stat":            "usage_usec 302649\nuser_usec 201000\nsystem_usec 101649\nnr_periods 0\nnr_throttled 0\nthrottled_usec 0\n",
	"cpu.max":             "50000 100000\n",
	"memory.current":      "104857600\n",
	"memory.stat":         memoryStatText,
	"memory.max":          "209715200\n",
	"memory.peak":         "104857600\n",
	"memory.swap.current": "0\n",
	"memory.events":       "low 0\nhigh 0\nmax 0\noom 0\noom_kill 0\n",
	"io.stat":             "8:0 rbytes=90112 wbytes=67108864 rios=22 wios=64 dbytes=0 dios=0\n",
	"pids.current":        "3\n",
	"pids.max":            "max\n",
	"cpu.pressure":        uptimeText,
	"memory.pressure":     uptimeText,
	"io.pressure":         uptimeText,
	"cgroup.procs":        "",
}

// write lays the node out below folder.
func (n fullNode) write(folder string) error {
	files := map[string]string{
		"proc/sys/kernel/random/boot_id": "2f60d716-2ddd-4824-a862-85bc218a1e97\n",
		"proc/stat":                      "cpu  100 10 50 1000 20 5 5 3 0 0\ncpu0 100 10 50 1000 20 5 5 3 0 0\nintr 1\n",
		"proc/meminfo":                   "MemTotal: 1000 kB\nMemAvailable: 600 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n",
		"proc/loadavg":                   "0.50 0.25 0.10 1/10 999\n",
		"proc/pressure/cpu":              uptimeText,
		"proc/pressure/memory":           uptimeText,
		"proc/pressure/io":               uptimeText,
		"proc/diskstats":                 "   8       0 sda 11 0 100 0 22 0 200 0 0 33 0\n",
		"proc/1/net/dev":                 netdevTable,
		"proc/1/net/route":               "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\neth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\n",
		"proc/1/mountinfo":               "27 1 8:0 / / rw - ext4 /dev/sda rw\n",
		"sys/block/sda/dev":              "8:0\n",
		"cgroup/cgroup.controllers":      "cpu io memory pids\n",
		"cgroup/cpu.stat":                groupFiles["cpu.stat"],
		"cgroup/memory.stat":             memoryStatText,
	}
	addGroup(files, "cgroup/kubepods", "")
	addGroup(files, "cgroup/kubepods/burstable", "")
	for pod := range n.pods {
		dir := fmt.Sprintf("cgroup/kubepods/burstable/pod%08x-0000-4000-8000-000000000000", pod)
		addGroup(files, dir, "")
		for container := range 2 {
			pid := 100_000 + 2*pod + container
			addGroup(files, fmt.Sprintf("%s/%064x", dir, pid), fmt.Sprintf("%d\n", pid))
			files[fmt.Sprintf("proc/%d/net/dev", pid)] = netdevTable
		}
	}
	var services strings.Builder
	for i := range n.hostProcesses {
		fmt.Fprintf(&services, "%d\n", i+1)
		files[fmt.Sprintf("proc/%d/stat", i+1)] = fmt.Sprintf("%d (service) S 1 1 1 0 -1 4194560 0 0 0 0 5 0 0 0 20 0 1 0 1 4096 20 18446744073709551615 1 1 0\n", i+1)
	}
	addGroup(files, "cgroup/system.slice", services.String())
	for name, data := range files {
		name = filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(name, []byte(data), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func addGroup(files map[string]string, dir, procs string) {
	for name, data := range groupFiles {
		files[dir+"/"+name] = data
	}
	files[dir+"/cgroup.procs"] = procs
}

// open returns a collector of the node below folder that has made its first
// snapshot.
func (n fullNode) open(tb testing.TB, folder string) *collect.Collector {
	tb.Helper()
	descriptors := hostfs.NewDescriptors(10_000)
	dir := func(name string) hostfs.Dir {
		dir, err := hostfs.Open(filepath.Join(folder, name))
		if err != nil {
			tb.Fatal(err)
		}
		return dir.Keeping(descriptors)
	}
	collector := collect.New(collect.Node{
		Proc: dir("proc"), Sys: dir("sys"), Cgroup: dir("cgroup"), Now: hostfs.Now, PageBytes: 4096,
	}, collect.Options{NodeName: "node1", Processes: 20})
	tb.Cleanup(collector.Close)
	s, err := collector.Collect()
	if err != nil {
		tb.Fatal(err)
	}
	if len(s.Pods) != n.pods || len(s.Processes) == 0 || s.Pods[0].Network == nil || s.Pods[0].Containers[1].Pressure.IO == nil {
		tb.Fatalf("%d pods, %d processes, warnings %v: the node is not read as it was made", len(s.Pods), len(s.Processes), s.Warnings)
	}
	return collector
}
