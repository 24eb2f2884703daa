package snapshot

import (
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var contentTypes = []string{ContentTypeJSON, ContentTypeMsgpack}

func TestRoundTrip(t *testing.T) {
	full := filled()
	unlimited := minimal()
	unlimited.Pods = []Pod{{UID: "7c", CPU: &CPU{}, IO: []DeviceIO{}, Containers: []Container{{ID: "c0"}}}}
	for name, want := range map[string]*Snapshot{"full": full, "minimal": minimal(), "unlimited": unlimited} {
		for _, contentType := range contentTypes {
			t.Run(name+" "+contentType, func(t *testing.T) {
				data, err := Encode(want, contentType)
				if err != nil {
					t.Fatal(err)
				}
				got, err := Decode(data, contentType+"; charset=utf-8")
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("decoded snapshot differs (-want +got):\n%s", diff)
				}
			})
		}
	}
}

// TestFilledIsComplete keeps the round trip honest: it covers every field of
// the contract only as long as filled sets every field.
func TestFilledIsComplete(t *testing.T) {
	if path := zeroField(reflect.ValueOf(*filled()), "Snapshot"); path != "" {
		t.Errorf("%s is zero", path)
	}
}

func TestAppendKeepsWhatIsThere(t *testing.T) {
	for _, contentType := range contentTypes {
		alone, err := Encode(minimal(), contentType)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Append([]byte("before"), minimal(), contentType)
		if err != nil {
			t.Fatal(err)
		}
		if want := "before" + string(alone); string(got) != want {
			t.Errorf("Append as %s = %q, want %q", contentType, got, want)
		}
	}
}

func TestEncodeErrors(t *testing.T) {
	if _, err := Encode(minimal(), "text/html"); !errors.Is(err, ErrContentType) {
		t.Errorf("Encode as text/html: %v, want ErrContentType", err)
	}
	bad := minimal()
	bad.Host.Load = []float64{math.NaN(), 0, 0}
	if _, err := Encode(bad, ContentTypeJSON); err == nil || !strings.Contains(err.Error(), `"node1"`) {
		t.Errorf("Encode of NaN: %v, want an error that names the node", err)
	}
}

func TestDecodeRefusesInvalid(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Snapshot)
		want   string
	}{
		{"version", func(s *Snapshot) { s.Version = 2 }, "version is 2, want 1"},
		{"node", func(s *Snapshot) { s.Node = "" }, "node is empty"},
		{"mode", func(s *Snapshot) { s.Agent.Cgroup.Mode = "v3" }, `agent.cgroup.mode is "v3"`},
		{"boot time", func(s *Snapshot) { s.BootNanos = -1 }, "bootNanos is -1"},
		{"load length", func(s *Snapshot) { s.Host.Load = []float64{1} }, "host.load has 1 elements"},
		{"negative load", func(s *Snapshot) { s.Host.Load = []float64{1, -1, 1} }, "host.load[1] is -1"},
		{"empty slice", func(s *Snapshot) { s.Slices = []Slice{{}} }, "slices[0].cgroup is empty"},
		{"empty pod", func(s *Snapshot) { s.Pods = []Pod{{}} }, "pods[0].uid is empty"},
		{"same pod", func(s *Snapshot) { s.Pods = []Pod{{UID: "a"}, {UID: "a"}} }, `pods[1].uid is "a" a second time`},
		{
			"same container", func(s *Snapshot) {
				s.Pods = []Pod{{UID: "a", Containers: []Container{{ID: "c"}}}, {UID: "b", Containers: []Container{{ID: "c"}}}}
			}, `pods[1].containers[0].id is "c" a second time`,
		},
		{
			"same container outside", func(s *Snapshot) {
				s.Pods = []Pod{{UID: "a", Containers: []Container{{ID: "c"}}}}
				s.Containers = []Container{{ID: "c"}}
			}, `containers[0].id is "c" a second time`,
		},
		{
			"limit", func(s *Snapshot) { s.Pods = []Pod{{UID: "a", CPU: &CPU{LimitMillicores: new(-1.0)}}} },
			"pods[0].cpu.limitMillicores is -1",
		},
		{"long string", func(s *Snapshot) { s.Node = strings.Repeat("n", MaxStringBytes+1) }, "a string of 4097 bytes"},
		{"elements", func(s *Snapshot) { s.Agent.Cgroup.Controllers = make([]string, MaxElements+1) }, "more than 50000 list elements"},
	}
	for _, tt := range tests {
		for _, contentType := range contentTypes {
			t.Run(tt.name+" "+contentType, func(t *testing.T) {
				s := minimal()
				tt.change(s)
				data, err := Encode(s, contentType)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := Decode(data, contentType); err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("Decode: %v, want %q in it", err, tt.want)
				}
			})
		}
	}
}

// TestDecodeRefusesWhatJSONLacks has values that only MessagePack can say.
func TestDecodeRefusesWhatJSONLacks(t *testing.T) {
	for want, change := range map[string]func(*Snapshot){
		"host.load[2] is +Inf":      func(s *Snapshot) { s.Host.Load = []float64{0, 0, math.Inf(1)} },
		"time is in the year 20000": func(s *Snapshot) { s.Time = time.Date(20000, 1, 1, 0, 0, 0, 0, time.UTC) },
	} {
		s := minimal()
		change(s)
		data, err := Encode(s, ContentTypeMsgpack)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Decode(data, ContentTypeMsgpack); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Decode: %v, want %q in it", err, want)
		}
	}
}

func TestDecodeRefusesBytes(t *testing.T) {
	tests := []struct{ name, contentType, data, want string }{
		{"HTML", "text/html", "<html>", `unknown content type "text/html"`},
		{"empty", ContentTypeJSON, "", "the body is empty"},
		{"empty", ContentTypeMsgpack, "", "the body is empty"},
		{"not JSON", ContentTypeJSON, "<html>", "invalid character '<'"},
		{"not MessagePack", ContentTypeMsgpack, "<html>", "bytes after the snapshot"},
		{"cut off", ContentTypeJSON, `{"version": 1`, "unexpected end of JSON input"},
		{"cut off", ContentTypeMsgpack, "\x81\xa7version", "byte 9"},
		{"two values", ContentTypeJSON, "{}{}", "after top-level value"},
		{"two values", ContentTypeMsgpack, "\x80\x80", "1 bytes after the snapshot"},
		{"wrong type", ContentTypeJSON, `{"version": 1, "pods": {}}`, "pods"},
		{"wrong type", ContentTypeMsgpack, "\x81\xa4pods\xa1x", "Pods"},
		{"negative", ContentTypeJSON, `{"version": 1, "pods": [{"pids": {"current": -1}}]}`, "pods.pids.current"},
		{"not UTF-8", ContentTypeJSON, "{\"node\": \"\xff\"}", "not UTF-8"},
		{"not UTF-8", ContentTypeMsgpack, "\x81\xa4node\xa1\xff", "not UTF-8"},
		{"deep", ContentTypeJSON, strings.Repeat("[", 10_000), "more than 32 levels"},
		{"deep objects", ContentTypeJSON, strings.Repeat(`{"a":`, 33), "more than 32 levels"},
		{"deep", ContentTypeMsgpack, strings.Repeat("\x91", 10_000), "more than 32 levels"},
		{"many nulls", ContentTypeJSON, `{"pods": [` + strings.Repeat("null,", MaxElements+1) + "null]}", "more than 50000 list elements"},
		{"announced", ContentTypeMsgpack, "\x81\xa4pods\xdd\xff\xff\xff\xff", "more than 50000 list elements"},
		{"key twice", ContentTypeJSON, `{"version": 1, "pods": [{"uid": "a"}], "pods": []}`, `byte 39: key "pods" is there a second time`},
		{"key twice", ContentTypeJSON, `{"pods": [{"uid": "a", "cpu": {}, "cpu": null}]}`, `key "cpu" is there a second time`},
		{"key twice in other letters", ContentTypeJSON, `{"version": 1, "Version": 1}`, `key "Version" is there a second time`},
		{"key twice with a long s", ContentTypeJSON, `{"pods": [{"uid": "a"}], "podſ": [{}]}`, `key "podſ" is there a second time`},
		{"key twice with a long s, escaped", ContentTypeJSON, `{"pod\u017f": [{"uid": "a"}], "pods": [{}]}`, `key "pods" is there a second time`},
		{"key twice with a kelvin sign", ContentTypeJSON, "{\"axcd\": {\"networkId\": 1, \"networ\u212aId\": 2}}", "key \"networ\u212aId\" is there a second time"},
		{"key twice in other writing", ContentTypeJSON, `{"node": "a", "n\u006fde": "b"}`, `key "node" is there a second time`},
		{"key twice", ContentTypeMsgpack, "\x82\xa4node\xa1a\xa4node\xa1b", `duplicate map key or field at Node`},
		{"key twice", ContentTypeMsgpack, "\x81\xa4pods\x91\x82\xa3uid\xa1a\xa3uid\xa1b", `duplicate map key or field at UID at Pods/0`},
		{"key twice in other writing", ContentTypeMsgpack, "\x83\xa4node\xa1a\xa1x\x91\x80\xd9\x04node\xa1b", `duplicate map key or field at Node`},
		{"key that is none", ContentTypeMsgpack, "\x81\x01\x01", `attempted to decode type "int" with method for "str"`},
		{"many keys", ContentTypeMsgpack, "\xde\x00\x81" + strings.Repeat("\xa1x\x01", 129), "more than 128 keys"},
		{"many keys", ContentTypeJSON, manyKeys(129), "more than 128 keys"},
		{"long", ContentTypeJSON, strings.Repeat(" ", MaxBodyBytes+1), "the body has 8388609 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name+" "+tt.contentType, func(t *testing.T) {
			if _, err := Decode([]byte(tt.data), tt.contentType); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Decode: %v, want %q in it", err, tt.want)
			}
		})
	}
}

func manyKeys(count int) string {
	var b strings.Builder
	for i := range count {
		fmt.Fprintf(&b, `,"k%d":0`, i)
	}
	return "{" + b.String()[1:] + "}"
}

// TestNamesMayRecur has one name in objects beside and below each other.
func TestNamesMayRecur(t *testing.T) {
	for contentType, body := range map[string]string{
		ContentTypeJSON:    `{"version": 1, "node": "n", "agent": {"cgroup": {"mode": "unified"}}, "axcd": {"node": 1}, "aycd": [{"node": {}}, {"node": 2}]}`,
		ContentTypeMsgpack: "\x85\xa7version\x01\xa4node\xa1n\xa5agent\x81\xa6cgroup\x81\xa4mode\xa7unified\xa4axcd\x81\xa4node\x01\xa4aycd\x92\x81\xa4node\x80\x81\xa4node\x02",
	} {
		if _, err := Decode([]byte(body), contentType); err != nil {
			t.Errorf("%s: %v", contentType, err)
		}
	}
}

func TestDecodeIgnoresUnknownFields(t *testing.T) {
	want := minimal()
	want.Time = time.Time{}
	want.BootID, want.BootNanos, want.Agent.Version = "", 0, ""
	bodies := map[string]string{
		ContentTypeJSON:    `{"version": 1, "node": "node1", "new": {"a": [1]}, "agent": {"cgroup": {"mode": "unified"}}}`,
		ContentTypeMsgpack: "\x84\xa7version\x01\xa4node\xa5node1\xa3new\x81\xa1a\x91\x01\xa5agent\x81\xa6cgroup\x81\xa4mode\xa7unified",
	}
	for contentType, body := range bodies {
		got, err := Decode([]byte(body), contentType)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", contentType, diff)
		}
	}
}

func TestNegotiate(t *testing.T) {
	tests := []struct{ accept, want string }{
		{"", ContentTypeJSON},
		{"*/*", ContentTypeJSON},
		{"text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", ContentTypeJSON},
		{"application/json", ContentTypeJSON},
		{"application/vnd.msgpack", ContentTypeMsgpack},
		{"APPLICATION/VND.MSGPACK ; q=0.5", ContentTypeMsgpack},
		{"application/vnd.msgpack, */*;q=0.1", ContentTypeMsgpack},
		{"application/vnd.msgpack;q=0.5, application/json", ContentTypeJSON},
		{"application/json;q=0.5, application/vnd.msgpack", ContentTypeMsgpack},
		{"application/vnd.msgpack;q=0", ContentTypeJSON},
		{"application/vnd.msgpack;q=much", ContentTypeJSON},
		{"application/vnd.msgpack;;;", ContentTypeJSON},
	}
	for _, tt := range tests {
		if got := Negotiate(tt.accept); got != tt.want {
			t.Errorf("Negotiate(%q) = %s, want %s", tt.accept, got, tt.want)
		}
	}
}

// TestGeneratedCodeIsCurrent fails when snapshot.go changed and go generate
// did not run.
func TestGeneratedCodeIsCurrent(t *testing.T) {
	generated := filepath.Join(t.TempDir(), "snapshot_gen.go")
	command := exec.CommandContext(t.Context(), "go", "tool", "msgp", "-file", "snapshot.go", "-o", generated, "-io=false", "-tests=false")
	if output, err := command.CombinedOutput(); err != nil {
		t.Fatalf("run msgp: %v\n%s", err, output)
	}
	want, err := os.ReadFile(generated)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("snapshot_gen.go")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("snapshot_gen.go is not current, run go generate (-want +got):\n%s", diff)
	}
}

// FuzzDecodeJSON and FuzzDecodeMsgpack check that what one decoder accepts
// means the same in both encodings.
func FuzzDecodeJSON(f *testing.F)    { fuzzDecode(f, ContentTypeJSON) }
func FuzzDecodeMsgpack(f *testing.F) { fuzzDecode(f, ContentTypeMsgpack) }

func fuzzDecode(f *testing.F, contentType string) {
	for _, s := range []*Snapshot{minimal(), filled()} {
		data, err := Encode(s, contentType)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		want, err := Decode(data, contentType)
		if err != nil {
			return
		}
		for _, other := range contentTypes {
			data, err := Encode(want, other)
			if err != nil {
				// JSON has no form for some times that MessagePack has.
				continue
			}
			got, err := Decode(data, other)
			if err != nil {
				t.Fatalf("decode again as %s: %v", other, err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("decoded again as %s (-want +got):\n%s", other, diff)
			}
		}
	})
}
