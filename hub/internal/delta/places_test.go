package delta_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/kubemon/kubemon/hub/internal/delta"
	"github.com/kubemon/kubemon/shared/snapshot"
)

// busyAt is a node with 30 pods of two containers each.
func busyAt(seconds int64) *snapshot.Snapshot {
	s := nodeAt(seconds)
	pod := s.Pods[0]
	s.Pods = nil
	for i := range 30 {
		p := pod
		p.UID, p.Containers = fmt.Sprintf("uid-%d", i), nil
		for j := range 2 {
			c := pod.Containers[0]
			c.ID = fmt.Sprintf("c%d-%d", i, j)
			p.Containers = append(p.Containers, c)
		}
		s.Pods = append(s.Pods, p)
	}
	return s
}

// BenchmarkBetween compares two snapshots of a node with 60 containers.
func BenchmarkBetween(b *testing.B) {
	prev, cur := busyAt(100), busyAt(110)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := delta.Between(prev, cur); err != nil {
			b.Fatal(err)
		}
	}
}

// TestPlacesDoNotMatter has pods and containers in other places than before:
// what a thing used does not depend on where it was listed.
func TestPlacesDoNotMatter(t *testing.T) {
	prev, cur := busyAt(100), busyAt(110)
	want, err := delta.Between(prev, cur)
	if err != nil {
		t.Fatal(err)
	}
	moved := busyAt(100)
	slices.Reverse(moved.Pods)
	for i := range moved.Pods {
		slices.Reverse(moved.Pods[i].Containers)
	}
	got, err := delta.Between(moved, cur)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateNaNs()); diff != "" {
		t.Errorf("with pods and containers in other places before (-want +got):\n%s", diff)
	}
	if want.Pods[29].Containers[1].Usage.OverSeconds != 10 {
		t.Errorf("no rate to compare: %+v", want.Pods[29])
	}
}
