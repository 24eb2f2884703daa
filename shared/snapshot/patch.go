package snapshot

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/bits"

	"github.com/tinylib/msgp/msgp"
)

// errVarint is the error of a diff that ends within a number.
var errVarint = errors.New("it ends within a number")

// ApplyDiff appends to dst what diff makes of before. The diff need not be
// trusted: an error says which of its bytes does not fit.
func ApplyDiff(dst, before, diff []byte) ([]byte, error) { return patch(dst, before, diff, false) }

// RevertDiff appends to dst what diff makes after of.
func RevertDiff(dst, after, diff []byte) ([]byte, error) { return patch(dst, after, diff, true) }

func patch(dst, from, diff []byte, back bool) ([]byte, error) {
	p := patcher{out: dst, from: from, diff: diff, back: back}
	for len(p.diff) > 0 {
		at := len(diff) - len(p.diff)
		if err := p.change(); err != nil {
			return dst, fmt.Errorf("byte %d of a diff: %w", at, err)
		}
		if size := len(p.out) - len(dst) + len(p.from); size > MaxBodyBytes {
			return dst, fmt.Errorf("byte %d of a diff: it makes %d bytes, at most %d are allowed", at, size, MaxBodyBytes)
		}
	}
	return append(p.out, p.from...), nil
}

// A patcher is one diff being applied, or taken back.
type patcher struct {
	out  []byte
	from []byte // what is left of it
	diff []byte // what is left of it
	back bool
}

// change makes the diff's next change.
func (p *patcher) change() error {
	head, err := p.uvarint()
	if err != nil {
		return err
	}
	if err := p.keep(head / changeKinds); err != nil {
		return err
	}
	switch kind := int(head % changeKinds); kind {
	case changeFloat:
		return p.float()
	case changeTokens:
		return p.tokens()
	default:
		return p.integer(kind)
	}
}

// keep takes over so many tokens.
func (p *patcher) keep(tokens uint64) error {
	rest := p.from
	for range tokens {
		token, err := nextToken(rest)
		if err != nil {
			return fmt.Errorf("keep %d tokens: %w", tokens, err)
		}
		rest = rest[len(token):]
	}
	p.out = append(p.out, p.from[:len(p.from)-len(rest)]...)
	p.from = rest
	return nil
}

func (p *patcher) integer(kind int) error {
	growth, size := binary.Varint(p.diff)
	if size <= 0 {
		return errVarint
	}
	p.diff = p.diff[size:]
	token, err := nextToken(p.from)
	if err != nil {
		return err
	}
	value, ok := integer(token, kind)
	if !ok {
		return errors.New("it changes an integer where there is none")
	}
	if p.back {
		growth = -growth
	}
	p.out = appendInteger(p.out, value+uint64(growth), kind)
	p.from = p.from[len(token):]
	return nil
}

func (p *patcher) float() error {
	reversed, err := p.uvarint()
	if err != nil {
		return err
	}
	if msgp.NextType(p.from) != msgp.Float64Type {
		return errors.New("it changes a float where there is none")
	}
	value, rest, err := msgp.ReadFloat64Bytes(p.from)
	if err != nil {
		return err
	}
	p.out = msgp.AppendFloat64(p.out, math.Float64frombits(math.Float64bits(value)^bits.Reverse64(reversed)))
	p.from = rest
	return nil
}

func (p *patcher) tokens() error {
	old, err := p.bytes()
	if err != nil {
		return err
	}
	new, err := p.bytes()
	if err != nil {
		return err
	}
	if p.back {
		old, new = new, old
	}
	rest, ok := bytes.CutPrefix(p.from, old)
	if !ok {
		return fmt.Errorf("it replaces %d bytes where there are others", len(old))
	}
	p.out, p.from = append(p.out, new...), rest
	return nil
}

func (p *patcher) bytes() ([]byte, error) {
	length, err := p.uvarint()
	if err != nil {
		return nil, err
	}
	if length > uint64(len(p.diff)) {
		return nil, fmt.Errorf("it announces %d bytes and has %d", length, len(p.diff))
	}
	data := p.diff[:length]
	p.diff = p.diff[length:]
	return data, nil
}

func (p *patcher) uvarint() (uint64, error) {
	value, size := binary.Uvarint(p.diff)
	if size <= 0 {
		return 0, errVarint
	}
	p.diff = p.diff[size:]
	return value, nil
}
