package rest

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func knownFields() fields {
	return fields{"name": nil, "usage": {"cpu": nil, "pressure": {"io": nil}}, "list": {"name": nil}}
}

func TestParseFields(t *testing.T) {
	tests := []struct {
		value string
		want  fields
	}{
		{"", nil},
		{"name", fields{"name": nil}},
		{"name,name", fields{"name": nil}},
		{"usage.cpu,name", fields{"name": nil, "usage": {"cpu": nil}}},
		{"usage.cpu,usage.pressure.io", fields{"usage": {"cpu": nil, "pressure": {"io": nil}}}},
		{"usage,usage.cpu", fields{"usage": nil}},
		{"usage.cpu,usage", fields{"usage": nil}},
	}
	for _, tt := range tests {
		got, err := parseFields(tt.value, knownFields())
		if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
			t.Errorf("parseFields(%q): %v (-want +got):\n%s", tt.value, err, diff)
		}
	}
	for value, want := range map[string]string{
		"color":                    `there is no "color"; it takes names separated by commas, of list, name, usage`,
		"usage.memory":             `in usage there is no "memory"; it takes names separated by commas, of cpu, pressure`,
		"name.first":               `there is no "name.first"`,
		"usage,usage.memory":       `in usage there is no "memory"; it takes names separated by commas, of cpu, pressure`,
		"usage.memory,usage":       `in usage there is no "memory"`,
		"usage,usage.pressure.cpu": `in usage in pressure there is no "cpu"`,
		"usage.":                   `in usage there is no ""`,
		"name,":                    `there is no ""`,
		".":                        `there is no "."`,
	} {
		if got, err := parseFields(value, knownFields()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("parseFields(%q) = %v, %v; want %s", value, got, err, want)
		}
	}
}

func TestCut(t *testing.T) {
	wanted := fields{"name": nil, "usage": {"cpu": nil}, "list": {"name": nil}}
	tests := []struct{ value, want string }{
		{`{}`, `{}`},
		{`{"a":1}`, `{}`},
		{`{"a":1,"name":"x","b":[1,{"name":2}]}`, `{"name":"x"}`},
		{`{"name":{"name":1,"b":2},"usage":null}`, `{"name":{"name":1,"b":2},"usage":null}`},
		{`{"x":"},{\"","usage":{"a":"}","cpu":1.5e3,"b":{}},"y":true}`, `{"usage":{"cpu":1.5e3}}`},
		{`{"list":[{"name":1,"b":2},{"b":[[]]},3],"z":0}`, `{"list":[{"name":1},{},3]}`},
		{`{"list":[],"name":"\\"}`, `{"list":[],"name":"\\"}`},
	}
	for _, tt := range tests {
		got, rest := wanted.cut(nil, []byte(tt.value+",next"))
		if string(got) != tt.want || string(rest) != ",next" {
			t.Errorf("cut(%s) = %s and %s, want %s", tt.value, got, rest, tt.want)
		}
		if got := wanted.cutItem(nil, []byte(tt.value)); string(got) != tt.want {
			t.Errorf("cutItem(%s) = %s, want %s", tt.value, got, tt.want)
		}
	}
}

// FuzzCut compares with what encoding/json makes of any value.
func FuzzCut(f *testing.F) {
	for _, value := range []string{
		`{"name":1,"usage":{"cpu":2,"b":[]},"list":[{"name":"\""},null,[{"name":1,"a":2}]]}`, `[]`, `""`, `{"a":{"name":{}}}`, `"\\\""`, `{"":"\u0022"}`, `-1e5`,
		`[{"name":"a,b}"},{"usage":[{"cpu":"]"}]}]`,
	} {
		f.Add(value)
	}
	wanted := fields{"name": nil, "usage": {"cpu": nil}, "list": {"name": nil}}
	f.Fuzz(func(t *testing.T, text string) {
		var value any
		if json.Unmarshal([]byte(text), &value) != nil {
			return
		}
		compact, err := json.Marshal(value) // also makes names unique
		if err != nil {
			return
		}
		got, rest := wanted.cut(nil, compact)
		want, err := json.Marshal(prune(wanted, value))
		if err != nil || string(got) != string(want) || len(rest) != 0 {
			t.Errorf("cut(%s) = %s and %q, want %s", compact, got, rest, want)
		}
	})
}

// prune is cut for decoded values.
func prune(f fields, value any) any {
	if f == nil {
		return value
	}
	switch value := value.(type) {
	case map[string]any:
		pruned := make(map[string]any)
		for name, inner := range value {
			if wanted, ok := f[name]; ok {
				pruned[name] = prune(wanted, inner)
			}
		}
		return pruned
	case []any:
		pruned := make([]any, len(value))
		for i := range value {
			pruned[i] = prune(f, value[i])
		}
		return pruned
	}
	return value
}
