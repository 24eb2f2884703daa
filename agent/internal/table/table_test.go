package table

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kubemon/kubemon/shared/snapshot"
)

const id = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// full has every part, and in the pods every kind of cell.
func full() *snapshot.Snapshot {
	return &snapshot.Snapshot{
		Node: "node1", Time: time.Date(2026, 1, 2, 3, 4, 5, 678, time.UTC), BootNanos: int64(26*time.Hour + 3*time.Second + 4),
		Agent: snapshot.Agent{Version: "0.1.0", Cgroup: snapshot.Cgroup{Mode: snapshot.ModeUnified, Nested: true}},
		Host: snapshot.Host{
			CPU: snapshot.HostCPU{
				Count: 8, UsageMicros: new(uint64(12_345_678)), UserMicros: new(uint64(10_000_000)), SystemMicros: new(uint64(2_345_678)),
				IOWaitMicros: new(uint64(0)), StealMicros: new(uint64(5000)),
			},
			Memory: snapshot.HostMemory{
				TotalBytes: new(uint64(16 << 30)), AvailableBytes: new(uint64(10<<30 + 1<<29)), WorkingSetBytes: new(uint64(3 << 30)),
				AnonBytes: new(uint64(2 << 30)), FileBytes: new(uint64(1 << 30)), SwapTotalBytes: new(uint64(0)), SwapFreeBytes: new(uint64(0)),
			},
			Load:        []float64{0.5, 0.25, 12},
			Disks:       []snapshot.Disk{{Device: "8:0", Name: "sda", ReadBytes: 1 << 20, WrittenBytes: 1000, ReadOps: 22, WriteOps: 3, BusyMicros: 1_500_000}},
			Network:     []snapshot.Interface{{Interface: "eth0", RxBytes: 2048, RxPackets: 10, RxErrors: 1, RxDropped: 2, TxBytes: 1023, TxPackets: 9, TxErrors: 3, TxDropped: 4}},
			Filesystems: []snapshot.Filesystem{{Mount: "/", TotalBytes: 1 << 40, AvailableBytes: 1 << 39, TotalInodes: 1000, FreeInodes: 900}},
		},
		Slices: []snapshot.Slice{{Cgroup: "system.slice", CPU: &snapshot.CPU{UsageMicros: 10_000}}},
		Pods: []snapshot.Pod{
			{
				UID: "u1", Namespace: "shop", Name: "web", QOSClass: "Burstable",
				CPU:     &snapshot.CPU{UsageMicros: 61_500_000, ThrottledMicros: new(uint64(250_000)), LimitMillicores: new(1500.5)},
				Memory:  &snapshot.Memory{WorkingSetBytes: 100 << 20, AnonBytes: 90 << 20, LimitBytes: new(uint64(256 << 20)), OOMKills: new(uint64(1))},
				IO:      []snapshot.DeviceIO{{Device: "8:0", ReadBytes: 1024, WrittenBytes: 2048}, {Device: "8:16", ReadBytes: 1024, WrittenBytes: 1024}},
				Network: []snapshot.Interface{{RxBytes: 1000, TxBytes: 10}, {RxBytes: 24, TxBytes: 5}}, PIDs: &snapshot.PIDs{Current: 7},
				Containers: []snapshot.Container{
					{ID: id, Name: "web", CPU: &snapshot.CPU{UsageMicros: 1}, Memory: &snapshot.Memory{}, IO: []snapshot.DeviceIO{}, PIDs: &snapshot.PIDs{Current: 6}},
					{ID: id},
				},
			},
			{UID: "u2", QOSClass: "BestEffort", HostNetwork: true},
		},
		Containers: []snapshot.Container{{ID: id, Cgroup: "system.slice/containerd.service/" + id, CPU: &snapshot.CPU{UsageMicros: 2_000_000}}},
		Warnings:   []snapshot.Warning{{Source: "pressure", Reason: "the kernel has none"}},
	}
}

// TestWrite compares with files that were reasoned about line by line.
func TestWrite(t *testing.T) {
	tests := map[string]*snapshot.Snapshot{
		"full": full(),
		// A node of which nothing was read, with names made to fool a terminal.
		"unknown": {
			Node: "node\x1b[2J1", BootNanos: 1, Agent: snapshot.Agent{Cgroup: snapshot.Cgroup{Mode: snapshot.ModeV1}},
			Pods:     []snapshot.Pod{{UID: "u\tv", Name: "näme", Namespace: "a\nb"}},
			Warnings: []snapshot.Warning{{Source: "a\rb", Reason: "c\x00d"}},
		},
	}
	for name, s := range tests {
		t.Run(name, func(t *testing.T) {
			want, err := os.ReadFile(filepath.Join("testdata", name+".txt"))
			if err != nil {
				t.Fatal(err)
			}
			var got bytes.Buffer
			if err := Write(&got, s); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestSize(t *testing.T) {
	for bytes, want := range map[uint64]string{
		0: "0", 1023: "1023", 1024: "1.0Ki", 1<<20 - 1: "1.0Mi", 1048524: "1023.9Ki", 3 << 19: "1.5Mi", 1 << 30: "1.0Gi", 1<<64 - 1: "16.0Ei",
	} {
		if got := size(&bytes); got != want {
			t.Errorf("size(%d) = %s, want %s", bytes, got, want)
		}
	}
}

// A brokenPipe takes nothing.
type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, errBroken }

var errBroken = errors.New("broken pipe")

func TestWriteReportsTheWritersError(t *testing.T) {
	if err := Write(brokenPipe{}, full()); !errors.Is(err, errBroken) {
		t.Errorf("Write: %v, want the writer's error", err)
	}
}
