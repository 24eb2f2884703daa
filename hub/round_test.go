package hub

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestSummands(t *testing.T) {
	row := func(kind Kind) Row { return Row{Series: Series{Kind: kind}, Usage: NewUsage()} }
	f := &Frame{Node: "n", Rows: []Row{row(KindNode), row(CPUUser.Kind()), row(KindPod), row(KindContainer), row(KindPod)}}
	want := &Frame{Node: "n", Rows: []Row{row(KindNode), row(KindPod), row(KindPod)}}
	if d := cmp.Diff(want, f.Summands(), cmpopts.EquateNaNs()); d != "" {
		t.Errorf("Summands (-want +got):\n%s", d)
	}
	if len(f.Rows) != 5 {
		t.Errorf("the frame has %d rows afterwards", len(f.Rows))
	}
}
