package snapshot

import (
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"strconv"
	"strings"
)

// The content types of the two encodings.
const (
	ContentTypeJSON    = "application/json"
	ContentTypeMsgpack = "application/vnd.msgpack"
)

// ErrContentType is the error of a content type that is neither of the two.
var ErrContentType = errors.New("unknown content type")

// Negotiate returns the content type that an Accept header asks for.
// MessagePack is for those who name it and do not prefer JSON; everybody else,
// also one who accepts neither, gets JSON.
func Negotiate(accept string) string { return negotiate(accept, ContentTypeMsgpack) }

// NegotiateHistory is Negotiate between a history and a JSON list of snapshots.
func NegotiateHistory(accept string) string { return negotiate(accept, ContentTypeHistory) }

func negotiate(accept, compact string) string {
	if q := quality(accept, compact); q > 0 && q >= quality(accept, ContentTypeJSON) {
		return compact
	}
	return ContentTypeJSON
}

// quality returns the weight, 0 to 1, that an Accept header gives to exactly
// this media type; ranges such as */* do not count (RFC 9110, section 12.5.1).
func quality(accept, mediaType string) float64 {
	for part := range strings.SplitSeq(accept, ",") {
		name, params, err := mime.ParseMediaType(part)
		if err != nil || name != mediaType {
			continue
		}
		q, ok := params["q"]
		if !ok {
			return 1
		}
		weight, err := strconv.ParseFloat(q, 64)
		if err != nil {
			return 0
		}
		return weight
	}
	return 0
}

// Encode returns s in the encoding that contentType names.
func Encode(s *Snapshot, contentType string) ([]byte, error) {
	return Append(nil, s, contentType)
}

// Append appends s to dst in the encoding that contentType names. Its errors
// wrap [ErrContentType] or name the node whose snapshot has no such form.
func Append(dst []byte, s *Snapshot, contentType string) ([]byte, error) {
	switch mediaType(contentType) {
	case ContentTypeJSON:
		data, err := json.Marshal(s)
		if err != nil {
			return dst, fmt.Errorf("encode snapshot of node %q as JSON: %w", s.Node, err)
		}
		return append(dst, data...), nil
	case ContentTypeMsgpack:
		data, err := s.MarshalMsg(dst)
		if err != nil {
			return dst, fmt.Errorf("encode snapshot of node %q as MessagePack: %w", s.Node, err)
		}
		return data, nil
	}
	return dst, contentTypeError(contentType)
}

// Decode returns the snapshot in data. What it returns is valid: of this
// version, with a node's name and a known mode, finite numbers and unique
// identities, and its required lists are never nil. Fields that this version
// does not know are ignored. An error says which field, or which byte, breaks
// which rule; a body beyond the limits is refused before memory is spent on it.
func Decode(data []byte, contentType string) (*Snapshot, error) {
	var s Snapshot
	var err error
	switch mediaType(contentType) {
	case ContentTypeJSON:
		err = decodeJSON(data, &s)
	case ContentTypeMsgpack:
		err = decodeMsgpack(data, &s)
	default:
		return nil, contentTypeError(contentType)
	}
	if err != nil {
		return nil, err
	}
	s.fillLists()
	if err := s.Validate(); err != nil {
		return nil, fmt.Errorf("validate snapshot: %w", err)
	}
	return &s, nil
}

func decodeJSON(data []byte, s *Snapshot) error {
	if err := checkJSON(data); err != nil {
		return fmt.Errorf("decode snapshot from JSON: %w", err)
	}
	if err := json.Unmarshal(data, s); err != nil {
		return fmt.Errorf("decode snapshot from JSON: %w", err)
	}
	s.Time = s.Time.UTC()
	return nil
}

func decodeMsgpack(data []byte, s *Snapshot) error {
	sizes, err := checkMsgpack(data)
	if err != nil {
		return fmt.Errorf("decode snapshot from MessagePack: %w", err)
	}
	s.makeRoom(sizes, len(data))
	// What is left after the one value was refused by checkMsgpack.
	if _, err := s.UnmarshalMsg(data); err != nil {
		return fmt.Errorf("decode snapshot from MessagePack: %w", err)
	}
	return nil
}

// fillLists makes the required lists empty where the encoding had null, so
// that both encodings decode to the same value.
func (s *Snapshot) fillLists() {
	s.Agent.Cgroup.Controllers = orEmpty(s.Agent.Cgroup.Controllers)
	s.Slices = orEmpty(s.Slices)
	s.Pods = orEmpty(s.Pods)
	s.Containers = orEmpty(s.Containers)
	s.Processes = orEmpty(s.Processes)
	s.Warnings = orEmpty(s.Warnings)
	for i := range s.Pods {
		s.Pods[i].Containers = orEmpty(s.Pods[i].Containers)
	}
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// mediaType is a Content-Type header without its parameters.
func mediaType(contentType string) string {
	name, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return contentType
	}
	return name
}

func contentTypeError(contentType string) error {
	return fmt.Errorf("%w %q: want %s or %s", ErrContentType, contentType, ContentTypeJSON, ContentTypeMsgpack)
}
