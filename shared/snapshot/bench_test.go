package snapshot

import (
	"fmt"
	"testing"
	"time"
)

// busy is a node with 30 pods of two containers each.
func busy() *Snapshot {
	s := minimal()
	s.Time = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	group := func(n uint64) (*CPU, *Memory, []DeviceIO, *Pressure) {
		return &CPU{UsageMicros: 1e9 + n, UserMicros: 8e8 + n, SystemMicros: 2e8, Periods: new(n), ThrottledPeriods: new(n), ThrottledMicros: new(n)},
			&Memory{CurrentBytes: 5e7 + n, WorkingSetBytes: 4e7, AnonBytes: 3e7, FileBytes: 1e7, SwapBytes: new(uint64(0)), PeakBytes: new(n), OOMKills: new(uint64(0))},
			[]DeviceIO{{Device: "8:0", ReadBytes: 1e6, WrittenBytes: 2e6 + n, ReadOps: 100, WriteOps: n}},
			&Pressure{CPU: &Stall{SomeMicros: n, FullMicros: new(n)}, Memory: &Stall{FullMicros: new(n)}, IO: &Stall{FullMicros: new(n)}}
	}
	for i := range uint64(30) {
		p := Pod{UID: fmt.Sprintf("%08x-0000-4000-8000-%012x", i, i), QOSClass: "Burstable", Cgroup: fmt.Sprintf("kubepods/burstable/pod%036x", i), CgroupID: 100 + i}
		p.CPU, p.Memory, p.IO, p.Pressure = group(i)
		p.PIDs, p.NetworkID = &PIDs{Current: 3}, 4026531840+i
		p.Network = []Interface{{Interface: "eth0", RxBytes: 1e9 + i, TxBytes: 2e9, RxPackets: 1e6, TxPackets: 2e6}}
		for j := range uint64(2) {
			c := Container{ID: fmt.Sprintf("%032x%032x", i, j), CgroupID: 1000 + 2*i + j, PIDs: &PIDs{Current: 2}}
			c.CPU, c.Memory, c.IO, c.Pressure = group(i + j)
			p.Containers = append(p.Containers, c)
		}
		s.Pods = append(s.Pods, p)
	}
	return s
}

func BenchmarkDecodeMsgpack(b *testing.B) {
	data, err := Encode(busy(), ContentTypeMsgpack)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(data, ContentTypeMsgpack); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCheckMsgpack(b *testing.B) {
	data, err := Encode(busy(), ContentTypeMsgpack)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := checkMsgpack(data); err != nil {
			b.Fatal(err)
		}
	}
}
