package snapshot

import (
	"errors"

	"github.com/tinylib/msgp/msgp"
)

// errCutOff is the error of MessagePack that ends within a value.
var errCutOff = errors.New("it ends within a value")

// header returns how many parts the list or map at the beginning of data has,
// and the token that says so. A part of a map is a key and a value.
func header(data []byte, kind msgp.Type) (parts int, token []byte, err error) {
	var count uint32
	var rest []byte
	if kind == msgp.MapType {
		count, rest, err = msgp.ReadMapHeaderBytes(data)
	} else {
		count, rest, err = msgp.ReadArrayHeaderBytes(data)
	}
	if err != nil {
		return 0, nil, err
	}
	return int(count), data[:len(data)-len(rest)], nil
}

// nextToken returns the token at the beginning of data.
func nextToken(data []byte) ([]byte, error) {
	switch kind := msgp.NextType(data); kind {
	case msgp.MapType, msgp.ArrayType:
		_, token, err := header(data, kind)
		return token, err
	case msgp.InvalidType:
		return nil, errCutOff
	}
	return next(data, msgp.Skip)
}

// nextPart returns the part at the beginning of data, which is the inside of a
// list or map.
func nextPart(data []byte, kind msgp.Type) ([]byte, error) {
	return next(data, func(rest []byte) ([]byte, error) {
		var err error
		if kind == msgp.MapType {
			if rest, err = msgp.Skip(rest); err != nil {
				return nil, err
			}
		}
		return msgp.Skip(rest)
	})
}

// next returns what skip passes at the beginning of data.
func next(data []byte, skip func([]byte) ([]byte, error)) ([]byte, error) {
	if len(data) == 0 {
		return nil, errCutOff
	}
	rest, err := skip(data)
	if err != nil {
		return nil, err
	}
	return data[:len(data)-len(rest)], nil
}

// identity returns what tells the part at the beginning of data from its
// siblings: the key of a map's, the first field of a list's. It is empty for a
// list's part without fields, which its place identifies.
func identity(data []byte, kind msgp.Type) []byte {
	if kind == msgp.MapType {
		key, _ := next(data, msgp.Skip)
		return key
	}
	if msgp.NextType(data) != msgp.MapType {
		return nil
	}
	fields, token, err := header(data, msgp.MapType)
	if err != nil || fields == 0 {
		return nil
	}
	first, err := nextPart(data[len(token):], msgp.MapType)
	if err != nil {
		return nil
	}
	return first
}

// placesOf returns, for each identity among so many parts, how many parts there
// are from its first one to the end.
func placesOf(data []byte, kind msgp.Type, parts int) map[string]int {
	places := make(map[string]int)
	for left := parts; left > 0; left-- {
		name := string(identity(data, kind))
		if _, ok := places[name]; !ok {
			places[name] = left
		}
		part, err := nextPart(data, kind)
		if err != nil {
			break // whoever passes it will say so
		}
		data = data[len(part):]
	}
	return places
}
