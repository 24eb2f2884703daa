package rest

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
)

// A body is the bytes of an answer, in pieces that other answers may share,
// and what they are in each coding that somebody asked for.
type body struct {
	pieces [][]byte
	size   int
	// owned is how much memory goes with this body, and not with the items.
	owned int

	packing [codings]sync.Mutex
	packed  [codings][]byte
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

// jsonBody makes a body of a value.
func jsonBody(value any) (*body, error) {
	data, err := json.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("encode answer: %w", err)
	}
	return newBody(0, append(data, '\n')), nil
}

// in returns the body in a coding other than identity, and whether this call
// packed it. Who asks for what somebody else is packing waits for that.
func (s *server) in(ctx context.Context, c coding, b *body) (packed []byte, built bool, err error) {
	b.packing[c].Lock()
	defer b.packing[c].Unlock()
	if b.packed[c] != nil {
		return b.packed[c], false, nil
	}
	leave, err := s.work.enter(ctx)
	if err != nil {
		return nil, false, err
	}
	defer leave()
	b.packed[c], err = s.packers.pack(c, b.pieces, b.size)
	return b.packed[c], true, err
}
