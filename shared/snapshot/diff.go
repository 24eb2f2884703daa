package snapshot

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"

	"github.com/tinylib/msgp/msgp"
)

// A diff makes one MessagePack value of another, and the other of the one. It
// knows nothing of the contract's fields: it walks the tokens of both, which
// are the headers of maps and lists, and the values without parts. It is a list
// of changes, each
//
//	head = the tokens before it that stay, times 4, plus what changes
//	     + 0 or 1: by how much an integer grew (0: written as unsigned)
//	     + 2: the bits in which a float differs
//	     + 3: length, old bytes, length, new bytes: of any number of tokens
//
// Lengths and heads are unsigned varints (encoding/binary), what an integer
// grew by is a zigzag one, and a float's bits an unsigned one from the highest
// bit, since it is the highest that differ. What follows the last change stays.
const (
	changeUnsigned = iota
	changeSigned
	changeFloat
	changeTokens
	changeKinds
)

// AppendDiff appends to dst what makes after of before, both one MessagePack
// value each. Parts of lists are matched by what identifies them, their first
// field, so that a pod that comes or goes costs no more than itself.
func AppendDiff(dst, before, after []byte) ([]byte, error) {
	d := differ{out: dst, before: before, after: after}
	if err := d.value(); err != nil {
		return dst, fmt.Errorf("compare MessagePack: %w", err)
	}
	d.flush()
	return d.out, nil
}

// A differ is one diff in the making. Its cursors move on together.
type differ struct {
	out           []byte
	before, after []byte // what is left of them
	same          int    // tokens since the last change
	// old and new are tokens that were passed and are not written yet.
	old, new []byte
}

// value passes a value of both.
func (d *differ) value() error {
	kind := msgp.NextType(d.before)
	if kind != msgp.NextType(d.after) || kind != msgp.ArrayType && kind != msgp.MapType {
		return d.scalar()
	}
	partsBefore, old, err := header(d.before, kind)
	if err != nil {
		return err
	}
	partsAfter, new, err := header(d.after, kind)
	if err != nil {
		return err
	}
	if bytes.Equal(old, new) {
		d.keep(old)
	} else {
		d.replace(old, new)
	}
	return d.parts(kind, partsBefore, partsAfter)
}

// scalar passes a value of both, of which one at least has no parts.
func (d *differ) scalar() error {
	old, err := next(d.before, msgp.Skip)
	if err != nil {
		return err
	}
	new, err := next(d.after, msgp.Skip)
	if err != nil {
		return err
	}
	if bytes.Equal(old, new) {
		d.keep(old)
		return nil
	}
	if !d.arithmetic(old, new) {
		d.replace(old, new)
	}
	return nil
}

// arithmetic passes two tokens if both are floats, or both integers whose
// encoding follows from their value.
func (d *differ) arithmetic(old, new []byte) bool {
	if msgp.NextType(old) == msgp.Float64Type && msgp.NextType(new) == msgp.Float64Type {
		a, _, _ := msgp.ReadFloat64Bytes(old)
		b, _, _ := msgp.ReadFloat64Bytes(new)
		d.change(changeFloat, old, new)
		d.out = binary.AppendUvarint(d.out, bits.Reverse64(math.Float64bits(a)^math.Float64bits(b)))
		return true
	}
	for kind := changeUnsigned; kind <= changeSigned; kind++ {
		a, isA := integer(old, kind)
		b, isB := integer(new, kind)
		if isA && isB {
			d.change(kind, old, new)
			d.out = binary.AppendVarint(d.out, int64(b-a))
			return true
		}
	}
	return false
}

// change passes a token of both and writes that it changes.
func (d *differ) change(kind int, old, new []byte) {
	d.flush()
	d.head(kind)
	d.before, d.after = d.before[len(old):], d.after[len(new):]
}

// parts passes the rest of a list or map of both: what is in both is compared,
// the rest goes or comes.
func (d *differ) parts(kind msgp.Type, before, after int) error {
	var places map[string]int // of after's parts by identity, counted from its end
	for before > 0 && after > 0 {
		old, new := identity(d.before, kind), identity(d.after, kind)
		if bytes.Equal(old, new) {
			if err := d.part(kind); err != nil {
				return err
			}
			before, after = before-1, after-1
			continue
		}
		if places == nil {
			places = placesOf(d.after, kind, after)
		}
		if place, ok := places[string(old)]; ok && place <= after {
			if err := d.insert(kind, after-place); err != nil {
				return err
			}
			after = place
			continue
		}
		if err := d.remove(kind, 1); err != nil {
			return err
		}
		before--
	}
	if err := d.remove(kind, before); err != nil {
		return err
	}
	return d.insert(kind, after)
}

// part passes a part of both that has the same identity.
func (d *differ) part(kind msgp.Type) error {
	if kind == msgp.MapType {
		if err := d.value(); err != nil { // the key
			return err
		}
	}
	return d.value()
}

func (d *differ) remove(kind msgp.Type, parts int) error {
	for range parts {
		part, err := nextPart(d.before, kind)
		if err != nil {
			return err
		}
		d.replace(part, nil)
	}
	return nil
}

func (d *differ) insert(kind msgp.Type, parts int) error {
	for range parts {
		part, err := nextPart(d.after, kind)
		if err != nil {
			return err
		}
		d.replace(nil, part)
	}
	return nil
}

// keep passes a token that is the same in both.
func (d *differ) keep(token []byte) {
	d.flush()
	d.same++
	d.before, d.after = d.before[len(token):], d.after[len(token):]
}

// replace passes tokens that differ.
func (d *differ) replace(old, new []byte) {
	d.old, d.new = append(d.old, old...), append(d.new, new...)
	d.before, d.after = d.before[len(old):], d.after[len(new):]
}

// flush writes what was replaced.
func (d *differ) flush() {
	if len(d.old) == 0 && len(d.new) == 0 {
		return
	}
	d.head(changeTokens)
	for _, tokens := range [][]byte{d.old, d.new} {
		d.out = binary.AppendUvarint(d.out, uint64(len(tokens)))
		d.out = append(d.out, tokens...)
	}
	d.old, d.new = d.old[:0], d.new[:0]
}

func (d *differ) head(kind int) {
	d.out = binary.AppendUvarint(d.out, uint64(d.same*changeKinds+kind))
	d.same = 0
}

// integer returns the bits of an integer, false unless the token is how an
// integer of that kind is written.
func integer(token []byte, kind int) (value uint64, ok bool) {
	var room [9]byte
	switch msgp.NextType(token) {
	case msgp.UintType:
		value, _, _ = msgp.ReadUint64Bytes(token)
	case msgp.IntType:
		signed, _, _ := msgp.ReadInt64Bytes(token)
		value = uint64(signed)
	default:
		return 0, false
	}
	return value, bytes.Equal(appendInteger(room[:0], value, kind), token)
}

func appendInteger(dst []byte, value uint64, kind int) []byte {
	if kind == changeSigned {
		return msgp.AppendInt64(dst, int64(value))
	}
	return msgp.AppendUint64(dst, value)
}
