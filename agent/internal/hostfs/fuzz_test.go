package hostfs

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// event is one struct inotify_event as the kernel writes it: the name is padded
// with zeros to whole headers.
func event(watch int32, mask uint32, name string) []byte {
	padded := 0
	if name != "" {
		padded = (len(name)/unix.SizeofInotifyEvent + 1) * unix.SizeofInotifyEvent
	}
	data := binary.NativeEndian.AppendUint32(nil, uint32(watch))
	data = binary.NativeEndian.AppendUint32(data, mask)
	data = binary.NativeEndian.AppendUint32(data, 0) // the cookie of a move
	data = binary.NativeEndian.AppendUint32(data, uint32(padded))
	return append(append(data, name...), make([]byte, padded-len(name))...)
}

// changesIn decodes events into changes that stay.
func changesIn(events []byte) (changes []Change) {
	yieldChanges(events, func(c Change) bool {
		c.Name = bytes.Clone(c.Name)
		changes = append(changes, c)
		return true
	})
	return changes
}

// TestChangesAreDecoded has what a kernel writes, and what is left of it when
// some is cut off: that must not pass for nothing.
func TestChangesAreDecoded(t *testing.T) {
	whole := slices.Concat(
		event(1, unix.IN_CREATE|unix.IN_ISDIR, "pod"), event(2, unix.IN_MODIFY, "memory.max"),
		event(3, unix.IN_IGNORED, ""), event(-1, unix.IN_Q_OVERFLOW, ""),
	)
	decoded := []Change{
		{Watch: 1, Name: []byte("pod"), IsFolder: true}, {Watch: 2, Name: []byte("memory.max"), Kind: Written},
		{Watch: -1, Name: []byte{}, Kind: Lost},
	}
	tests := []struct {
		name   string
		events []byte
		want   []Change
	}{
		{"nothing", nil, nil},
		{"four events", whole, decoded},
		{"a header cut off", whole[:40], append(decoded[:1:1], Change{Kind: Lost})},
		{"a name cut off", whole[:60], append(decoded[:1:1], Change{Kind: Lost})},
		{"a length beyond all", append(bytes.Clone(whole[:32+12]), 0xff, 0xff, 0xff, 0xff), append(decoded[:1:1], Change{Kind: Lost})},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			same := func(a, b Change) bool {
				return a.Watch == b.Watch && a.Kind == b.Kind && a.IsFolder == b.IsFolder && bytes.Equal(a.Name, b.Name)
			}
			if got := changesIn(tt.events); !slices.EqualFunc(got, tt.want, same) {
				t.Errorf("%+v, want %+v", got, tt.want)
			}
		})
	}
}

// FuzzChanges decodes any bytes: each change is one of its event, the kernel's
// own notes about folders that are gone are left out, and the last change says
// Lost when not all could be decoded.
func FuzzChanges(f *testing.F) {
	f.Add(event(1, unix.IN_CREATE|unix.IN_ISDIR, "kubepods"))
	f.Fuzz(func(t *testing.T, events []byte) {
		changes := changesIn(events)
		var again []byte
		for i, change := range changes {
			if len(change.Name) > 0 && bytes.IndexByte(change.Name, 0) >= 0 {
				t.Errorf("change %d has a zero in its name %q", i, change.Name)
			}
			again = append(again, event(int32(change.Watch), maskOf(change), string(change.Name))...)
		}
		if rest := skipEvents(events); len(rest) > 0 && (len(changes) == 0 || changes[len(changes)-1].Kind != Lost) {
			t.Errorf("%d bytes cannot be decoded, and the changes %+v do not say so", len(rest), changes)
		}
		for i, change := range changesIn(again) {
			if want := changes[i]; change.Watch != want.Watch || change.Kind != want.Kind || change.IsFolder != want.IsFolder || !bytes.Equal(change.Name, want.Name) {
				t.Errorf("change %d written and read again is %+v, was %+v", i, change, want)
			}
		}
	})
}

// skipEvents is what is left when all whole events are taken off.
func skipEvents(events []byte) []byte {
	for len(events) >= unix.SizeofInotifyEvent {
		next := unix.SizeofInotifyEvent + uint64(binary.NativeEndian.Uint32(events[12:]))
		if next > uint64(len(events)) {
			break
		}
		events = events[next:]
	}
	return events
}

// maskOf is a mask that the kernel would give such a change.
func maskOf(c Change) (mask uint32) {
	switch c.Kind {
	case Lost:
		mask = unix.IN_Q_OVERFLOW
	case Written:
		mask = unix.IN_MODIFY
	default:
		mask = unix.IN_CREATE
	}
	if c.IsFolder {
		mask |= unix.IN_ISDIR
	}
	return mask
}
