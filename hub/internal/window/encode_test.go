package window

import (
	"math"
	"testing"

	"github.com/kubemon/kubemon/hub"
)

func TestEncodedFormIsCompact(t *testing.T) {
	idle := hub.NewUsage()
	idle.Values = hub.Values{hub.MemoryBytes: 64 << 20}
	idle.OverSeconds = 10
	f := &hub.Frame{Rows: []hub.Row{{Usage: idle}}}
	value, err := encodeFrame(f, func(hub.Series) uint64 { return 1 })
	if err != nil {
		t.Fatal(err)
	}
	if len(value) > 16 {
		t.Errorf("an idle pod takes %d bytes, want at most 16", len(value))
	}
}

func TestDecodeCorrupt(t *testing.T) {
	idle := hub.Row{Usage: hub.NewUsage()}
	good, err := encodeFrame(&hub.Frame{Rows: []hub.Row{idle}}, func(hub.Series) uint64 { return 1 })
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"empty":              "",
		"cut short":          good[:len(good)-1],
		"more than there is": good + "\x00",
		"too many rows":      "\xff\xff\xff\xff\x0f",
		"endless number":     "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
		"unknown metric":     "\x01\x01\x00\xff\xff\xff\x7f\x00",
		"set but not known":  "\x01\x01\x00\x00\x01\x05",
	} {
		if rows, err := decodeRows(value, nameless); err == nil {
			t.Errorf("%s: decoded to %v", name, rows)
		}
	}
	if _, err := decodeSeries("\x05Node"); err == nil {
		t.Error("a series that is cut short was decoded")
	}
}

func nameless(uint64) (hub.Series, error) { return hub.Series{}, nil }

func FuzzDecode(f *testing.F) {
	good, _ := encodeFrame(&hub.Frame{Rows: make([]hub.Row, 3)}, func(hub.Series) uint64 { return 7 })
	f.Add(good)
	f.Add(encodeSeries(hub.Series{Kind: hub.KindPod, Node: "node1", Pod: "web"}))
	f.Fuzz(func(t *testing.T, value string) {
		rows, err := decodeRows(value, nameless)
		for _, r := range rows {
			for _, v := range r.Usage.Values {
				if err == nil && (v < 0 || math.IsInf(v, 0)) {
					t.Errorf("decoded to %v", v)
				}
			}
		}
		if s, err := decodeSeries(value); err == nil {
			if again, err := decodeSeries(encodeSeries(s)); err != nil || again != s {
				t.Errorf("series %+v came back as %+v, %v", s, again, err)
			}
		}
	})
}
