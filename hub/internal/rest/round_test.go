package rest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kubemon/kubemon/hub"
)

func testView(number uint64) *hub.View {
	return &hub.View{Scope: hub.Everything(), Round: &hub.Round{Number: number, Interval: 10 * time.Second}}
}

// TestARoundIsKeptWhileItIsTheLatest follows what is kept from round to round.
func TestARoundIsKeptWhileItIsTheLatest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r rounds
		first, second := testView(1), testView(2)
		kept := r.of(first)
		if r.of(first) != kept {
			t.Error("the round's bytes are not kept")
		}
		next := r.of(second)
		if next == kept || r.of(second) != next {
			t.Error("the next round's bytes are not its own")
		}
		if late := r.of(first); late == next || r.of(second) != next {
			t.Error("a late request for the first round replaces the second's bytes, or shares them")
		}
		time.Sleep(20 * time.Second)
		synctest.Wait()
		if r.latest != nil {
			t.Error("bytes that nobody asks for are still kept after two intervals")
		}
		if r.of(second) == next {
			t.Error("dropped bytes come back")
		}
		other := testView(1)
		other.Round.Started = time.Now()
		if restarted := r.of(other); r.of(other) != restarted {
			t.Error("the first round of another hub is taken for an old one")
		}
		time.Sleep(time.Minute) // the timers end
	})
}

// TestAnAnswerIsBuiltOnce asks for one thing at the same time from many
// goroutines.
func TestAnAnswerIsBuiltOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kept := new(rounds).of(testView(1))
		builds, own := 0, 0
		var mu sync.Mutex
		var wait sync.WaitGroup
		for range 50 {
			wait.Go(func() {
				m, built, err := kept.answer(t.Context(), "q", true, func() (*body, error) {
					builds++ // the race detector sees a second one
					time.Sleep(time.Second)
					return newBody(0, []byte("x")), nil
				})
				mu.Lock()
				defer mu.Unlock()
				if built {
					own++
				}
				if err != nil || m.value.size != 1 {
					t.Errorf("answer = %v, %v", m.value, err)
				}
			})
		}
		wait.Wait()
		if builds != 1 || own != 1 {
			t.Errorf("built %d times for %d requests, want once for one", builds, own)
		}

		ctx, leave := context.WithTimeout(t.Context(), time.Second)
		defer leave()
		go kept.answer(t.Context(), "slow", true, func() (*body, error) {
			time.Sleep(time.Minute)
			return newBody(0), nil
		})
		synctest.Wait()
		if _, _, err := kept.answer(ctx, "slow", true, nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("who cannot wait gets %v", err)
		}
		time.Sleep(time.Minute)
	})
}

func TestFailuresAreNotKept(t *testing.T) {
	kept := new(rounds).of(testView(1))
	if _, _, err := kept.answer(t.Context(), "q", true, func() (*body, error) { return nil, errors.New("once") }); err == nil {
		t.Error("no error")
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic is swallowed")
			}
		}()
		_, _, _ = kept.answer(t.Context(), "q", true, func() (*body, error) { panic("twice") })
	}()
	m, built, err := kept.answer(t.Context(), "q", true, func() (*body, error) { return newBody(0, []byte("well")), nil })
	if err != nil || !built || m.value.size != 4 {
		t.Errorf("after an error and a panic: %v, built %v, %v", m.value, built, err)
	}
}

// TestWhatIsKeptIsBounded asks for more than there is room for: all is
// answered, and what is kept stays within its bounds.
func TestWhatIsKeptIsBounded(t *testing.T) {
	kept := new(rounds).of(testView(1))
	for i := range 2 * maxAnswers {
		if _, built, err := kept.answer(t.Context(), fmt.Sprint(i), true, func() (*body, error) { return newBody(0, []byte("x")), nil }); err != nil || !built {
			t.Fatalf("answer %d: built %v, %v", i, built, err)
		}
	}
	if len(kept.answers) != maxAnswers {
		t.Errorf("%d answers are kept, want %d", len(kept.answers), maxAnswers)
	}
	kept = new(rounds).of(testView(1))
	big := make([]byte, maxAnswerBytes/3)
	for i := range 10 {
		if _, _, err := kept.answer(t.Context(), fmt.Sprint(i), true, func() (*body, error) { return newBody(0, big), nil }); err != nil {
			t.Fatal(err)
		}
	}
	if len(kept.answers) != 2 || kept.bytes > maxAnswerBytes {
		t.Errorf("%d answers with %d bytes are kept, want two of a third", len(kept.answers), kept.bytes)
	}
	kept.grow("0", kept.answers["0"], maxAnswerBytes) // as when it is compressed
	if len(kept.answers) != 1 || kept.bytes > maxAnswerBytes {
		t.Errorf("after one has grown, %d answers with %d bytes are kept", len(kept.answers), kept.bytes)
	}
}

// TestWhatIsNotKeptChangesNothing makes two answers to one question, of which
// there is room for the second only: neither the first's failing nor its growing
// is the second's.
func TestWhatIsNotKeptChangesNothing(t *testing.T) {
	kept := new(rounds).of(testView(1))
	kept.bytes = maxAnswerBytes
	once := func() (*body, error) { return newBody(0, []byte("x")), nil }
	first, _, err := kept.answer(t.Context(), "q", true, func() (*body, error) {
		kept.bytes = 0
		if second, _, err := kept.answer(t.Context(), "q", true, once); err != nil || kept.answers["q"] != second {
			t.Errorf("the second answer is not kept: %v", err)
		}
		return nil, errors.New("no room")
	})
	if err == nil || kept.answers["q"] == nil || kept.answers["q"] == first {
		t.Errorf("after the first has failed with %v, %v is kept", err, kept.answers["q"])
	}
	before := kept.bytes
	if kept.grow("q", first, 100) || kept.bytes != before {
		t.Errorf("what is not kept grows, to %d bytes", kept.bytes)
	}
}

// TestItemsAreWrittenOnce lists items whole and in parts, again and again.
func TestItemsAreWrittenOnce(t *testing.T) {
	var list []placed
	var want []string
	for i := range 500 {
		item := &hub.Item{Name: strings.Repeat("n", i%40) + fmt.Sprint(i)}
		if i == 77 {
			item.Phase = strings.Repeat("long", chunkBytes)
		}
		list = append(list, placed{item: item})
		want = append(want, string(appendItem(nil, item)))
	}
	kept := newItems()
	for range 3 {
		if got := string(bytes.Join(kept.list(list), nil)); got != strings.Join(want, ",") {
			t.Errorf("the list is %.100s, want %.100s", got, strings.Join(want, ","))
		}
		if got := string(bytes.Join(kept.list([]placed{list[9], list[3], list[4]}), nil)); got != want[9]+","+want[3]+","+want[4] {
			t.Errorf("three of them are %s", got)
		}
	}
	if kept.list(nil) != nil {
		t.Error("no items have bytes")
	}
	pieces := newItems().list(list)
	if len(pieces) > 10 {
		t.Errorf("a list in one order is %d pieces, want few", len(pieces))
	}
}

func TestBudget(t *testing.T) {
	b := budget{most: 100}
	first, err := b.take(150) // alone, anything may be sent
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.take(1); err == nil || !strings.Contains(err.Error(), "150 bytes") {
		t.Errorf("beside 150 bytes of 100, one more: %v", err)
	}
	first()
	for range 2 {
		giveBack, err := b.take(50)
		if err != nil {
			t.Errorf("within the budget: %v", err)
			continue
		}
		defer giveBack()
	}
	if _, err := b.take(1); err == nil {
		t.Error("the budget is exceeded")
	}
}

// TestGate fills a gate: who waits gets in when there is room, or is refused
// when it takes too long.
func TestGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate("answers", 2, time.Second)
		started := time.Now()
		var waits []time.Duration
		var refused int
		var mu sync.Mutex
		var wait sync.WaitGroup
		for range 6 {
			wait.Go(func() {
				leave, err := g.enter(t.Context())
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					p, ok := errors.AsType[*problem](err)
					if !ok || p.Status != 503 || p.retryAfter <= 0 || !strings.Contains(p.Detail, "2 answers") {
						t.Errorf("refused with %v", err)
					}
					refused++
					return
				}
				waits = append(waits, time.Since(started))
				time.AfterFunc(600*time.Millisecond, leave)
			})
		}
		wait.Wait()
		if len(waits) != 4 || refused != 2 || waits[0] != 0 || waits[3] != 600*time.Millisecond {
			t.Errorf("in after %v, %d refused; want two at once, two after 600ms, and two refused", waits, refused)
		}
		time.Sleep(time.Minute)
		if len(g.slots) != 0 {
			t.Errorf("%d slots are not given back", len(g.slots))
		}
	})
}

// TestADeliveryOwnsNoItems counts what a slow client holds of a list.
func TestADeliveryOwnsNoItems(t *testing.T) {
	b := newBody(1000, make([]byte, 1000), []byte("tail"))
	plain := delivery{body: b, size: b.size}
	packed := delivery{body: b, size: 300, coded: gzipped}
	if own := plain.owned(); own < 4 || own > 100 || packed.owned() != own+300 {
		t.Errorf("of 1000 bytes of items and 4 of its own, %d are held, and packed into 300, %d", own, packed.owned())
	}
}
