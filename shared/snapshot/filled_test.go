package snapshot

import (
	"fmt"
	"reflect"
	"time"
)

// minimal is the least that is valid.
func minimal() *Snapshot {
	return &Snapshot{
		Version:    Version,
		Node:       "node1",
		BootID:     "2f9a1f0e-7a43-4f6c-b4b1-0d8a5a6f1c11",
		Time:       time.Date(2026, 1, 2, 3, 4, 5, 678901234, time.UTC),
		BootNanos:  123456789,
		Agent:      Agent{Version: "test", Cgroup: Cgroup{Mode: ModeUnified, Controllers: []string{}}},
		Slices:     []Slice{},
		Pods:       []Pod{},
		Containers: []Container{},
		Processes:  []Process{},
		Warnings:   []Warning{},
	}
}

// filled is valid and has a distinct value in every field.
func filled() *Snapshot {
	var s Snapshot
	next := 1
	fill(reflect.ValueOf(&s).Elem(), &next)
	s.Version = Version
	s.Agent.Cgroup.Mode = ModeHybrid
	s.Host.Load = append(s.Host.Load, 0.1)
	return &s
}

// fill sets v, and everything in it, to values that it counts up in next.
func fill(v reflect.Value, next *int) {
	*next++
	switch v.Kind() {
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Unix(int64(*next), 5).UTC()))
			return
		}
		for _, field := range v.Fields() {
			fill(field, next)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), next)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(v.Index(0), next)
		fill(v.Index(1), next)
	case reflect.String:
		v.SetString(fmt.Sprintf("text %d", *next))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Float64:
		v.SetFloat(float64(*next) + 1.0/3)
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(*next))
	case reflect.Uint64:
		v.SetUint(1<<63 + uint64(*next))
	default:
		panic(fmt.Sprintf("fill does not know %s", v.Type()))
	}
}

// zeroField returns the path of the first field in v that has no value.
func zeroField(v reflect.Value, path string) string {
	if v.IsZero() {
		return path
	}
	switch v.Kind() {
	case reflect.Pointer:
		return zeroField(v.Elem(), path)
	case reflect.Slice:
		if v.Len() == 0 {
			return path
		}
		return zeroField(v.Index(0), path+"[0]")
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			return ""
		}
		for i := range v.NumField() {
			if found := zeroField(v.Field(i), path+"."+v.Type().Field(i).Name); found != "" {
				return found
			}
		}
	}
	return ""
}
