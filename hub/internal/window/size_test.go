package window_test

import (
	"math"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/kubemon/kubemon/hub"
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

// TestBytesOfModes bounds what the modes of a node's processors add to an hour of
// the node: five bytes for each in each round, in which all of them change. Rows
// of containers pay nothing.
func TestBytesOfModes(t *testing.T) {
	var stored [2]int64 // without modes, and with them
	for with := range stored {
		w, err := window.Open(time.Hour, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		m := newMix(1)
		ticks := rand.New(rand.NewPCG(3, 4))
		for round := range hour {
			f := m.frame(nodeName(0), round)
			if with == 1 {
				f.Rows = append(modeRows(f, ticks), f.Rows...)
			}
			if err := w.Keep(f); err != nil {
				t.Fatal(err)
			}
		}
		stored[with] = w.StoredBytes()
	}
	each := float64(stored[1]-stored[0]) / float64(hour*int(hub.CPUModeCount))
	t.Logf("%.2f bytes for each mode and round", each)
	if each > 5 {
		t.Errorf("a mode takes %.2f bytes each round, want at most 5", each)
	}
}

// modeRows are of a node of eight processors, up and down by a fifth, in ticks of
// 10 ms.
func modeRows(f *hub.Frame, random *rand.Rand) []hub.Row {
	var rows []hub.Row
	for mode, millicores := range (hub.CPUModes{1500, 400, 60, 20, 100, 5920}) {
		u := hub.NewUsage()
		u.OverSeconds = f.Rows[0].Usage.OverSeconds
		u.Values[hub.CPUMillicores] = 10 * math.Round(millicores*(0.8+0.4*random.Float64())) / u.OverSeconds
		rows = append(rows, hub.Row{Series: hub.Series{Kind: hub.CPUMode(mode).Kind(), Node: f.Node}, Usage: u})
	}
	return rows
}
