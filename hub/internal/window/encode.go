package window

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// A head is a block, or the beginning of one, with what the next round's deltas
// are from.
type head struct {
	block   uint32
	value   string // shared with BuntDB
	samples int64  // rows in value
	first   int64  // time of its first round

	at, gap int64
	over    uint64
	names   []*name
	rows    []row
	roles   []role
}

// A buffer has room that writers use again.
type buffer struct {
	bytes  []byte
	rows   []row // of the round
	next   []row // of the head
	expect expectation
}

func newHead(block uint32) *head { return &head{block: block, at: blockStart(block)} }

// clone returns a head that goes on from where h does.
func (h *head) clone() *head {
	c := *h
	c.rows = slices.Clone(h.rows) // all else is replaced and not changed
	return &c
}

// ends reports whether the head's last round is that one.
func (h *head) ends(r *round) bool {
	same := func(a, b row) bool {
		a[memory], b[memory] = 0, 0
		return a == b
	}
	return h.at == r.at && h.over == r.over && slices.Equal(h.names, r.names) && slices.EqualFunc(h.rows, r.rows, same)
}

// append adds a round that is later than those it has.
func (h *head) append(r *round, buffer *buffer) {
	if h.value == "" {
		h.first = r.at
	}
	gap := r.at - h.at
	b := binary.AppendVarint(buffer.bytes[:0], gap-h.gap)
	b = binary.AppendVarint(b, int64(r.over-h.over))
	b = h.appendRoster(b, r.names)
	expect := &buffer.expect
	expect.roles, expect.over = h.roles, h.over
	next := append(buffer.next[:0], r.rows...)
	for i := range next {
		before, now := &h.rows[i], &next[i]
		var changed uint64
		b, changed = expect.appendRow(b, expect.of(i, before), before, now, r.over)
		now[memory] = expect.learn(i, before, now, changed)
		expect.saw(i, before, now)
	}
	h.value += string(b)
	h.samples += int64(len(r.rows))
	h.at, h.gap, h.over = r.at, gap, r.over
	copy(h.rows, next)
	buffer.bytes, buffer.next = b, next
}

// appendRoster says whose the rows are, and makes h.rows the rows before of
// those names.
func (h *head) appendRoster(b []byte, names []*name) []byte {
	if h.value != "" && slices.Equal(h.names, names) {
		return append(b, 0)
	}
	places := make(map[*name]int, len(h.names))
	for i, n := range h.names {
		places[n] = i
	}
	rows := make([]row, len(names))
	b = binary.AppendUvarint(b, 1+uint64(len(names)))
	for i, n := range names {
		if place, ok := places[n]; ok {
			rows[i] = h.rows[place]
			b = binary.AppendUvarint(b, 1+uint64(place))
			continue
		}
		b = append(b, 0)
		b = binary.AppendUvarint(b, uint64(n.number))
	}
	h.names, h.rows, h.roles = names, rows, rolesOf(names)
	return b
}

// appendRow adds what of the row is not as expected, and returns in which
// columns that is.
func (e *expectation) appendRow(b []byte, want, before, now *row, over uint64) ([]byte, uint64) {
	var deltas row
	var changed uint64
	for c := range columns {
		if expected := e.expect(c, now, want, before, over); now[c] != expected {
			deltas[c] = now[c] - expected
			changed |= 1 << c
		}
	}
	b = binary.AppendUvarint(b, changed^before.changed())
	for left := changed; left != 0; left &= left - 1 {
		c := bits.TrailingZeros64(left)
		b = binary.AppendVarint(b, shorten(c, int64(deltas[c])))
	}
	return b, changed
}

const page = 4096

// shorten makes a delta of memory shorter if it is of whole pages.
func shorten(column int, delta int64) int64 {
	switch {
	case !isMemory(column):
		return delta
	case delta%page == 0:
		return delta / page * 2
	}
	return delta*2 + 1
}

func lengthen(column int, delta int64) int64 {
	switch {
	case !isMemory(column):
		return delta
	case delta&1 == 0:
		return delta / 2 * page
	}
	return delta >> 1
}
