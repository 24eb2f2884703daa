package snapshot

import (
	"encoding/binary"
	"fmt"
	"io"
	"time"
)

// ContentTypeHistory is the content type of a history: successive snapshots of
// one node, oldest first, at a few bytes for each number that moved.
//
//	history = version record…
//	record  = time bootNanos length body
//
// Version is a byte. Time (milliseconds since 1970) and bootNanos are the
// snapshot's, less those of the record before, as zigzag varints, so that who
// reads need decode none to know when they were made. The body is the snapshot
// as MessagePack in the first record and a diff to the one before in the others
// (see [AppendDiff]).
const ContentTypeHistory = "application/vnd.kubemon.history"

const historyVersion = 1

// Limits of what DecodeHistory accepts.
const (
	// MaxHistoryBytes is the longest body of a history.
	MaxHistoryBytes = 2 * MaxBodyBytes
	// MaxHistorySnapshots is how many snapshots it may have: an hour of one
	// each second, and more.
	MaxHistorySnapshots = 5_000
	// maxHistoryWork is the MaxWork of a history.
	maxHistoryWork = 1 << 30
)

// A Stamp says when a snapshot was made.
type Stamp struct {
	UnixMillis int64
	BootNanos  int64
}

// StampOf returns when the snapshot was made.
func StampOf(s *Snapshot) Stamp { return Stamp{s.Time.UnixMilli(), s.BootNanos} }

// Time is the node's wall clock in UTC, to the millisecond.
func (s Stamp) Time() time.Time { return time.UnixMilli(s.UnixMillis).UTC() }

// MaxRecordHeaderBytes is how many bytes a record has at most beside its body.
const MaxRecordHeaderBytes = 3 * binary.MaxVarintLen64

// AppendHistory appends to dst the beginning of a history, which is one without
// snapshots.
func AppendHistory(dst []byte) []byte { return append(dst, historyVersion) }

// AppendRecord appends to dst the next record of a history: the first snapshot
// as MessagePack, with no stamp before it, or the diff that makes the snapshot
// of that stamp of the one before.
func AppendRecord(dst []byte, before, at Stamp, body []byte) []byte {
	dst = binary.AppendVarint(dst, at.UnixMillis-before.UnixMillis)
	dst = binary.AppendVarint(dst, at.BootNanos-before.BootNanos)
	dst = binary.AppendUvarint(dst, uint64(len(body)))
	return append(dst, body...)
}

// EncodeHistory returns the snapshots as a history.
func EncodeHistory(snapshots []*Snapshot) ([]byte, error) {
	history := AppendHistory(nil)
	var last Stamp
	var before []byte
	for i, s := range snapshots {
		after, err := Encode(s, ContentTypeMsgpack)
		if err != nil {
			return nil, err
		}
		body := after
		if i > 0 {
			if body, err = AppendDiff(nil, before, after); err != nil {
				return nil, err
			}
		}
		history = AppendRecord(history, last, StampOf(s), body)
		last, before = StampOf(s), after
	}
	return history, nil
}

// A History is successive snapshots of one node, of which one at a time is
// decoded: a cursor stands at the first one, if there is one, and moves on with
// Next.
type History struct {
	// Stamps say when the snapshots were made, in their order.
	Stamps []Stamp
	// At is the place of the cursor in Stamps.
	At int
	// MaxWork is how many bytes all snapshots together may have that the cursor
	// passes. Who reads a stranger's history sets it to what was asked for.
	MaxWork int

	current []byte   // the snapshot at the cursor, as MessagePack
	diffs   [][]byte // that lead to the second, the third, …
	work    int      // bytes passed
}

// DecodeHistory returns the history in data, which it goes on using. It checks
// the frame and the limits; what the snapshots say is checked when they are
// decoded.
func DecodeHistory(data []byte) (*History, error) {
	if len(data) > MaxHistoryBytes {
		return nil, fmt.Errorf("decode history: %d bytes, at most %d are allowed", len(data), MaxHistoryBytes)
	}
	if len(data) == 0 || data[0] != historyVersion {
		return nil, fmt.Errorf("decode history: it begins with % x, want version %d", data[:min(len(data), 1)], historyVersion)
	}
	h := &History{MaxWork: maxHistoryWork}
	for rest := data[1:]; len(rest) > 0; {
		var err error
		if rest, err = h.record(rest); err != nil {
			return nil, fmt.Errorf("decode history: byte %d: %w", len(data)-len(rest), err)
		}
	}
	return h, nil
}

// record reads a record and returns what follows it, or the record again.
func (h *History) record(data []byte) ([]byte, error) {
	if len(h.Stamps) == MaxHistorySnapshots {
		return data, fmt.Errorf("more than %d snapshots", MaxHistorySnapshots)
	}
	var at Stamp
	if len(h.Stamps) > 0 {
		at = h.Stamps[len(h.Stamps)-1]
	}
	rest := data
	for _, part := range []*int64{&at.UnixMillis, &at.BootNanos} {
		growth, size := binary.Varint(rest)
		if size <= 0 {
			return data, errVarint
		}
		*part += growth
		rest = rest[size:]
	}
	length, size := binary.Uvarint(rest)
	switch rest = rest[max(size, 0):]; {
	case size <= 0:
		return data, errVarint
	case length > uint64(len(rest)):
		return data, fmt.Errorf("a record announces %d bytes, %d are left", length, len(rest))
	}
	if h.current == nil {
		h.current = rest[:length:length]
	} else {
		h.diffs = append(h.diffs, rest[:length:length])
	}
	h.Stamps = append(h.Stamps, at)
	return rest[length:], nil
}

// Next moves the cursor to the next snapshot; io.EOF says that there is none.
func (h *History) Next() error {
	if h.At >= len(h.diffs) {
		return io.EOF
	}
	diff := h.diffs[h.At]
	if h.work += len(h.current); h.work > h.MaxWork {
		return fmt.Errorf("snapshot %d of a history: all up to it have more than %d bytes", h.At+1, h.MaxWork)
	}
	next, err := ApplyDiff(make([]byte, 0, len(h.current)+len(diff)), h.current, diff)
	if err != nil {
		return fmt.Errorf("snapshot %d of a history: %w", h.At+1, err)
	}
	h.current = append(h.current[:0], next...) // in the memory of data: thousands of histories may be open
	h.At++
	return nil
}

// Snapshot returns the snapshot at the cursor. It is as valid as one of
// [Decode], and made when its stamp says. io.EOF says that the history is empty.
func (h *History) Snapshot() (*Snapshot, error) {
	if len(h.Stamps) == 0 {
		return nil, io.EOF
	}
	s, err := Decode(h.current, ContentTypeMsgpack)
	if err != nil {
		return nil, fmt.Errorf("snapshot %d of a history: %w", h.At, err)
	}
	if StampOf(s) != h.Stamps[h.At] {
		return nil, fmt.Errorf("snapshot %d of a history: it was made at %v, its stamp says %v", h.At, StampOf(s), h.Stamps[h.At])
	}
	return s, nil
}
