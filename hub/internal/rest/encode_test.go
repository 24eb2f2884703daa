package rest

import (
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kubemon/kubemon/hub"
)

// fill sets everything in v that can be set to something that is not zero.
func fill(v reflect.Value, n *int) {
	*n++
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), n)
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Date(2026, 1, 2, 3, 4, 5, *n*1000, time.FixedZone("", *n*60))))
			return
		}
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() && v.Type().Field(i).Tag.Get("json") != "-" {
				fill(v.Field(i), n)
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(v.Index(0), n)
		fill(v.Index(1), n)
	case reflect.Array:
		for i := range v.Len() {
			fill(v.Index(i), n)
		}
	case reflect.Map:
		v.Set(reflect.ValueOf(map[string]string{"usage": "gone", "pressure": "no <PSI> & \"none\"", "é": "\u2028\xff\n"}))
	case reflect.String:
		v.SetString(strings.Repeat("s", *n%7) + "\\\"<ü>")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int:
		v.SetInt(int64(*n))
	case reflect.Float64:
		v.SetFloat(float64(*n) * 1.0001)
	default:
		panic("fill knows no " + v.Kind().String())
	}
}

// TestItemsAreAsEncodingJSONWritesThem compares with encoding/json: nothing
// set, everything set, and each field alone. A field that is added to hub.Item
// and not to appendItem fails here.
func TestItemsAreAsEncodingJSONWritesThem(t *testing.T) {
	check := func(name string, item *hub.Item) {
		want, err := json.Marshal(item)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(appendItem(nil, item))); diff != "" {
			t.Errorf("%s (-encoding/json +appendItem):\n%s", name, diff)
		}
	}
	check("nothing", &hub.Item{})
	var everything hub.Item
	n := 0
	fill(reflect.ValueOf(&everything).Elem(), &n)
	check("everything", &everything)
	for i := range reflect.TypeFor[hub.Item]().NumField() {
		if field := reflect.TypeFor[hub.Item]().Field(i); field.Tag.Get("json") != "-" {
			var item hub.Item
			fill(reflect.ValueOf(&item).Elem().Field(i), &n)
			check("only "+field.Name, &item)
		}
	}
	unknown := hub.NewUsage()
	check("unknown usage", &hub.Item{Usage: &unknown, Containers: []*hub.ContainerItem{{Usage: &unknown}, {}}})
}

// TestAYearThatCannotBeWrittenIsLeftOut is of an agent that lies about time.
func TestAYearThatCannotBeWrittenIsLeftOut(t *testing.T) {
	item := &hub.Item{Status: hub.Status{SampleTime: time.Date(12026, 1, 1, 0, 0, 0, 0, time.UTC), AgeSeconds: new(math.Inf(1))}}
	data := appendItem(nil, item)
	if !json.Valid(data) || strings.Contains(string(data), "sampleTime") || !strings.Contains(string(data), `"ageSeconds":null`) {
		t.Errorf("item = %s", data)
	}
}
