package collect_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubemon/kubemon/agent/internal/collect"
	"github.com/kubemon/kubemon/shared/snapshot"
)

func TestProcesses(t *testing.T) {
	pids := func(s *snapshot.Snapshot) []int {
		var pids []int
		for _, p := range s.Processes {
			pids = append(pids, p.PID)
		}
		return pids
	}
	tests := []struct {
		name      string
		processes int
		want      []int
	}{
		{"none", 0, nil},
		// The kubelet is the biggest by both.
		{"biggest", 1, []int{50}},
		// The agent is second by memory, systemd by CPU.
		{"two each", 2, []int{1, 50, 60}},
	}
	node, folder := openNode(t, "containerd-cgroupfs")
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := mustCollect(t, node, collect.Options{NodeName: "node1", Processes: tt.processes})
			if got := pids(s); !slices.Equal(got, tt.want) {
				t.Errorf("processes = %v, want %v", got, tt.want)
			}
		})
	}
	t.Run("args", func(t *testing.T) {
		cmdline := "kubelet\x00--token=" + strings.Repeat("x", 600) + strings.Repeat("\x00v", 100) + "\x00"
		if err := os.WriteFile(filepath.Join(folder, "proc/50/cmdline"), []byte(cmdline), 0o644); err != nil {
			t.Fatal(err)
		}
		s := mustCollect(t, node, collect.Options{NodeName: "node1", Processes: 1, ProcessArgs: true})
		args := s.Processes[0].Args
		if len(args) != 64 || args[0] != "kubelet" || len(args[1]) != 512+len("…") {
			t.Errorf("args = %q, want 64 of at most 512 bytes", args)
		}
	})
}

func TestFilesystems(t *testing.T) {
	node, folder := openNode(t, "containerd-cgroupfs")
	mountinfo := `20 1 0:19 / / rw - overlay overlay rw
21 20 0:21 / /proc rw - proc proc rw
22 20 8:1 / /var/lib/data rw - ext4 /dev/sda1 rw
23 20 8:1 /sub /mnt rw - ext4 /dev/sda1 rw
24 20 7:3 / /snap/x ro - squashfs /dev/loop3 ro
25 20 0:50 / /pool rw - zfs pool rw
26 20 0:51 / /nfs rw - nfs4 server:/x rw
27 20 0:52 / /tmp rw - tmpfs tmpfs rw
28 20 8:17 / /fuse rw - fuseblk /dev/sdb1 rw
29 20 8:33 / /broken rw - xfs /dev/sdc1 rw
`
	if err := os.WriteFile(filepath.Join(folder, "proc/1/mountinfo"), []byte(mountinfo), 0o644); err != nil {
		t.Fatal(err)
	}
	node.StatMount = func(mountPoint string) (snapshot.Filesystem, error) {
		if mountPoint == "/broken" {
			return snapshot.Filesystem{}, errors.New("statfs /broken: input/output error")
		}
		return snapshot.Filesystem{Mount: mountPoint, TotalBytes: 10}, nil
	}
	s := mustCollect(t, node, options)
	want := []snapshot.Filesystem{{Mount: "/", TotalBytes: 10}, {Mount: "/mnt", TotalBytes: 10}, {Mount: "/pool", TotalBytes: 10}}
	if diff := cmp.Diff(want, s.Host.Filesystems); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := warning(s, "filesystems"); got != "statfs /broken: input/output error" {
		t.Errorf("warning = %q", got)
	}
}
