package rest

import (
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/kubemon/kubemon/hub"
)

// everything takes all parameters of lists.
func everything() rules {
	return rules{
		takes:  takesHistory | takesOrder | takesSelector | takesNamespace | takesNode | takesFields,
		names:  fields{"name": nil, "usage": fields{"pids": nil}},
		window: 90 * time.Second,
		selector: func(string) (func(map[string]string) bool, error) {
			return func(map[string]string) bool { return true }, nil
		},
	}
}

func TestParsePeriod(t *testing.T) {
	const longest = 90 * time.Second
	tests := []struct {
		value string
		want  time.Duration // 0: refused
	}{
		{"1", time.Second}, {"90", longest}, {"90s", longest}, {"1m30s", longest}, {"1500ms", 1500 * time.Millisecond},
		{"0", 0}, {"91", 0}, {"-5", 0}, {"1h", 0}, {"999ms", 0}, {"", 0}, {"5 m", 0}, {"1e1", 0}, {"NaN", 0}, {"9223372036854775807", 0}, {"99999999999h", 0},
	}
	for _, tt := range tests {
		got, err := parsePeriod(tt.value, longest)
		if got != tt.want || (err != nil) != (tt.want == 0) {
			t.Errorf("parsePeriod(%q) = %v, %v; want %v", tt.value, got, err, tt.want)
		}
		if err != nil && !strings.Contains(err.Error(), "1 to 90") {
			t.Errorf("parsePeriod(%q): error %q does not say what is taken", tt.value, err)
		}
	}
}

func TestQueryDefaults(t *testing.T) {
	tests := []struct {
		name, raw string
		takes     takes
		limit     int
		of        topic
		by        string
	}{
		{"a list has no limit", "", takesOrder | takesHistory, 0, "", ""},
		{"a list with a window has", "window=60", takesOrder | takesHistory, maxHistories, "", ""},
		{"a smaller one stays", "window=60&limit=3", takesOrder | takesHistory, 3, "", ""},
		{"a single thing has none", "window=60", takesHistory, 0, "", ""},
		{"top ranks pods by CPU", "", takesTop, defaultTop, topPods, "cpu"},
		{"top as asked", "of=nodes&by=pids&limit=1", takesTop, 1, topNodes, "pids"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := everything()
			r.takes = tt.takes
			q, err := r.parse(tt.raw)
			if err != nil || q.limit != tt.limit || q.of != tt.of || q.by.name != tt.by {
				t.Errorf("parse(%q) = limit %d, of %q, by %q, %v", tt.raw, q.limit, q.of, q.by.name, err)
			}
		})
	}
}

// TestEveryMetricRanks wants each metric to be taken by the name that usage
// shows it under.
func TestEveryMetricRanks(t *testing.T) {
	u := hub.NewUsage()
	for m := range hub.MetricCount {
		u.Values[m] = float64(m) + 1
	}
	item := &hub.Item{Usage: &u}
	for m := range hub.MetricCount {
		o, err := parseOrder("-" + m.String())
		if err != nil {
			t.Errorf("%s: %v", m, err)
			continue
		}
		if v := o.by.value(item); v != float64(m)+1 || !o.descending {
			t.Errorf("%s ranks by %v, descending %v", m, v, o.descending)
		}
	}
	ratios := reflect.TypeFor[hub.Ratios]()
	for i := range ratios.NumField() {
		var r hub.Ratios
		field := reflect.ValueOf(&r).Elem().Field(i)
		if field.Kind() == reflect.Pointer {
			field.Set(reflect.New(field.Type().Elem()))
			field = field.Elem()
		}
		field.SetFloat(0.5)
		tag, _, _ := strings.Cut(ratios.Field(i).Tag.Get("json"), ",")
		name := "ratios." + tag
		o, err := parseOrder(name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if v := o.by.value(&hub.Item{Ratios: &r}); v != 0.5 || !math.IsNaN(o.by.value(&hub.Item{})) {
			t.Errorf("%s ranks by %v, and by %v without ratios", name, v, o.by.value(&hub.Item{}))
		}
	}
	disk, err := parseRanking("disk")
	if err != nil {
		t.Fatal(err)
	}
	u.Values[hub.DiskReadBytesPerSecond] = hub.Unknown()[0]
	if v := disk.value(item); v != float64(hub.DiskWriteBytesPerSecond)+1 {
		t.Errorf("disk with unknown reads ranks by %v", v)
	}
}

// FuzzParse wants any query to be taken within its bounds, or refused with a
// problem that says something.
func FuzzParse(f *testing.F) {
	for _, raw := range []string{
		"window=5m&step=10s&maxPoints=9", "sort=-memory&limit=2", "continue=eyJsIjoxfQ", "labelSelector=a%3Db", "a=1;b=2", "window=%zz",
		"window=1&window=2", "limit=-1", "sort=--name", "continue=e30", "step=1s", "of=pods", "&&=&", "namespace=%00",
		"fields=name,usage.pids", "fields=usage,usage.pids", "fields=,", "fields=usage.", "fields=.", "namespace=%ff", "sort=%E2%80%AE", "continue=eyJ2IjoxZTMwOSwiayI6WyJhIl19",
	} {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		r := everything()
		q, err := r.parse(raw)
		if err != nil {
			p, ok := errors.AsType[*problem](err)
			if !ok || p.Status != 400 || p.Detail == "" {
				t.Fatalf("parse(%q): %v", raw, err)
			}
			return
		}
		if q.window > r.window || q.window < 0 || q.step > q.window || q.limit < 0 || q.limit > maxLimit || q.maxPoints > maxPoints {
			t.Fatalf("parse(%q) = %+v", raw, q)
		}
		if q.window > 0 && q.limit > maxHistories {
			t.Fatalf("parse(%q): %d histories", raw, q.limit)
		}
		if q.after != nil {
			token, err := q.after.token()
			if err != nil {
				t.Fatalf("parse(%q): cursor %+v: %v", raw, q.after, err)
			}
			if again, err := parseCursor(token); err != nil || q.sort.compare(again.placed(), q.after.placed()) != 0 || again.List != q.after.List {
				t.Fatalf("parse(%q): cursor %+v becomes %+v, %v", raw, q.after, again, err)
			}
		}
	})
}
