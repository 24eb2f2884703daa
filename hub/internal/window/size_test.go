package window_test

import (
	"runtime"
	"testing"
	"time"

	"github.com/kubemon/kubemon/hub/internal/window"
)

const hour = 360 // rounds

// filled returns a window with an hour of so many nodes, the mix that made it
// and how many samples it gave.
func filled(t testing.TB, nodes int, maxBytes int64) (w *window.Window, m *mix, samples int64) {
	t.Helper()
	w, err := window.Open(time.Hour, maxBytes)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	m = newMix(nodes)
	for round := range hour {
		for i := range nodes {
			if err := w.Keep(m.frame(nodeName(i), round)); err != nil {
				t.Fatal(err)
			}
			samples += perNode
		}
	}
	return w, m, samples
}

// TestBytesPerSample bounds what an hour of a hundred nodes takes up: 14 bytes
// for each sample of a container in BuntDB, 16 with all that the window has.
func TestBytesPerSample(t *testing.T) {
	before := heap()
	w, m, samples := filled(t, 100, 0)
	status := w.Status()
	if status.Samples != samples {
		t.Fatalf("%d samples are counted, %d were kept", status.Samples, samples)
	}
	m.containers = nil
	measured := float64(heap()-before) / float64(samples)
	counted := float64(status.Bytes) / float64(samples)
	stored := float64(w.StoredBytes()) / float64(samples)
	t.Logf("bytes for each sample: %.2f in BuntDB, %.2f with series and heads, %.2f of heap", stored, counted, measured)
	if stored > 14 {
		t.Errorf("a sample takes %.2f bytes in BuntDB, want at most 14", stored)
	}
	if counted > 16 {
		t.Errorf("a sample takes %.2f bytes, want at most 16", counted)
	}
	if measured > 1.05*counted {
		t.Errorf("a sample takes %.2f bytes of heap, and only %.2f are counted", measured, counted)
	}
	runtime.KeepAlive(w)
}

func heap() uint64 {
	runtime.GC()
	runtime.GC() // what the first one finalised
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
