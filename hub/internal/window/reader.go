package window

import (
	"encoding/binary"
	"errors"
	"math/bits"
)

var errCorrupt = errors.New("value is corrupt")

// A reader takes varints off the front of a value. After an error, and at the
// end, it goes on with zeros.
type reader struct {
	value string
	at    int
	err   error
}

func (r *reader) left() int { return len(r.value) - r.at }

func (r *reader) fail(err error) { r.at, r.err = len(r.value), err }

func (r *reader) uvarint() uint64 {
	if r.at < len(r.value) && r.value[r.at] < 0x80 { // as most are
		v := uint64(r.value[r.at])
		r.at++
		return v
	}
	var v uint64
	rest := r.value[r.at:]
	for i := 0; i < len(rest) && i < binary.MaxVarintLen64; i++ {
		v |= uint64(rest[i]&0x7f) << (7 * i)
		if rest[i] < 0x80 {
			r.at += i + 1
			return v
		}
	}
	r.fail(errCorrupt)
	return 0
}

func (r *reader) varint() int64 {
	u := r.uvarint()
	return int64(u>>1) ^ -int64(u&1)
}

// pass passes over so many varints. Each ends with the next byte below 0x80,
// so eight bytes are looked at at once.
func (r *reader) pass(varints int) {
	const ends = 0x8080808080808080
	at := r.at
	for varints > 0 && at+8 <= len(r.value) {
		set := ^word(r.value[at:]) & ends
		if n := bits.OnesCount64(set); n < varints {
			varints -= n
			at += 8
			continue
		}
		for ; varints > 1; varints-- {
			set &= set - 1
		}
		at += bits.TrailingZeros64(set)/8 + 1
		varints = 0
	}
	for ; varints > 0 && at < len(r.value); at++ {
		if r.value[at] < 0x80 {
			varints--
		}
	}
	if r.at = at; varints > 0 {
		r.fail(errCorrupt)
	}
}

// word is the first eight bytes, the first of them lowest.
func word(s string) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}
