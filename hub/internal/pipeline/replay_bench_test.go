package pipeline

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/kubemon/kubemon/hub"
	"github.com/kubemon/kubemon/hub/internal/aggregate"
	"github.com/kubemon/kubemon/hub/internal/window"
	"github.com/kubemon/kubemon/shared/snapshot"
)

// BenchmarkReplay fills rounds of nodes of 30 pods and 60 containers each. Time
// and allocations are those of one node in one round, into a window; live-MB is
// the most that was reachable or not collected yet, beyond what was before,
// without one.
func BenchmarkReplay(b *testing.B) {
	b.Run("window", func(b *testing.B) {
		frames, err := window.Open(time.Hour, 0)
		if err != nil {
			b.Fatal(err)
		}
		defer frames.Close()
		const nodes, rounds = 20, 60
		b.ReportAllocs()
		for b.Loop() {
			benchReplay(b, nodes, rounds, frames)
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*nodes*rounds), "ns/node-sample")
	})
	for _, nodes := range []int{100, 1000} {
		b.Run(fmt.Sprintf("nodes=%d", nodes), func(b *testing.B) {
			store := &noStore{every: nodes / 4}
			for b.Loop() {
				benchReplay(b, nodes, passRounds, store)
			}
			b.ReportMetric(float64(store.peak-store.before)/1e6, "live-MB")
		})
	}
}

// benchReplay replays so many rounds of nodes that all answer alike.
func benchReplay(b *testing.B, nodes, rounds int, store Store) {
	b.StopTimer()
	now := time.Now()
	kept := newKeptNode(now, rounds)
	r := &replay{
		Config: &Config{
			Store: store, Past: kept, Names: noNames{}, Log: slog.New(slog.DiscardHandler), Interval: kept.interval, Window: time.Hour,
			Attribute: aggregate.Attribute, Sum: aggregate.Sum, Answer: aggregate.Answer,
		},
		turn: make(chan struct{}, 1), line: timeline{start: now, interval: kept.interval}, report: func(hub.Replay) {},
		done: hub.Replay{Failures: map[string]string{}},
	}
	r.turn <- struct{}{}
	live := snapshot.StampOf(kept.all[len(kept.all)-1])
	for i := range nodes {
		name := fmt.Sprintf("node-%04d", i)
		r.nodes = append(r.nodes, &pastNode{name: name, agent: hub.Agent{Node: name}, sample: live, earliest: live, limit: 1 << 62})
	}
	if s, ok := store.(*noStore); ok {
		s.begin()
	}
	b.StartTimer()
	r.run(b.Context(), rounds)
	if want := nodes * rounds; r.done.Samples != want || len(r.done.Failures) > 0 {
		b.Fatalf("filled %+v, want %d samples", r.done, want)
	}
}

// A keptNode is what each agent kept, but for the node's name.
type keptNode struct {
	interval time.Duration
	all      []*snapshot.Snapshot
}

func newKeptNode(now time.Time, rounds int) *keptNode {
	k := &keptNode{interval: 10 * time.Second}
	random := rand.New(rand.NewPCG(1, 2))
	s := benchSnapshot(random)
	for i := -rounds - 4; i <= 0; i++ {
		next := *s
		next.Pods = make([]snapshot.Pod, len(s.Pods))
		for p := range s.Pods {
			next.Pods[p] = s.Pods[p]
			next.Pods[p].CPU, next.Pods[p].Memory = moved(random, s.Pods[p].CPU, s.Pods[p].Memory)
			next.Pods[p].Containers = append([]snapshot.Container{}, s.Pods[p].Containers...)
			for c := range next.Pods[p].Containers {
				container := &next.Pods[p].Containers[c]
				container.CPU, container.Memory = moved(random, container.CPU, container.Memory)
			}
		}
		at := time.Duration(i) * k.interval
		next.Time, next.BootNanos = now.Add(at).UTC(), int64(24*time.Hour+at)
		k.all = append(k.all, &next)
		s = &next
	}
	return k
}

func benchSnapshot(r *rand.Rand) *snapshot.Snapshot {
	group := func() snapshot.Container {
		stall := func() *snapshot.Stall { return &snapshot.Stall{SomeMicros: 1e9, FullMicros: new(uint64(1e8))} }
		return snapshot.Container{
			ID: fmt.Sprintf("%016x%016x%016x%016x", r.Uint64(), r.Uint64(), r.Uint64(), r.Uint64()), CgroupID: r.Uint64N(1e6),
			CPU:      &snapshot.CPU{UsageMicros: r.Uint64N(1e10), UserMicros: r.Uint64N(1e10), SystemMicros: r.Uint64N(1e10), Periods: new(r.Uint64N(1e6)), ThrottledPeriods: new(r.Uint64N(1e6)), ThrottledMicros: new(r.Uint64N(1e9))},
			Memory:   &snapshot.Memory{CurrentBytes: r.Uint64N(1e9), WorkingSetBytes: r.Uint64N(1e9), AnonBytes: r.Uint64N(1e9), FileBytes: r.Uint64N(1e9), InactiveFileBytes: r.Uint64N(1e9), SwapBytes: new(uint64(0)), PeakBytes: new(r.Uint64N(1e9)), OOMKills: new(uint64(0))},
			IO:       []snapshot.DeviceIO{{Device: "8:0", ReadBytes: r.Uint64N(1e9), WrittenBytes: r.Uint64N(1e9), ReadOps: r.Uint64N(1e6), WriteOps: r.Uint64N(1e6)}},
			PIDs:     &snapshot.PIDs{Current: 5},
			Pressure: &snapshot.Pressure{CPU: stall(), Memory: stall(), IO: stall()},
		}
	}
	s := &snapshot.Snapshot{
		Version: snapshot.Version, Node: "node-name", BootID: "boot", Agent: snapshot.Agent{Cgroup: snapshot.Cgroup{Mode: snapshot.ModeUnified}},
		Host: snapshot.Host{CPU: snapshot.HostCPU{Count: 8, UsageMicros: new(uint64(1e12))}},
	}
	for i := range 30 {
		g := group()
		pod := snapshot.Pod{
			UID: g.ID[:36], Namespace: fmt.Sprint("space-", i%5), Name: fmt.Sprint("pod-", i), QOSClass: "Burstable", Cgroup: "kubepods/burstable/pod" + g.ID[:36], CgroupID: g.CgroupID,
			CPU: g.CPU, Memory: g.Memory, IO: g.IO, PIDs: g.PIDs, Pressure: g.Pressure, NetworkID: 1,
			Network: []snapshot.Interface{{Interface: "eth0", RxBytes: 1e9, TxBytes: 1e9}},
		}
		for _, name := range []string{"app", "proxy"} {
			c := group()
			c.Name = name
			pod.Containers = append(pod.Containers, c)
		}
		s.Pods = append(s.Pods, pod)
	}
	return s
}

// moved is what they are ten seconds later.
func moved(r *rand.Rand, cpu *snapshot.CPU, memory *snapshot.Memory) (*snapshot.CPU, *snapshot.Memory) {
	c, m := *cpu, *memory
	c.UsageMicros += r.Uint64N(1e6)
	c.UserMicros += r.Uint64N(1e6)
	c.SystemMicros += r.Uint64N(1e6)
	m.CurrentBytes += r.Uint64N(100) * 4096
	m.WorkingSetBytes += r.Uint64N(100) * 4096
	m.AnonBytes += r.Uint64N(100) * 4096
	return &c, &m
}

// Past answers each query anew, as the network would.
func (k *keptNode) Past(_ context.Context, queries []hub.PastQuery) []hub.Past {
	var asked []*snapshot.Snapshot
	for _, s := range k.all {
		if !s.Time.Before(queries[0].Since) && !s.Time.After(queries[0].Until) {
			asked = append(asked, s)
		}
	}
	history, err := snapshot.EncodeHistory(asked)
	if err != nil {
		panic(err)
	}
	all := make([]hub.Past, len(queries))
	for i, q := range queries {
		all[i].History, all[i].Err = snapshot.DecodeHistory(bytes.ReplaceAll(history, []byte("node-name"), []byte(q.Agent.Node)))
	}
	return all
}

type noNames struct{}

func (noNames) Inventory() *hub.Inventory {
	return hub.NewInventory(nil, nil, nil, nil, hub.Connection{})
}

// noStore keeps nothing, and looks at the heap now and then.
type noStore struct {
	every, keeps int
	before, peak uint64
}

func (s *noStore) begin() {
	runtime.GC()
	s.before = heapBytes()
	s.peak = max(s.peak, s.before)
}

func (s *noStore) Keep(*hub.Frame) error {
	if s.keeps++; s.keeps%s.every == 0 {
		s.peak = max(s.peak, heapBytes())
	}
	return nil
}

func (s *noStore) KeepSums(*hub.Sums) error { return nil }

func heapBytes() uint64 {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}
