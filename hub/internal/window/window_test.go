package window_test

import (
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/kubemon/kubemon/hub"
	"github.com/kubemon/kubemon/hub/internal/window"
	"github.com/kubemon/kubemon/hub/internal/window/windowtest"
)

func TestWindow(t *testing.T) {
	windowtest.Test(t, func(keep time.Duration) (windowtest.Store, error) { return window.Open(keep) })
}

func TestSlice(t *testing.T) {
	windowtest.Test(t, func(keep time.Duration) (windowtest.Store, error) { return windowtest.NewSlice(keep), nil })
}

func TestClosedWindow(t *testing.T) {
	w, err := window.Open(time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	f := windowtest.Frame("node1", time.Now(), 1)
	if err := w.Keep(f); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := w.Keep(f); err == nil {
		t.Error("Keep after Close gives no error")
	}
	errs := 0
	for _, err := range w.Frames("node1", f.Time, f.Time) {
		if err != nil {
			errs++
		}
	}
	if errs != 1 {
		t.Errorf("Frames after Close gives %d errors, want 1", errs)
	}
}

// TestManyReaders reads all that is kept, again and again, while frames of
// changing pods are kept: each frame must be whole.
func TestManyReaders(t *testing.T) {
	w, err := window.Open(time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	start := time.Now().Truncate(time.Millisecond)
	const frames = 200
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			for seen := 0; seen < frames; {
				seen = 0
				for f, err := range w.Frames("", start, start.Add(time.Hour)) {
					if err != nil || len(f.Rows) != 2 || f.Rows[1].Series.Node != f.Node {
						t.Errorf("read %+v, %v", f, err)
						return
					}
					seen++
				}
			}
		})
	}
	for i := range frames {
		f := windowtest.Frame("node"+strconv.Itoa(i%5), start.Add(time.Duration(i)*time.Second), float64(i))
		f.Rows[1].Series.Pod = "web-" + strconv.Itoa(i)
		if err := w.Keep(f); err != nil {
			t.Fatal(err)
		}
	}
	readers.Wait()
}

// busyFrame is a node with 30 pods of two containers, of which a third works.
func busyFrame(node string, round time.Time, tick int) *hub.Frame {
	f := windowtest.Frame(node, round, 1200)
	for i := range 90 {
		u := hub.NewUsage()
		u.OverSeconds = 10
		for m := range hub.MetricCount {
			u.Values[m] = 0
		}
		u.Values[hub.MemoryBytes] = float64((50 + i) << 20)
		u.Values[hub.MemoryRSSBytes] = float64((40 + i) << 20)
		u.Values[hub.MemoryCacheBytes] = float64((20 + i) << 20)
		u.Values[hub.PIDs] = 5
		if i%3 == 0 {
			u.Values[hub.CPUMillicores] = 12.345 * float64(i+tick%7)
			u.Values[hub.DiskWriteBytes] = float64(tick * i * 4096)
			u.Values[hub.DiskWriteBytesPerSecond] = float64(i * 4096 / 10)
			u.Values[hub.NetworkRxBytes] = float64(tick * i * 1500)
			u.Values[hub.NetworkTxBytes] = float64(tick * i * 900)
			u.Values[hub.NetworkRxBytesPerSecond] = float64(i * 150)
			u.Values[hub.NetworkTxBytesPerSecond] = float64(i * 90)
			u.Values[hub.PressureCPUSome] = 0.012
		}
		kind, container := hub.KindPod, ""
		if i >= 30 {
			kind, container = hub.KindContainer, "container-"+strconv.Itoa(i)
		}
		f.Rows = append(f.Rows, hub.Row{Usage: u, Series: hub.Series{
			Kind: kind, Node: node, Namespace: "shop", Pod: "web-" + strconv.Itoa(i%30), PodUID: "uid-" + node + strconv.Itoa(i%30),
			Container: container, OwnerKind: "Deployment", OwnerName: "web",
		}})
	}
	return f
}

// BenchmarkKeep reports the live heap for each kept row, all told.
func BenchmarkKeep(b *testing.B) {
	w, err := window.Open(time.Hour)
	if err != nil {
		b.Fatal(err)
	}
	defer w.Close()
	start := time.Now()
	before := heap()
	kept := 0
	for b.Loop() {
		node := "node" + strconv.Itoa(kept%100)
		if err := w.Keep(busyFrame(node, start.Add(time.Duration(kept/100)*10*time.Second), kept/100)); err != nil {
			b.Fatal(err)
		}
		kept++
	}
	b.ReportMetric(float64(heap()-before)/float64(kept*92), "heap-B/row")
	runtime.KeepAlive(w)
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkFrames reads one node's hour.
func BenchmarkFrames(b *testing.B) {
	w, err := window.Open(time.Hour)
	if err != nil {
		b.Fatal(err)
	}
	defer w.Close()
	start := time.Now()
	for tick := range 360 {
		if err := w.Keep(busyFrame("node1", start.Add(time.Duration(tick)*10*time.Second), tick)); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		frames := 0
		for _, err := range w.Frames("node1", start.Add(-time.Hour), start.Add(2*time.Hour)) {
			if err != nil {
				b.Fatal(err)
			}
			frames++
		}
		if frames != 360 {
			b.Fatalf("%d frames, want 360", frames)
		}
	}
}
