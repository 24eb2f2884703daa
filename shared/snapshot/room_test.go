package snapshot

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tinylib/msgp/msgp"
)

// TestOmittedIsAbsent decodes snapshots that lack parts, or have more of them
// than their lists say, from both encodings: memory that was made for a part
// does not make it there.
func TestOmittedIsAbsent(t *testing.T) {
	const begin = `{"version":1,"node":"n","agent":{"cgroup":{"mode":"unified"}},`
	for name, text := range map[string]string{
		"nothing":    begin + `"bootNanos":1}`,
		"only names": begin + `"slices":[{"cgroup":"a"},{"cgroup":"b"}],"pods":[{"uid":"p","containers":[{"id":"c"}]},{"uid":"q"}],"containers":[{"id":"d"}]}`,
		"empty parts": begin + `"pods":[{"uid":"p","cpu":{},"memory":{},"io":[],"network":[],"pids":{},"pressure":{},
			"containers":[{"id":"c","cpu":{"usageMicros":1},"memory":{"swapBytes":2},"io":[{}],"pids":{"current":3},"pressure":{"cpu":{},"memory":{"someMicros":4},"io":{"fullMicros":5}}}]}]}`,
		"nulls": begin + `"pods":[{"uid":"p","cpu":null,"memory":null,"io":null,"pids":null,"pressure":null,
			"containers":[{"id":"c","cpu":{"periods":null,"limitMillicores":null},"memory":{"peakBytes":null,"limitBytes":null},"pids":{"limit":null},"pressure":{"cpu":null,"io":{"fullMicros":null}}}]}]}`,
		"more devices": begin + `"pods":[{"uid":"p","io":[{"device":"8:0"},{"device":"8:16"}],"containers":[]}]}`,
	} {
		want, err := Decode([]byte(text), ContentTypeJSON)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got, err := Decode(asMsgpack(t, text), ContentTypeMsgpack)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: MessagePack beside JSON (-JSON +MessagePack):\n%s", name, diff)
		}
	}
}

// TestSizesMayBeWrong decodes a snapshot whose lists do not have the sizes that
// their room was made for.
func TestSizesMayBeWrong(t *testing.T) {
	data, err := Encode(filled(), ContentTypeMsgpack)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []sizes{{}, {slices: 1, pods: 1, inPods: []int{1}}, {pods: 3, containers: 9, inPods: []int{0, 5, 1, 7}}} {
		var got Snapshot
		got.makeRoom(n, MaxBodyBytes)
		if _, err := got.UnmarshalMsg(data); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(filled(), &got); diff != "" {
			t.Errorf("room for %+v (-want +got):\n%s", n, diff)
		}
	}
}

// TestRoomIsForRealGroups has fifty thousand groups of a byte each: nothing is
// made for them before they are decoded.
func TestRoomIsForRealGroups(t *testing.T) {
	var s Snapshot
	s.makeRoom(sizes{pods: MaxElements}, 2*MaxElements)
	if cap(s.Pods) != 0 {
		t.Errorf("room for %d pods in a body of %d bytes", cap(s.Pods), 2*MaxElements)
	}
	s.makeRoom(sizes{pods: 10}, 10*leastGroupBytes)
	if cap(s.Pods) != 10 {
		t.Errorf("room for %d pods, want 10", cap(s.Pods))
	}
}

// TestDecodeAllocations holds what a hub allocates for each snapshot.
func TestDecodeAllocations(t *testing.T) {
	data, err := Encode(busy(), ContentTypeMsgpack)
	if err != nil {
		t.Fatal(err)
	}
	got := testing.AllocsPerRun(10, func() {
		if _, err := Decode(data, ContentTypeMsgpack); err != nil {
			t.Fatal(err)
		}
	})
	// 30 pods with two containers: the names of each and their networks.
	if got > 400 {
		t.Errorf("%v allocations for 60 containers, want at most 400", got)
	}
}

func asMsgpack(t *testing.T, text string) []byte {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	data, err := msgp.AppendIntf(nil, whole(v))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// whole makes integers of a JSON value's numbers.
func whole(v any) any {
	switch v := v.(type) {
	case float64:
		return int64(v)
	case []any:
		for i := range v {
			v[i] = whole(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = whole(v[k])
		}
	}
	return v
}
