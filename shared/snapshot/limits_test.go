package snapshot

import (
	"bytes"
	"fmt"
	"runtime"
	"testing"
)

// smallObjects is a body as long as one may be, of objects of that content as
// far as there is room.
func smallObjects(content string) []byte {
	var b bytes.Buffer
	b.WriteByte('{')
	const each = 120 // close to what an object may have
	for i := range each {
		fmt.Fprintf(&b, `"a%d":{`, i)
		for j := range each {
			fmt.Fprintf(&b, `"b%d":{`, j)
			for k := 0; k < each && b.Len() < MaxBodyBytes*(each*i+j+1)/(each*each)-100; k++ {
				fmt.Fprintf(&b, `"c%d":{%s},`, k, content)
			}
			b.WriteString(`"d":0},`)
		}
		b.WriteString(`"e":0},`)
	}
	b.WriteString(`"f":0}`)
	return b.Bytes()
}

// TestSmallObjectsCostLittle checks bodies of some hundred thousand objects, which
// leave a short text for each, of its key, and not a map: that takes 48 bytes even
// if it is empty. The race detector takes 16 bytes for any text.
func TestSmallObjectsCostLittle(t *testing.T) {
	for _, content := range []string{"", `"g":0`, `"G":0`} {
		body := smallObjects(content)
		objects := bytes.Count(body, []byte{'{'})
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := checkJSON(body)
		runtime.ReadMemStats(&after)
		if err != nil {
			t.Fatal(err)
		}
		garbage := after.TotalAlloc - before.TotalAlloc
		t.Logf("%d objects of {%s} in %d bytes: %d bytes in %d allocations", objects, content, len(body), garbage, after.Mallocs-before.Mallocs)
		if most := uint64(20 * objects); garbage > most {
			t.Errorf("%d objects of {%s} leave %d bytes of garbage, want at most %d", objects, content, garbage, most)
		}
	}
}

func BenchmarkCheckJSON(b *testing.B) {
	data, err := Encode(busy(), ContentTypeJSON)
	if err != nil {
		b.Fatal(err)
	}
	for name, body := range map[string][]byte{
		"snapshot": data, "empty objects": smallObjects(""), "objects of one key": smallObjects(`"g":0`), "escaped": smallObjects(`"\\n":0`),
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				if err := checkJSON(body); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
