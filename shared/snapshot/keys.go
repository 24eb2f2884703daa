package snapshot

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
)

// A field that is there twice would be decoded twice, into one value: the second
// list's elements would have what the second list does not say from the first.
// The generated decoder of MessagePack refuses it, and the walk through JSON.

// maxKeys is how many keys an object may have, those included that this version
// does not know. It bounds what looking for repeated ones costs.
const maxKeys = 128

// jsonKeys are the keys of the objects that are open, by depth; nil for arrays.
type jsonKeys []map[string]struct{}

// add notes a key of the innermost object. The decoder takes keys that differ in
// case only for the same field, and so does this.
func (open jsonKeys) add(quoted []byte) error {
	keys := open[len(open)-1]
	var key string
	if err := json.Unmarshal(quoted, &key); err != nil {
		return nil // The decoder says better what is wrong.
	}
	folded := strings.Map(firstOfCase, key)
	if _, ok := keys[folded]; ok {
		return fmt.Errorf("key %q is there a second time", key)
	}
	if len(keys) == maxKeys {
		return fmt.Errorf("more than %d keys in an object", maxKeys)
	}
	keys[folded] = struct{}{}
	return nil
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
