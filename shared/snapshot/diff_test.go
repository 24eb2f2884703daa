package snapshot

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tinylib/msgp/msgp"
)

// encoded is the value as MessagePack.
func encoded(t testing.TB, value any) []byte {
	t.Helper()
	data, err := msgp.AppendIntf(nil, value)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestDiff(t *testing.T) {
	pod := func(uid string, cpu uint64) any { return list{{"uid", uid}, {"cpu", cpu}} }
	tests := []struct {
		name          string
		before, after any
		maxBytes      int
	}{
		{"nothing", []any{"a", uint64(1)}, []any{"a", uint64(1)}, 0},
		{"counter", uint64(1), uint64(100_000), 4},
		{"counter that fell", uint64(1 << 63), uint64(3), 11},
		{"signed", int64(100), int64(200), 3},
		{"signed below zero", int64(-100), int64(100_000), 4},
		{"signed to unsigned", int64(-100), uint64(100_000), 10},
		{"float", 0.25, 0.5, 4},
		{"null to number", nil, uint64(5), 5},
		{"boolean", true, false, 5},
		{"text", "before", "after", 16},
		{"list to text", []any{"a"}, "a", 8},
		{"empty lists", []any{}, []any{}, 0},
		{"list begins", []any{}, []any{uint64(1), "a"}, 9},
		{"list ends", []any{uint64(1), "a"}, []any{}, 9},
		{"list of numbers", []any{0.5, 0.25}, []any{0.25, 0.25}, 4},
		{"field comes", list{{"a", uint64(1)}}, list{{"a", uint64(1)}, {"b", "x"}}, 13},
		{"field goes", list{{"a", uint64(1)}, {"b", "x"}}, list{{"b", "x"}}, 13},
		{"pod comes first", []any{pod("b", 1), pod("c", 2)}, []any{pod("a", 1), pod("b", 2), pod("c", 3)}, 24},
		{"pod comes last", []any{pod("a", 1)}, []any{pod("a", 2), pod("b", 1)}, 25},
		{"pod goes", []any{pod("a", 1), pod("b", 1), pod("c", 1)}, []any{pod("a", 1), pod("c", 2)}, 25},
		{"all others", []any{pod("a", 1), pod("b", 1)}, []any{pod("c", 1), pod("d", 1)}, 60},
		{"another order", []any{pod("a", 1), pod("b", 1), pod("c", 1)}, []any{pod("c", 1), pod("a", 1), pod("b", 2)}, 45},
		{"one twice", []any{pod("a", 1), pod("a", 2), pod("b", 3)}, []any{pod("a", 1), pod("b", 3), pod("a", 2)}, 45},
		{"inside of a pod", list{{"pods", []any{pod("a", 1)}}, {"x", "y"}}, list{{"pods", []any{pod("a", 7)}}, {"x", "y"}}, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before, after := encoded(t, tt.before), encoded(t, tt.after)
			size := checkDiff(t, before, after)
			checkDiff(t, after, before)
			if size > tt.maxBytes {
				t.Errorf("the diff has %d bytes, want at most %d", size, tt.maxBytes)
			}
		})
	}
}

// A list is a map in order.
type list [][2]any

func (l list) MarshalMsg(b []byte) (o []byte, err error) {
	b = msgp.AppendMapHeader(b, uint32(len(l)))
	for _, field := range l {
		b = msgp.AppendString(b, field[0].(string))
		if b, err = msgp.AppendIntf(b, field[1]); err != nil {
			return b, err
		}
	}
	return b, nil
}

// checkDiff checks that the diff leads there and back, byte by byte, and
// returns its size.
func checkDiff(t testing.TB, before, after []byte) int {
	t.Helper()
	diff, err := AppendDiff([]byte("kept"), before, after)
	if err != nil {
		t.Fatal(err)
	}
	diff, kept := bytes.CutPrefix(diff, []byte("kept"))
	if !kept {
		t.Error("what was in dst is gone")
	}
	if got, err := ApplyDiff(nil, before, diff); err != nil || !bytes.Equal(got, after) {
		t.Fatalf("applied to\n%x, the diff\n%x gives\n%x (%v), want\n%x", before, diff, got, err, after)
	}
	if got, err := RevertDiff(nil, after, diff); err != nil || !bytes.Equal(got, before) {
		t.Fatalf("taken back from\n%x, the diff\n%x gives\n%x (%v), want\n%x", after, diff, got, err, before)
	}
	return len(diff)
}

// TestDiffOfAnything compares random values of random shapes.
func TestDiffOfAnything(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		checkDiff(t, encoded(t, anything(random, 4)), encoded(t, anything(random, 4)))
	}
}

func anything(r *rand.Rand, depth int) any {
	kinds := 8
	if depth > 0 {
		kinds = 12
	}
	switch r.IntN(kinds) {
	case 0:
		return nil
	case 1:
		return r.IntN(2) == 0
	case 2, 3:
		return r.Uint64() >> r.IntN(64)
	case 4, 5:
		return int64(r.Uint64()) >> r.IntN(64)
	case 6:
		return r.NormFloat64()
	case 7:
		return strings.Repeat("x", r.IntN(40))
	case 8, 9:
		all := make([]any, r.IntN(5))
		for i := range all {
			all[i] = anything(r, depth-1)
		}
		return all
	}
	var fields list
	for i := range r.IntN(5) {
		if r.IntN(3) > 0 {
			fields = append(fields, [2]any{fmt.Sprint("field", i), anything(r, depth-1)})
		}
	}
	return fields
}

func TestDiffRefuses(t *testing.T) {
	whole := encoded(t, []any{"a", uint64(1), 0.5})
	if _, err := AppendDiff(nil, whole, whole[:len(whole)-1]); err == nil {
		t.Error("MessagePack that is cut off was compared")
	}
	big := encoded(t, strings.Repeat("x", MaxBodyBytes-10))
	tests := []struct {
		name, diff, want string
		from             []byte
	}{
		{"head", "\x80", "ends within a number", whole},
		{"beyond the end", "\x18\x02", "byte 0 of a diff: keep 6 tokens", whole},
		{"no integer", "\x04\x02", "integer where there is none", whole},
		{"no float", "\x06\x02", "float where there is none", whole},
		{"growth", "\x08\x80", "ends within a number", whole},
		{"at the end", "\x10\x02", "ends within a value", whole},
		{"other bytes", "\x07\x02zz\x00", "replaces 2 bytes where there are others", whole},
		{"cut off", "\x07\x09a", "announces 9 bytes and has 1", whole},
		{"second change", "\x08\x02\x00\x02", "byte 2 of a diff", whole},
		{"too much", "\x03\x00\x14" + strings.Repeat("x", 20), "at most 8388608 are allowed", big},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := ApplyDiff(nil, tt.from, []byte(tt.diff))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
}

// FuzzDiff takes two texts for MessagePack: what both are, a diff must lead
// from the one to the other and back; and it takes the second for a diff.
func FuzzDiff(f *testing.F) {
	pod := func(uid string, cpu uint64) any { return list{{"uid", uid}, {"cpu", cpu}} }
	f.Add(encoded(f, []any{pod("a", 1), pod("b", 1000)}), encoded(f, []any{pod("b", 2000), pod("c", 3), 0.5}))
	f.Add(encoded(f, []any{"a", uint64(1), 0.5}), []byte("\x08\x02\x00\x02"))
	f.Fuzz(func(t *testing.T, before, after []byte) {
		for _, patch := range []func(_, _, _ []byte) ([]byte, error){ApplyDiff, RevertDiff} {
			if made, err := patch([]byte("kept"), before, after); !bytes.HasPrefix(made, []byte("kept")) || err == nil && len(made) > 4+9*len(before)+len(after) {
				t.Errorf("%x as a diff makes %x of %x", after, made, before)
			}
		}
		if isOneValue(before) && isOneValue(after) {
			checkDiff(t, before, after)
		}
	})
}

func isOneValue(data []byte) bool {
	_, err := checkMsgpack(data)
	return err == nil
}

func TestHistoryOfFilled(t *testing.T) {
	first, second := filled(), filled()
	second.Pods = second.Pods[1:]
	second.BootNanos += 1e10
	history, err := EncodeHistory([]*Snapshot{minimal(), first, second})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]*Snapshot{minimal(), first, second}, decodedHistory(t, history)); diff != "" {
		t.Errorf("decoded history differs (-want +got):\n%s", diff)
	}
}
