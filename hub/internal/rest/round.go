package rest

import (
	"bytes"
	"context"
	"sync"
	"time"

	"github.com/kubemon/kubemon/hub"
)

// Bounds of what is kept of a round besides the items' bytes, of which there is
// one copy: three kilobytes for a pod of two containers. Answers that do not fit
// are made anew for each request.
const (
	maxAnswerBytes = 32 << 20 // compressed ones above all
	maxAnswers     = 512
)

// rounds finds the bytes that were made of a view.
type rounds struct {
	mu     sync.Mutex
	latest *round
	end    time.Time   // of latest, if nobody asks for the next round
	timer  *time.Timer // to end; one for all rounds, so that it holds none
}

// of returns what is kept of the view. A request that is still at an older
// view than others gets nothing of theirs.
func (r *rounds) of(view *hub.View) *round {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.latest != nil && r.latest.view == view {
		return r.latest
	}
	fresh := newRound(view)
	if r.latest == nil || r.latest.view.Round.Number < view.Round.Number || r.latest.view.Round.Started != view.Round.Started {
		r.keep(fresh)
	}
	return fresh
}

// keep puts a round in the place of the one before, for two intervals.
func (r *rounds) keep(fresh *round) {
	wait := 2 * fresh.view.Round.Interval
	r.latest, r.end = fresh, time.Now().Add(wait)
	if r.timer == nil {
		r.timer = time.AfterFunc(wait, r.drop)
		return
	}
	r.timer.Reset(wait)
}

// drop lets the latest round go at its end. The timer may have run out while
// another took its place.
func (r *rounds) drop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !time.Now().Before(r.end) {
		r.latest = nil
	}
}

// A round keeps the bytes of one view: of its items, and of the answers that
// were made of it.
type round struct {
	view  *hub.View
	items *items

	whole *share // of who may see everything

	mu      sync.Mutex
	shares  map[string]*share       // by the key of the scope
	answers map[string]*made[*body] // by the key of the scope, path and query
	bytes   int
}

func newRound(view *hub.View) *round {
	r := &round{view: view, items: newItems(), shares: make(map[string]*share), answers: make(map[string]*made[*body])}
	r.whole = &share{round: r, cut: func() *hub.View { return view }, kept: true}
	return r
}

// answer returns the answer to a question, and whether this call built it. Who
// asks for what somebody else is building waits for that. It is not kept if
// there is no room.
func (r *round) answer(ctx context.Context, question string, keep bool, build func() (*body, error)) (m *made[*body], built bool, err error) {
	r.mu.Lock()
	m = r.answers[question]
	if m != nil {
		r.mu.Unlock()
		return m, false, m.wait(ctx)
	}
	m = newMade[*body]()
	if keep && len(r.answers) < maxAnswers && r.bytes < maxAnswerBytes {
		r.answers[question] = m
	}
	r.mu.Unlock()
	return m, true, m.make(func() (*body, error) {
		b, err := build()
		if err == nil {
			r.grow(question, m, b.owned)
		}
		return b, err
	}, func() { r.forget(question, m) })
}

// forget does nothing to what is kept in the place of m.
func (r *round) forget(question string, m *made[*body]) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.answers[question] == m {
		delete(r.answers, question)
	}
}

// grow counts bytes that an answer has come to hold, and reports whether it is
// kept: no longer, if they are too many.
func (r *round) grow(question string, m *made[*body], more int) (kept bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.answers[question] != m {
		return false
	}
	if r.bytes+more > maxAnswerBytes {
		delete(r.answers, question) // what it had stays counted, as others may be sending it
		return false
	}
	r.bytes += more
	return true
}

// items keeps the JSON of a view's items, made when it is first asked for.
type items struct {
	mu    sync.Mutex
	made  map[*hub.Item][]byte
	chunk []byte
}

// Items are written into chunks: one allocation for fifty pods.
const (
	chunkBytes = 128 << 10
	chunkSpare = 8 << 10 // most items are smaller
)

func newItems() *items { return &items{made: make(map[*hub.Item][]byte)} }

// list returns the bytes of all items with commas between them, in as few
// pieces as they come.
func (i *items) list(list []placed) [][]byte {
	if len(list) == 0 {
		return nil
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	var pieces [][]byte
	last := i.json(list[0].item)
	for _, p := range list[1:] {
		next := i.json(p.item)
		if follows(last, next) {
			last = last[:len(last)+len(next)]
			continue
		}
		pieces = append(pieces, last)
		last = next
	}
	return append(pieces, last[:len(last)-1])
}

// cut returns what is wanted of all items, with commas between them, in bytes
// that are not kept of the round. Containers are most of a pod, and are not
// written for who does not want them.
func (i *items) cut(list []placed, wanted fields) []byte {
	i.mu.Lock()
	defer i.mu.Unlock()
	_, containers := wanted["containers"]
	var b, scratch []byte
	for n, p := range list {
		whole, made := i.made[p.item]
		if !made {
			item := *p.item
			if wanted != nil && !containers {
				item.Containers = nil
			}
			scratch = append(appendItem(scratch[:0], &item), ',')
			whole = scratch
		}
		b = wanted.cutItem(comma(b, n), whole[:len(whole)-1])
	}
	return bytes.Clone(b) // without what it could have grown into
}

// follows reports whether b begins where a ends in one chunk.
func follows(a, b []byte) bool {
	return len(a)+len(b) <= cap(a) && &a[:len(a)+1][len(a)] == &b[0]
}

// json returns the item's bytes and a comma. The slice has the rest of its
// chunk as capacity; nothing in a chunk is ever changed.
func (i *items) json(item *hub.Item) []byte {
	if made, ok := i.made[item]; ok {
		return made
	}
	if cap(i.chunk)-len(i.chunk) < chunkSpare {
		i.chunk = make([]byte, 0, chunkBytes)
	}
	start := len(i.chunk)
	i.chunk = append(appendItem(i.chunk, item), ',')
	made := i.chunk[start:]
	i.made[item] = made
	return made
}
