package collect_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kubemon/kubemon/agent/internal/collect"
	"github.com/kubemon/kubemon/agent/internal/hostfs"
	"github.com/kubemon/kubemon/shared/snapshot"
)

var options = collect.Options{NodeName: "node1", Version: "test", Processes: 20}

// openNode lays out a fixture and opens it as a node with a fixed clock.
func openNode(t *testing.T, name string) (node collect.Node, folder string) {
	t.Helper()
	folder = t.TempDir()
	if err := layOut(filepath.Join("testdata", name+".node"), folder); err != nil {
		t.Fatal(err)
	}
	node = collect.Node{
		Proc: open(t, folder, "proc"), Sys: open(t, folder, "sys"), Cgroup: open(t, folder, "cgroup"),
		Now: func() (time.Time, int64, error) {
			return time.Date(2026, 1, 2, 3, 4, 5, 678901234, time.UTC), 123456789, nil
		},
		PageBytes: 4096,
	}
	if logs := open(t, folder, "podlogs"); logs != nil {
		node.PodLogs = logs
	}
	if logs := open(t, folder, "containerlogs"); logs != nil {
		node.ContainerLogs = logs
	}
	return node, folder
}

// open returns nil for a folder that the fixture does not have.
func open(t *testing.T, folder, name string) hostfs.FS {
	t.Helper()
	dir, err := hostfs.Open(filepath.Join(folder, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir.Keeping(hostfs.NewDescriptors(1000))
}

func mustCollect(t *testing.T, node collect.Node, options collect.Options) *snapshot.Snapshot {
	t.Helper()
	collector := collect.New(node, options)
	defer collector.Close()
	s, err := collector.Collect()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Validate(); err != nil {
		t.Errorf("the snapshot is not valid: %v", err)
	}
	return s
}

// takeInodes checks that no two control groups have one ID and removes the IDs,
// and numbers the network namespaces in the order in which they appear.
func takeInodes(t *testing.T, s *snapshot.Snapshot) {
	t.Helper()
	seen := make(map[uint64]bool)
	take := func(id *uint64) {
		t.Helper()
		if *id == 0 || seen[*id] {
			t.Errorf("control group ID %d is 0 or there twice", *id)
		}
		seen[*id], *id = true, 0
	}
	networks := make(map[uint64]uint64)
	for i := range s.Pods {
		pod := &s.Pods[i]
		take(&pod.CgroupID)
		for j := range pod.Containers {
			take(&pod.Containers[j].CgroupID)
		}
		if pod.NetworkID != 0 {
			if networks[pod.NetworkID] == 0 {
				networks[pod.NetworkID] = uint64(len(networks) + 1)
			}
			pod.NetworkID = networks[pod.NetworkID]
		}
	}
	for i := range s.Containers {
		take(&s.Containers[i].CgroupID)
	}
	clear(seen) // a slice may be a pod's parent, never a pod
	for i := range s.Slices {
		take(&s.Slices[i].CgroupID)
	}
}

func TestV1HasNoPodsAndSaysSo(t *testing.T) {
	node, _ := openNode(t, "hybrid-node")
	node.Cgroup = nil
	s := mustCollect(t, node, options)
	if s.Agent.Cgroup.Mode != snapshot.ModeV1 || len(s.Pods) != 0 || *s.Host.CPU.UsageMicros != 1_730_000 {
		t.Errorf("snapshot = %+v, want mode v1, no pods, and the CPU of /proc/stat", s)
	}
	if reason := warning(s, "cgroup"); !strings.Contains(reason, "cgroup v1 is not supported") {
		t.Errorf("warning = %q", reason)
	}
}

// TestPartsFailAlone takes away one file after the other: each must cost its
// own part and be named, and nothing else.
func TestPartsFailAlone(t *testing.T) {
	tests := []struct {
		remove, source string
		absent         func(*snapshot.Snapshot) bool
	}{
		{"proc/sys/kernel/random/boot_id", "bootID", func(s *snapshot.Snapshot) bool { return s.BootID == "" }},
		{"proc/stat", "cpu", func(s *snapshot.Snapshot) bool {
			return s.Host.CPU.IOWaitMicros == nil && s.Host.CPU.UsageMicros != nil
		}},
		{"proc/meminfo", "memory", func(s *snapshot.Snapshot) bool {
			return s.Host.Memory.TotalBytes == nil && s.Host.Memory.WorkingSetBytes != nil
		}},
		{"cgroup/memory.stat", "memory", func(s *snapshot.Snapshot) bool {
			return s.Host.Memory.WorkingSetBytes == nil && s.Host.Memory.TotalBytes != nil
		}},
		{"proc/loadavg", "load", func(s *snapshot.Snapshot) bool { return s.Host.Load == nil }},
		{"proc/pressure/io", "pressure", func(s *snapshot.Snapshot) bool { return s.Host.Pressure.IO == nil && s.Host.Pressure.CPU != nil }},
		{"proc/diskstats", "disks", func(s *snapshot.Snapshot) bool { return s.Host.Disks == nil && s.Pods[1].IO != nil }},
		{"sys/block", "io", func(s *snapshot.Snapshot) bool { return s.Host.Disks == nil && s.Pods[1].IO == nil }},
		{"proc/1/net/dev", "network", func(s *snapshot.Snapshot) bool { return s.Host.Network == nil && s.Pods[1].Network == nil }},
		{"cgroup/cgroup.controllers", "cgroup", func(s *snapshot.Snapshot) bool { return len(s.Agent.Cgroup.Controllers) == 0 }},
		{"cgroup/kubepods/memory.current", "memory", func(s *snapshot.Snapshot) bool { return s.Slices[1].Memory == nil }},
		{"cgroup/kubepods/pids.current", "pids", func(s *snapshot.Snapshot) bool { return s.Slices[1].PIDs == nil }},
		// The logs of containers name their pods as well; one without has no name.
		{"podlogs", "names", func(s *snapshot.Snapshot) bool {
			unnamed := func(p snapshot.Pod) bool { return p.Name == "" }
			return s.Pods[1].Name == "web-1" && s.Pods[1].Namespace == "shop" && slices.ContainsFunc(s.Pods, unnamed)
		}},
		{"containerlogs", "names", func(s *snapshot.Snapshot) bool {
			return s.Pods[1].Name == "web-1" && s.Pods[1].Containers[1].Name == ""
		}},
	}
	node, folder := openNode(t, "containerd-cgroupfs")
	for _, tt := range tests {
		t.Run(tt.remove, func(t *testing.T) {
			removed := filepath.Join(folder, tt.remove)
			if err := os.Rename(removed, filepath.Join(folder, "removed")); err != nil {
				t.Fatal(err)
			}
			s := mustCollect(t, node, options)
			if err := os.Rename(filepath.Join(folder, "removed"), removed); err != nil {
				t.Fatal(err)
			}
			if !tt.absent(s) {
				t.Errorf("host %+v is not what is expected without %s", s.Host, tt.remove)
			}
			if len(s.Pods) != 4 || len(s.Warnings) != 2 || warning(s, tt.source) == "" {
				t.Errorf("%d pods, warnings %+v; want 4 pods, and the warning of %s besides that of file systems", len(s.Pods), s.Warnings, tt.source)
			}
		})
	}
}

func warning(s *snapshot.Snapshot, source string) string {
	i := slices.IndexFunc(s.Warnings, func(w snapshot.Warning) bool { return w.Source == source })
	if i < 0 {
		return ""
	}
	return s.Warnings[i].Reason
}

// TestGoneGroupsAreLeftOut has groups whose folder is still listed while their
// files are gone, as it is when a container ends during the reading.
func TestGoneGroupsAreLeftOut(t *testing.T) {
	node, folder := openNode(t, "containerd-cgroupfs")
	all := mustCollect(t, node, options)
	for _, group := range []string{"init.scope", all.Pods[0].Cgroup, filepath.Join(all.Pods[1].Cgroup, all.Pods[1].Containers[0].ID)} {
		files, err := filepath.Glob(filepath.Join(folder, "cgroup", group, "*.*"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no files in %s: %v", group, err)
		}
		for _, file := range files {
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
		}
	}
	s := mustCollect(t, node, options)
	if len(s.Slices) != 2 || len(s.Pods) != 3 || len(s.Pods[0].Containers) != 1 {
		t.Errorf("%d slices, %d pods, %d containers; want 2, 3, 1", len(s.Slices), len(s.Pods), len(s.Pods[0].Containers))
	}
	if len(s.Warnings) != 1 {
		t.Errorf("warnings = %+v, want only that of file systems", s.Warnings)
	}
}

// TestNamesThatAreNotUTF8 has a group that somebody gave such a name: io/fs
// refuses it, and a snapshot with it would be one that nobody decodes.
func TestNamesThatAreNotUTF8(t *testing.T) {
	node, folder := openNode(t, "containerd-cgroupfs")
	for _, name := range []string{"\xff.slice", "user.slice/\xff" + strings.Repeat("a", 64), "user.slice/\xff"} {
		group := filepath.Join(folder, "cgroup", name)
		if err := os.MkdirAll(group, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(group, "cpu.stat"), []byte("usage_usec 1\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	data, err := snapshot.Encode(mustCollect(t, node, options), snapshot.ContentTypeMsgpack)
	if err != nil {
		t.Fatal(err)
	}
	s, err := snapshot.Decode(data, snapshot.ContentTypeMsgpack)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Pods) != 4 || len(s.Containers) != 0 || warning(s, "cgroup") == "" {
		t.Errorf("%d pods, containers %+v, warnings %+v; want 4, none, and one of cgroup", len(s.Pods), s.Containers, s.Warnings)
	}
}

// TestPSITurnedOff has pressure files that exist and cannot be read, as on
// kernels that are booted with psi=0.
func TestPSITurnedOff(t *testing.T) {
	node, _ := openNode(t, "containerd-cgroupfs")
	refuse(&node, map[string]syscall.Errno{"proc/pressure/cpu": syscall.EOPNOTSUPP})
	s := mustCollect(t, node, options)
	if s.Agent.Cgroup.PSI || s.Host.Pressure != nil || s.Pods[1].Pressure != nil || s.Pods[1].Containers[0].Pressure != nil {
		t.Error("there is pressure although it cannot be read")
	}
	if reason := warning(s, "pressure"); reason != "pressure stall information is turned off: boot the kernel with psi=1" {
		t.Errorf("warning = %q", reason)
	}
}

func TestErrorsOfTheWhole(t *testing.T) {
	node, _ := openNode(t, "containerd-cgroupfs")
	unreadable := node
	unreadable.Cgroup = unlistable{node.Cgroup}
	if _, err := collect.New(unreadable, options).Collect(); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("Collect without the control groups: %v, want fs.ErrPermission", err)
	}
	stopped := errors.New("clock stopped")
	node.Now = func() (time.Time, int64, error) { return time.Time{}, 0, stopped }
	if _, err := collect.New(node, options).Collect(); !errors.Is(err, stopped) {
		t.Errorf("Collect without a clock: %v, want the clock's error", err)
	}
}

type unlistable struct{ hostfs.FS }

func (unlistable) ReadDir(name string) ([]fs.DirEntry, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
}
