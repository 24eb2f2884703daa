package snapshot

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// decodedHistory is all snapshots of the history.
func decodedHistory(t testing.TB, data []byte) []*Snapshot {
	t.Helper()
	h, err := DecodeHistory(data)
	if err != nil {
		t.Fatal(err)
	}
	var all []*Snapshot
	for {
		s, err := h.Snapshot()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
		if err := h.Next(); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

// TestHistoryIsExact changes a node at random from one snapshot to the next:
// numbers and texts, and what comes and goes. The history must give back each.
func TestHistoryIsExact(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 30 {
		snapshots := []*Snapshot{minimal()}
		for range 20 {
			snapshots = append(snapshots, changed(t, random, snapshots[len(snapshots)-1]))
		}
		history, err := EncodeHistory(snapshots)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(snapshots, decodedHistory(t, history)); diff != "" {
			t.Fatalf("decoded history differs (-want +got):\n%s", diff)
		}
	}
}

// changed is another snapshot of the node, a while later.
func changed(t testing.TB, r *rand.Rand, before *Snapshot) *Snapshot {
	data, err := Encode(before, ContentTypeMsgpack)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Decode(data, ContentTypeMsgpack)
	if err != nil {
		t.Fatal(err)
	}
	s.Time = s.Time.Add(time.Duration(r.Int64N(2e10)) - 5e9) // it may step back
	change(r, reflect.ValueOf(&s.Host).Elem())
	change(r, reflect.ValueOf(&s.Slices).Elem())
	change(r, reflect.ValueOf(&s.Pods).Elem())
	change(r, reflect.ValueOf(&s.Warnings).Elem())
	s.BootNanos += r.Int64N(2e10)
	s.Host.Load = []float64{r.Float64(), r.Float64(), 0.5}
	identify(s)
	s.fillLists()
	if err := s.Validate(); err != nil {
		t.Fatal(err)
	}
	return s
}

// change changes some of what is in v, and what lists hold.
func change(r *rand.Rand, v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			return
		}
		for _, field := range v.Fields() {
			change(r, field)
		}
	case reflect.Pointer:
		switch {
		case r.IntN(20) == 0:
			v.SetZero()
		case v.IsNil() && r.IntN(4) == 0:
			v.Set(reflect.New(v.Type().Elem()))
			change(r, v.Elem())
		case !v.IsNil():
			change(r, v.Elem())
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Float64 || v.Type().Elem().Kind() == reflect.String {
			return
		}
		at := r.IntN(v.Len() + 1)
		switch r.IntN(8) {
		case 0: // one comes
			grown := reflect.AppendSlice(reflect.MakeSlice(v.Type(), 0, 8), v.Slice(0, at))
			grown = reflect.Append(grown, reflect.Zero(v.Type().Elem()))
			v.Set(reflect.AppendSlice(grown, v.Slice(at, v.Len())))
		case 1: // one goes
			if at < v.Len() {
				v.Set(reflect.AppendSlice(v.Slice(0, at), v.Slice(at+1, v.Len())))
			}
		}
		for i := range v.Len() {
			change(r, v.Index(i))
		}
	case reflect.Uint64:
		if r.IntN(2) == 0 {
			v.SetUint(v.Uint() + r.Uint64()>>r.IntN(64))
		}
	case reflect.Float64:
		v.SetFloat(r.Float64())
	case reflect.Int:
		v.SetInt(int64(r.IntN(1000)))
	case reflect.Bool:
		v.SetBool(r.IntN(2) == 0)
	}
}

// identify gives an identity to what came without.
func identify(s *Snapshot) {
	next := s.BootNanos
	name := func(text *string) {
		if next++; *text == "" {
			*text = fmt.Sprint(next)
		}
	}
	for i := range s.Slices {
		name(&s.Slices[i].Cgroup)
	}
	for i := range s.Pods {
		name(&s.Pods[i].UID)
		for j := range s.Pods[i].Containers {
			name(&s.Pods[i].Containers[j].ID)
		}
	}
}

func TestEmptyHistory(t *testing.T) {
	data, err := EncodeHistory(nil)
	if err != nil {
		t.Fatal(err)
	}
	h, err := DecodeHistory(data)
	if err != nil || len(h.Stamps) != 0 {
		t.Fatalf("%v, %v; want a history without snapshots", h, err)
	}
	if _, err := h.Snapshot(); !errors.Is(err, io.EOF) {
		t.Errorf("its snapshot: %v, want io.EOF", err)
	}
	if err := h.Next(); !errors.Is(err, io.EOF) {
		t.Errorf("its next: %v, want io.EOF", err)
	}
}

func TestHistoryStamps(t *testing.T) {
	first, second := minimal(), minimal()
	second.Time, second.BootNanos = first.Time.Add(-time.Hour), first.BootNanos+1e10 // the clock was set back
	data, err := EncodeHistory([]*Snapshot{first, second})
	if err != nil {
		t.Fatal(err)
	}
	h, err := DecodeHistory(data)
	if err != nil {
		t.Fatal(err)
	}
	want := []Stamp{{first.Time.UnixMilli(), 123456789}, {second.Time.UnixMilli(), 10123456789}}
	if diff := cmp.Diff(want, h.Stamps); diff != "" {
		t.Errorf("stamps (-want +got):\n%s", diff)
	}
	if got := h.Stamps[1].Time(); !got.Equal(second.Time.Truncate(time.Millisecond)) {
		t.Errorf("time = %v, want %v", got, second.Time)
	}
}

func TestHistoryRefuses(t *testing.T) {
	first, err := Encode(minimal(), ContentTypeMsgpack)
	if err != nil {
		t.Fatal(err)
	}
	at := StampOf(minimal())
	begin := func(at Stamp, first []byte) []byte {
		return slices.Clip(AppendRecord(AppendHistory(nil), Stamp{}, at, first))
	}
	good := begin(at, first)
	empty := AppendRecord(nil, at, at, nil)
	many := append([]byte{}, good...)
	for range MaxHistorySnapshots {
		many = append(many, empty...)
	}
	tests := []struct {
		name, want string
		data       []byte
	}{
		{"nothing", "want version 1", nil},
		{"another version", "begins with 02, want version 1", []byte{2, 0}},
		{"stamp", "byte 1: it ends within a number", []byte{1, 0x80}},
		{"length", "byte 1: it ends within a number", []byte{1, 0, 0, 0x80}},
		{"cut off", "announces", good[:len(good)-1]},
		{"too many", "more than 5000 snapshots", many},
		{"too long", "at most 16777216 are allowed", make([]byte, MaxHistoryBytes+1)},
		{"no MessagePack", "snapshot 0 of a history: decode snapshot", begin(at, []byte("zz"))},
		{"not valid", "validate", begin(at, []byte{0x80})},
		{"another time", "its stamp says", begin(Stamp{}, first)},
		{"no diff", "snapshot 1 of a history: byte 0 of a diff", AppendRecord(good, at, at, []byte{0x80})},
		{"not valid any more", "snapshot 1 of a history: decode snapshot", AppendRecord(good, at, at, []byte("\x03\x00\x01\x00"))},
		{"another time later", "its stamp says", AppendRecord(good, at, Stamp{}, nil)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := readHistory(tt.data); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
}

// readHistory decodes all of a history and returns the first error.
func readHistory(data []byte) error {
	h, err := DecodeHistory(data)
	for err == nil {
		if _, err = h.Snapshot(); err == nil {
			err = h.Next()
		}
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// TestHistoryIsBounded passes a snapshot of the greatest length again and
// again, at no byte each.
func TestHistoryIsBounded(t *testing.T) {
	at := StampOf(minimal())
	data := AppendRecord(AppendHistory(nil), Stamp{}, at, make([]byte, MaxBodyBytes))
	for range 1000 {
		data = AppendRecord(data, at, at, nil)
	}
	h, err := DecodeHistory(data)
	if err != nil || h.MaxWork != maxHistoryWork {
		t.Fatalf("%v, the bound is %d", err, h.MaxWork)
	}
	h.MaxWork = 100 << 20 // as who reads a stranger's
	for err == nil {
		err = h.Next()
	}
	if passed := h.At * MaxBodyBytes; passed > h.MaxWork || passed < h.MaxWork-MaxBodyBytes || !strings.Contains(err.Error(), "more than 104857600 bytes") {
		t.Errorf("%d bytes were passed, then %v", passed, err)
	}
}

// FuzzDecodeHistory decodes whatever comes; what it gives is valid and can be
// encoded again.
func FuzzDecodeHistory(f *testing.F) {
	second := minimal()
	second.BootNanos += 1e10
	second.Pods = []Pod{{UID: "7c", CPU: &CPU{}, Containers: []Container{{ID: "c0"}}}}
	for _, snapshots := range [][]*Snapshot{{minimal()}, {minimal(), second}, {second, minimal(), second}} {
		data, err := EncodeHistory(snapshots)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if readHistory(append([]byte{}, data...)) != nil {
			return
		}
		snapshots := decodedHistory(t, data)
		again, err := EncodeHistory(snapshots)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(snapshots, decodedHistory(t, again)); diff != "" {
			t.Errorf("encoded again it differs (-want +got):\n%s", diff)
		}
	})
}
