package window_test

import (
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/kubemon/kubemon/hub/internal/window"
	"github.com/kubemon/kubemon/hub/internal/window/windowtest"
)

func TestWindow(t *testing.T) {
	windowtest.Test(t, func(keep time.Duration) (windowtest.Store, error) { return window.Open(keep, 0) })
}

func TestSlice(t *testing.T) {
	windowtest.Test(t, func(keep time.Duration) (windowtest.Store, error) { return windowtest.NewSlice(keep), nil })
}

func TestClosedWindow(t *testing.T) {
	w, err := window.Open(time.Minute, 0)
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
	for _, err := range w.Frames("node1", nil, f.Time, f.Time) {
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
	w, err := window.Open(time.Hour, 0)
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
				for f, err := range w.Frames("", nil, start, start.Add(time.Hour)) {
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
