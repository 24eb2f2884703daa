package rest

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"strconv"
	"sync"
)

// A body is the bytes of an answer, in pieces that other answers may share,
// and what they are in each coding that somebody asked for.
type body struct {
	pieces [][]byte
	size   int
	// owned is how much memory goes with this body, and not with the items.
	owned int
	// tag, if any, is a hash of the bytes, of an answer that may change within
	// its round.
	tag string

	mu     sync.Mutex
	packed [codings]*made[[]byte]
}

// newBody makes a body of pieces of which the items own some bytes.
func newBody(ofItems int, pieces ...[]byte) *body {
	b := &body{pieces: pieces}
	for _, piece := range pieces {
		b.size += len(piece)
	}
	const pieceHeader = 24
	b.owned = b.size - ofItems + pieceHeader*len(pieces)
	return b
}

// addTag is for what a window says: a round does not end what comes into it.
func (b *body) addTag() {
	hash := fnv.New64a()
	for _, piece := range b.pieces {
		_, _ = hash.Write(piece) // never fails
	}
	b.tag = "-" + strconv.FormatUint(hash.Sum64(), 36)
}

// jsonBody makes a body of a value.
func jsonBody(value any) (*body, error) {
	data, err := json.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("encode answer: %w", err)
	}
	return newBody(0, append(data, '\n')), nil
}

// in returns the body in a coding other than identity, and whether this call
// packed it. Who asks for what somebody else is packing waits for that, and is
// refused with it.
func (s *server) in(ctx context.Context, c coding, b *body) (packed []byte, built bool, err error) {
	m, built := b.packing(c)
	if !built {
		if err := m.wait(ctx); err != nil {
			return nil, false, err
		}
		return m.value, false, nil
	}
	err = m.make(func() ([]byte, error) {
		leave, err := s.work.enter(context.WithoutCancel(ctx)) // others may wait for the same
		if err != nil {
			return nil, err
		}
		defer leave()
		return s.packers.pack(c, b.pieces, b.size)
	}, func() { b.forget(c) })
	return m.value, true, err
}

// packing returns the body in a coding, and whether the caller has to make it.
func (b *body) packing(c coding) (m *made[[]byte], mine bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.packed[c] != nil {
		return b.packed[c], false
	}
	b.packed[c] = newMade[[]byte]()
	return b.packed[c], true
}

func (b *body) forget(c coding) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.packed[c] = nil
}
