package rest

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// fields is a tree of the names of a JSON object: those there are, or those
// that are wanted of it. A nil tree stands for a whole value.
type fields map[string]fields

// parseFields reads names, separated by commas, with a dot before what is in
// an object; known has those there are.
func parseFields(value string, known fields) (fields, error) {
	if value == "" {
		return nil, nil
	}
	wanted := fields{}
	for name := range strings.SplitSeq(value, ",") {
		if err := wanted.add(name, known); err != nil {
			return nil, err
		}
	}
	return wanted, nil
}

// add adds one dotted name. Where a whole is wanted already, its parts are.
func (f fields) add(name string, known fields) error {
	part, rest, dotted := strings.Cut(name, ".")
	inner, ok := known[part]
	if !ok || dotted && inner == nil {
		return fmt.Errorf("there is no %q; it takes names separated by commas, of %s", name, known.list())
	}
	have, there := f[part]
	switch {
	case !dotted:
		f[part] = nil
		return nil
	case !there:
		have = fields{}
		f[part] = have
	case have == nil:
		have = fields{} // the name is only checked
	}
	if err := have.add(rest, inner); err != nil {
		return fmt.Errorf("in %s %w", part, err)
	}
	return nil
}

// list has the names for people.
func (f fields) list() string { return strings.Join(slices.Sorted(maps.Keys(f)), ", ") }

// cut adds what is wanted of the JSON value at the beginning of v, and returns
// what follows the value. v is as encoding/json writes it: without spaces.
func (f fields) cut(b, v []byte) (cut, rest []byte) {
	switch {
	case f != nil && v[0] == '{':
		return f.cutObject(b, v[1:], math.MaxInt)
	case f != nil && v[0] == '[':
		return f.cutList(b, v[1:])
	}
	end := valueEnd(v)
	return append(b, v[:end]...), v[end:]
}

// cutItem adds what is wanted of an object that nothing follows, and does not
// look at what is behind that: most of an item is its containers.
func (f fields) cutItem(b, object []byte) []byte {
	if f == nil {
		return append(b, object...)
	}
	b, _ = f.cutObject(b, object[1:], len(f))
	return b
}

// cutObject goes on behind the opening brace, and ends after so many wanted
// members; what follows is then unknown.
func (f fields) cutObject(b, v []byte, most int) (cut, rest []byte) {
	b = append(b, '{')
	found := 0
	for v[0] != '}' && found < most {
		end := textEnd(v)
		key, value := v[:end], v[end+1:] // without the colon
		inner, wanted := f[string(key[1:end-1])]
		if !wanted {
			v = value[valueEnd(value):]
		} else {
			if found > 0 {
				b = append(b, ',')
			}
			found++
			b = append(append(b, key...), ':')
			b, v = inner.cut(b, value)
		}
		v = bytes.TrimPrefix(v, []byte{','})
	}
	return append(b, '}'), v[1:]
}

// cutList cuts each element, and goes on behind the opening bracket.
func (f fields) cutList(b, v []byte) (cut, rest []byte) {
	b = append(b, '[')
	for v[0] != ']' {
		b, v = f.cut(b, v)
		if v[0] == ',' {
			b, v = append(b, ','), v[1:]
		}
	}
	return append(b, ']'), v[1:]
}

// valueEnd returns where the JSON value at the beginning of v ends.
func valueEnd(v []byte) int {
	depth := 0
	for i := 0; i < len(v); i++ {
		switch v[i] {
		case '"':
			i += textEnd(v[i:]) - 1
			if depth == 0 {
				return i + 1
			}
		case '{', '[':
			depth++
		case ',':
			if depth == 0 {
				return i
			}
		case '}', ']':
			if depth == 0 {
				return i
			}
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return len(v)
}

// textEnd returns where the JSON string at the beginning of v ends.
func textEnd(v []byte) int {
	for i := 1; i < len(v); i++ {
		switch v[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(v)
}

// namesOf reads the names of a schema's object, or of its list's elements, out
// of the document's schemas.
func namesOf(schema map[string]any, schemas map[string]any) fields {
	if ref, ok := schema["$ref"].(string); ok {
		schema, _ = schemas[ref[strings.LastIndexByte(ref, '/')+1:]].(map[string]any)
	}
	var names fields
	add := func(more fields) {
		for name, inner := range more {
			if names == nil {
				names = fields{}
			}
			if inner != nil || names[name] == nil {
				names[name] = inner
			}
		}
	}
	for _, part := range []string{"allOf", "anyOf", "oneOf"} {
		list, _ := schema[part].([]any)
		for _, s := range list {
			if s, ok := s.(map[string]any); ok {
				add(namesOf(s, schemas))
			}
		}
	}
	properties, _ := schema["properties"].(map[string]any)
	for name, s := range properties {
		if s, ok := s.(map[string]any); ok {
			add(fields{name: namesOf(s, schemas)})
		}
	}
	if items, ok := schema["items"].(map[string]any); ok {
		add(namesOf(items, schemas))
	}
	return names
}
