package rest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestPackingIsSharedWhenRefused compresses one body for many while the hub is
// busy: all are refused when the first is, who leaves does not wait, and
// afterwards it is compressed once.
func TestPackingIsSharedWhenRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{work: newGate("answers", 1, patience)}
		leave, err := s.work.enter(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		b := newBody(0, make([]byte, 10*leastPacked))
		began := time.Now()
		var wait sync.WaitGroup
		for range 10 {
			wait.Go(func() {
				_, _, err := s.in(t.Context(), gzipped, b)
				if p, ok := errors.AsType[*problem](err); !ok || p.Status != 503 || time.Since(began) != patience {
					t.Errorf("refused after %v with %v, want a 503 after %v", time.Since(began), err, patience)
				}
			})
		}
		synctest.Wait()
		impatient, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, _, err := s.in(impatient, gzipped, b); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Second {
			t.Errorf("who leaves waits for %v, and gets %v", time.Since(began), err)
		}
		wait.Wait()
		leave()
		var built int
		for range 3 {
			packed, mine, err := s.in(t.Context(), gzipped, b)
			if err != nil || len(packed) == 0 {
				t.Errorf("afterwards: %d bytes, %v", len(packed), err)
			}
			if mine {
				built++
			}
		}
		if built != 1 {
			t.Errorf("compressed %d times, want once", built)
		}
	})
}

// TestPackingGoesOnWithoutItsClient has the one leave whose request compresses.
func TestPackingGoesOnWithoutItsClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{work: newGate("answers", 1, patience)}
		leave, err := s.work.enter(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		b := newBody(0, make([]byte, 10*leastPacked))
		gone, cancel := context.WithCancel(t.Context())
		go s.in(gone, zstandard, b)
		synctest.Wait()
		time.AfterFunc(time.Second, leave)
		cancel()
		if packed, mine, err := s.in(t.Context(), zstandard, b); err != nil || mine || len(packed) == 0 {
			t.Errorf("who waited gets %d bytes, its own %v, %v", len(packed), mine, err)
		}
	})
}
