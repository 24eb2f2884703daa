package snapshot

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/tinylib/msgp/msgp"
)

// A field that is there twice would be decoded twice, into one value: the second
// list's elements would have what the second list does not say from the first.
// Both walks refuse it. The contract's objects have some twenty fields.

// maxKeys is how many keys an object may have, those included that this version
// does not know. It bounds what looking for repeated ones costs.
const maxKeys = 128

// jsonKeys are the keys of the objects that are open, by depth; nil for arrays.
type jsonKeys []map[string]struct{}

// add notes a key of the innermost object. Go's decoder takes keys that differ
// in case only for the same field, and so does this.
func (open jsonKeys) add(quoted []byte) error {
	keys := open[len(open)-1]
	var key string
	if err := json.Unmarshal(quoted, &key); err != nil {
		return nil // The decoder says better what is wrong.
	}
	folded := strings.ToLower(key)
	if _, ok := keys[folded]; ok {
		return fmt.Errorf("key %q is there a second time", key)
	}
	if len(keys) == maxKeys {
		return fmt.Errorf("more than %d keys in an object", maxKeys)
	}
	keys[folded] = struct{}{}
	return nil
}

// addKey notes a key of the innermost map, which is next. Keys are told apart by
// a bit that few share; only where that is taken are they compared.
func (w *msgpackWalk) addKey(key []byte) error {
	keys := &w.keys[w.depth]
	bit := keyBit(key)
	if keys.seen&bit != 0 && w.isRepeated(key) {
		return fmt.Errorf("key %q is there a second time", key)
	}
	keys.seen |= bit
	return nil
}

// otherKey walks a key that is no short string.
func (w *msgpackWalk) otherKey() error {
	key, rest, err := msgp.ReadStringZC(w.data[w.at:])
	if err != nil {
		return fmt.Errorf("a key that is no string: %w", err)
	}
	if _, err := skipText(w.data[w.at:]); err != nil {
		return err
	}
	if err := w.addKey(key); err != nil {
		return err
	}
	w.at = len(w.data) - len(rest)
	return nil
}

// keyBit is one of 64 bits. The factors were looked for until no two fields of
// one of the contract's objects had the same, which a test holds.
func keyBit(key []byte) uint64 {
	n := len(key)
	if n == 0 {
		return 1
	}
	return 1 << ((uint(n)*112 + uint(key[0])*78 + uint(key[n/2])*96 + uint(key[n-1])*83) / 2 % 64)
}

// isRepeated looks for the key among those before it in the innermost map.
func (w *msgpackWalk) isRepeated(key []byte) bool {
	rest := w.data[w.keys[w.depth].from:w.at]
	for len(rest) > 0 {
		before, value, err := msgp.ReadStringZC(rest)
		if err != nil || string(before) == string(key) {
			return err == nil
		}
		if rest, err = msgp.Skip(value); err != nil {
			return false
		}
	}
	return false
}
