package snapshot

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/tinylib/msgp/msgp"
)

// Limits of what Decode accepts, far beyond any real node: the biggest have
// some 500 pods and 1,500 containers.
const (
	// MaxBodyBytes is the longest body of a snapshot, also for who reads one
	// from the network.
	MaxBodyBytes = 8 << 20
	// MaxElements is how many elements all lists together may have. It bounds
	// the memory of a decoded snapshot to some tens of MiB.
	MaxElements = 50_000
	// MaxStringBytes is the longest string, a path's limit in the kernel.
	MaxStringBytes = 4096
	// maxDepth is how deep values may nest; the contract needs six levels.
	maxDepth = 32
)

// checkBody holds for both encodings.
func checkBody(data []byte) error {
	if len(data) == 0 {
		return errors.New("the body is empty")
	}
	if len(data) > MaxBodyBytes {
		return fmt.Errorf("the body has %d bytes, at most %d are allowed", len(data), MaxBodyBytes)
	}
	return nil
}

// checkJSON refuses what would take too much memory to decode: it counts the
// elements of all arrays. Whether data is well formed is the decoder's concern.
func checkJSON(data []byte) error {
	if err := checkBody(data); err != nil {
		return err
	}
	if !utf8.Valid(data) {
		return errors.New("the body is not UTF-8")
	}
	var inArray []bool // one for each open array (true) or object (false)
	var keys jsonKeys
	isKey := false // the next string is one
	elements := 0
	for i := 0; i < len(data); i++ {
		switch data[i] {
		case '"':
			length := jsonStringLength(data[i+1:])
			if length > MaxStringBytes {
				return fmt.Errorf("byte %d: a string of %d bytes, at most %d are allowed", i, length, MaxStringBytes)
			}
			if isKey {
				isKey = false
				if err := keys.add(len(inArray), data[i:min(len(data), i+length+2)]); err != nil {
					return fmt.Errorf("byte %d: %w", i, err)
				}
			}
			i += length + 1
		case '[', '{':
			isKey = data[i] == '{'
			inArray = append(inArray, !isKey)
			if isKey {
				keys.open(len(inArray))
			} else {
				elements++
			}
		case ']', '}':
			inArray = inArray[:max(0, len(inArray)-1)]
			isKey = false
		case ',':
			isKey = len(inArray) > 0 && !inArray[len(inArray)-1]
			if len(inArray) > 0 && !isKey {
				elements++
			}
		}
		if len(inArray) > maxDepth {
			return fmt.Errorf("byte %d: more than %d levels of nesting", i, maxDepth)
		}
		if elements > MaxElements {
			return fmt.Errorf("byte %d: more than %d list elements", i, MaxElements)
		}
	}
	return nil
}

// jsonStringLength counts the bytes before the closing quotation mark, or to
// the end of data.
func jsonStringLength(data []byte) int {
	for i := 0; i < len(data); i++ {
		switch data[i] {
		case '"':
			return i
		case '\\':
			i++
		}
	}
	return len(data)
}

// checkMsgpack walks data without decoding it and refuses what would take too
// much memory, what is not one whole value, and strings that are not UTF-8. It
// returns how long the lists of control groups are.
func checkMsgpack(data []byte) (sizes, error) {
	if err := checkBody(data); err != nil {
		return sizes{}, err
	}
	w := msgpackWalk{data: data}
	if err := w.value(); err != nil {
		return sizes{}, fmt.Errorf("byte %d: %w", w.at, err)
	}
	if rest := len(data) - w.at; rest > 0 {
		return sizes{}, fmt.Errorf("byte %d: %d bytes after the snapshot", w.at, rest)
	}
	return w.sizes, nil
}

// A msgpackWalk is on its way through one MessagePack value. Short strings,
// numbers and small lists, of which snapshots are made, it tells by their first
// byte itself: asking msgp about each takes a third of the time of decoding.
type msgpackWalk struct {
	data     []byte
	at       int               // the next byte
	elements int               // of all lists so far
	open     [maxDepth + 1]int // how many values are left at each level
	depth    int
	name     []byte // the last short string: of a list that follows
	sizes    sizes
}

// value walks one value. After an error, w.at is where it begins.
func (w *msgpackWalk) value() error {
	w.open[0] = 1
	for {
		w.plain()
		switch {
		case w.open[w.depth] == 0 && w.depth == 0:
			return nil
		case w.open[w.depth] == 0:
			w.depth--
			continue
		case w.at == len(w.data):
			return msgp.ErrShortBytes
		}
		w.open[w.depth]--
		if err := w.other(); err != nil {
			return err
		}
	}
}

// plain walks the values of the innermost list or map as far as they are short
// strings, numbers, booleans and nil.
func (w *msgpackWalk) plain() {
	data, at, left := w.data, w.at, w.open[w.depth]
	name := w.name
	for ; left > 0 && at < len(data); left-- {
		first := data[at]
		length := 1 + int(first&0x1f)
		if first&0xe0 != 0xa0 {
			if length = scalarLength(first); length == 0 || length > len(data)-at {
				break
			}
		} else {
			if length > len(data)-at || !utf8.Valid(data[at+1:at+length]) {
				break
			}
			name = data[at+1 : at+length]
		}
		at += length
	}
	w.at, w.open[w.depth], w.name = at, left, name
}

// scalarLength is how many bytes a number, boolean or nil takes that begins
// with this byte (MessagePack specification, formats), 0 for all else.
func scalarLength(first byte) int {
	switch {
	case first < 0x80, first >= 0xe0, first == 0xc0, first == 0xc2, first == 0xc3: // in itself
		return 1
	case first == 0xcc, first == 0xd0: // 8 bits
		return 2
	case first == 0xcd, first == 0xd1:
		return 3
	case first == 0xce, first == 0xd2, first == 0xca:
		return 5
	case first == 0xcf, first == 0xd3, first == 0xcb:
		return 9
	}
	return 0
}

// other walks what value does not tell itself, and opens lists and maps.
func (w *msgpackWalk) other() error {
	data := w.data[w.at:]
	var rest []byte
	var count uint32
	var err error
	switch msgp.NextType(data) {
	case msgp.ArrayType:
		if count, rest, err = msgp.ReadArrayHeaderBytes(data); err != nil {
			return err
		}
		if w.elements += int(count); w.elements > MaxElements {
			return fmt.Errorf("more than %d list elements", MaxElements)
		}
		w.sizes.add(w.name, w.depth, int(count))
		err = w.descend(int(count))
	case msgp.MapType:
		if count, rest, err = msgp.ReadMapHeaderBytes(data); err != nil {
			return err
		}
		if count > maxKeys {
			return fmt.Errorf("more than %d keys in an object", maxKeys)
		}
		err = w.descend(2 * int(count))
	case msgp.StrType:
		rest, err = skipText(data)
	default:
		rest, err = msgp.Skip(data)
	}
	if err == nil {
		w.at = len(w.data) - len(rest)
	}
	return err
}

// descend makes the next so many values those of a list or a map.
func (w *msgpackWalk) descend(values int) error {
	if w.depth == maxDepth {
		return fmt.Errorf("more than %d levels of nesting", maxDepth)
	}
	w.depth++
	w.open[w.depth] = values
	return nil
}

func skipText(data []byte) ([]byte, error) {
	text, rest, err := msgp.ReadStringZC(data)
	switch {
	case err != nil:
		return data, err
	case len(text) > MaxStringBytes:
		return data, fmt.Errorf("a string of %d bytes, at most %d are allowed", len(text), MaxStringBytes)
	case !utf8.Valid(text):
		return data, errors.New("a string that is not UTF-8")
	}
	return rest, nil
}
