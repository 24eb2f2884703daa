package snapshot

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode"
	"unicode/utf8"
)

// A field that is there twice would be decoded twice, into one value: the second
// list's elements would have what the second list does not say from the first.
// The generated decoder of MessagePack refuses it, and the walk through JSON.

// maxKeys is how many keys an object may have, those included that this version
// does not know. It bounds what looking for repeated ones costs.
const maxKeys = 128

// jsonKeys are the keys of the objects that are open. An object has the room of
// the one before it at its depth, so that a body of many small ones takes no
// more than a body of few.
type jsonKeys struct {
	seen   [maxDepth + 1]map[string]struct{} // by depth less one
	folded []byte                            // room for the key that is added
}

// open begins an object at a depth, from 1 to one more than is allowed.
func (k *jsonKeys) open(depth int) {
	if k.seen[depth-1] == nil {
		k.seen[depth-1] = make(map[string]struct{})
	}
	clear(k.seen[depth-1])
}

// add notes a key of the object at that depth. The decoder takes keys that differ
// in case only for the same field, and so does this.
func (k *jsonKeys) add(depth int, quoted []byte) error {
	key := bytes.Trim(quoted, `"`)
	if bytes.IndexByte(quoted, '\\') >= 0 {
		var text string
		if err := json.Unmarshal(quoted, &text); err != nil {
			return nil // The decoder says better what is wrong.
		}
		key = []byte(text)
	}
	k.folded = appendFolded(k.folded[:0], key)
	seen := k.seen[depth-1]
	count := len(seen)
	seen[string(k.folded)] = struct{}{}
	switch len(seen) {
	case count:
		return fmt.Errorf("key %q is there a second time", key)
	case maxKeys + 1:
		return fmt.Errorf("more than %d keys in an object", maxKeys)
	}
	return nil
}

// appendFolded appends the key as all keys are that the decoder takes for the
// same.
func appendFolded(dst, key []byte) []byte {
	for len(key) > 0 {
		letter, size := utf8.DecodeRune(key)
		dst = utf8.AppendRune(dst, firstOfCase(letter))
		key = key[size:]
	}
	return dst
}

// firstOfCase is the first of the letters that differ from this one in case
// only, as the decoder compares them. There are more than two at times: k, K and
// the sign of the kelvin.
func firstOfCase(letter rune) rune {
	first := letter
	for other := unicode.SimpleFold(letter); other != letter; other = unicode.SimpleFold(other) {
		first = min(first, other)
	}
	return first
}
