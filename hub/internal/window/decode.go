package window

import (
	"fmt"
	"math/bits"
	"slices"
)

// A decoder takes the rounds off a block. Rows of series that are not needed
// are passed over: their numbers are not what they were.
type decoder struct {
	round
	expect expectation
	gap    int64
	reader reader
	// named gives a number its name, and whether its rows are needed.
	named  func(number uint32) (n *name, needed bool)
	needed []bool
}

func newDecoder(value string, block uint32, named func(uint32) (*name, bool)) *decoder {
	d := &decoder{reader: reader{value: value}, named: named}
	d.at = blockStart(block)
	return d
}

// decoder returns one that reads on where the head ends, in a value that begins
// with the head's.
func (h *head) decoder(value string, named func(uint32) (*name, bool)) *decoder {
	d := newDecoder(value, h.block, named)
	d.reader.at = len(h.value)
	d.round = round{at: h.at, over: h.over, names: h.names, rows: slices.Clone(h.rows)}
	d.gap, d.expect.roles = h.gap, h.roles
	d.needed = slices.Repeat([]bool{true}, len(h.names))
	return d
}

// next reads a round. It returns false at the end and after an error.
func (d *decoder) next() bool {
	r := &d.reader
	if r.left() == 0 {
		return false
	}
	d.gap += r.varint()
	d.at += d.gap
	d.expect.over = d.over
	d.over += uint64(r.varint())
	if n := r.uvarint(); n > 0 {
		d.roster(n - 1)
	}
	for i := range d.rows {
		changed := r.uvarint() ^ d.rows[i].changed()
		if d.needed[i] {
			d.row(i, changed)
		} else {
			d.rows[i][memory] = changed // all that is needed of it
			r.pass(bits.OnesCount64(changed))
		}
	}
	return r.err == nil
}

func (d *decoder) err() error { return d.reader.err }

// roster reads whose the rows are from now on.
func (d *decoder) roster(n uint64) {
	r := &d.reader
	if n > uint64(r.left()) {
		r.fail(errCorrupt)
		return
	}
	names, rows, needed := make([]*name, n), make([]row, n), make([]bool, n)
	for i := range names {
		place := r.uvarint()
		switch {
		case place > uint64(len(d.names)):
			r.fail(errCorrupt)
		case place > 0:
			names[i], rows[i], needed[i] = d.names[place-1], d.rows[place-1], d.needed[place-1]
		default:
			number := r.uvarint()
			if names[i], needed[i] = d.named(uint32(number)); names[i] == nil {
				r.fail(fmt.Errorf("series %d has no name: %w", number, errCorrupt))
			}
		}
		if r.err != nil {
			return
		}
	}
	d.names, d.rows, d.needed, d.expect.roles = names, rows, needed, rolesOf(names)
}

// row reads what of a row is not as expected, in the columns that changed.
func (d *decoder) row(i int, changed uint64) {
	now, before := &d.rows[i], d.rows[i]
	if changed>>columns != 0 {
		d.reader.fail(errCorrupt)
		return
	}
	want := *d.expect.of(i, &before)
	*now = want
	for c := range columns {
		now[c] = d.expect.expect(c, now, &want, &before, d.over)
		if changed>>c&1 != 0 {
			now[c] += uint64(lengthen(c, d.reader.varint()))
		}
	}
	now[memory] = d.expect.learn(i, &before, now, changed)
	d.expect.saw(i, &before, now)
}
