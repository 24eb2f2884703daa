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
	elements := 0
	for i := 0; i < len(data); i++ {
		switch data[i] {
		case '"':
			length := jsonStringLength(data[i+1:])
			if length > MaxStringBytes {
				return fmt.Errorf("byte %d: a string of %d bytes, at most %d are allowed", i, length, MaxStringBytes)
			}
			i += length + 1
		case '[', '{':
			inArray = append(inArray, data[i] == '[')
			if data[i] == '[' {
				elements++
			}
		case ']', '}':
			inArray = inArray[:max(0, len(inArray)-1)]
		case ',':
			if len(inArray) > 0 && inArray[len(inArray)-1] {
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
// much memory, what is not one whole value, and strings that are not UTF-8.
func checkMsgpack(data []byte) error {
	if err := checkBody(data); err != nil {
		return err
	}
	w := msgpackWalk{size: len(data)}
	rest, err := w.value(data, 0)
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return fmt.Errorf("byte %d: %d bytes after the snapshot", w.at(rest), len(rest))
	}
	return nil
}

// A msgpackWalk counts list elements on its way through one MessagePack value.
type msgpackWalk struct {
	size     int // of the whole body, to say where an error is
	elements int
}

func (w *msgpackWalk) at(rest []byte) int { return w.size - len(rest) }

// value walks one value and returns what follows it.
func (w *msgpackWalk) value(data []byte, depth int) ([]byte, error) {
	if depth > maxDepth {
		return data, fmt.Errorf("byte %d: more than %d levels of nesting", w.at(data), maxDepth)
	}
	switch msgp.NextType(data) {
	case msgp.ArrayType:
		count, rest, err := msgp.ReadArrayHeaderBytes(data)
		if err != nil {
			return data, fmt.Errorf("byte %d: %w", w.at(data), err)
		}
		if w.elements += int(count); w.elements > MaxElements {
			return data, fmt.Errorf("byte %d: more than %d list elements", w.at(data), MaxElements)
		}
		return w.values(rest, int(count), depth+1)
	case msgp.MapType:
		count, rest, err := msgp.ReadMapHeaderBytes(data)
		if err != nil {
			return data, fmt.Errorf("byte %d: %w", w.at(data), err)
		}
		return w.values(rest, 2*int(count), depth+1)
	case msgp.StrType:
		return w.text(data)
	}
	rest, err := msgp.Skip(data)
	if err != nil {
		return data, fmt.Errorf("byte %d: %w", w.at(data), err)
	}
	return rest, nil
}

// values walks count values. A count beyond the data ends at its last byte.
func (w *msgpackWalk) values(data []byte, count, depth int) ([]byte, error) {
	var err error
	for range count {
		if data, err = w.value(data, depth); err != nil {
			return data, err
		}
	}
	return data, nil
}

func (w *msgpackWalk) text(data []byte) ([]byte, error) {
	text, rest, err := msgp.ReadStringZC(data)
	switch {
	case err != nil:
		return data, fmt.Errorf("byte %d: %w", w.at(data), err)
	case len(text) > MaxStringBytes:
		return data, fmt.Errorf("byte %d: a string of %d bytes, at most %d are allowed", w.at(data), len(text), MaxStringBytes)
	case !utf8.Valid(text):
		return data, fmt.Errorf("byte %d: a string that is not UTF-8", w.at(data))
	}
	return rest, nil
}
