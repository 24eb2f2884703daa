package windowtest

import (
	"slices"
	"testing"
	"time"

	"github.com/kubemon/kubemon/hub"
)

// testSums keeps sums of several things beside frames of the same names.
func testSums(t *testing.T, s Store) {
	round := now()
	shop := hub.Series{Kind: hub.KindNamespace, Namespace: "shop"}
	web := hub.Series{Kind: hub.KindWorkload, Namespace: "shop", OwnerKind: "Deployment", OwnerName: "web"}
	node := hub.Series{Kind: hub.KindNode, Node: "node1"}
	frame := Frame("node1", round, 7)
	mustKeep(t, s, frame)
	usage := frame.Rows[1].Usage
	first := &hub.Sums{Time: round, Of: shop, Rows: []hub.Row{{Series: shop, Usage: usage, Parts: hub.Count{Count: 3007, Reporting: 3000}}, {Series: web, Usage: usage, Parts: hub.Count{Count: 2, Reporting: 2}}}}
	second := &hub.Sums{Time: round.Add(time.Second), Of: shop, Rows: first.Rows[:1]}
	other := &hub.Sums{Time: round, Of: node, Rows: []hub.Row{{Series: node, Usage: usage}}}
	for _, sums := range []*hub.Sums{second, first, other} {
		if err := s.KeepSums(sums); err != nil {
			t.Fatal(err)
		}
	}
	wantSums(t, s, shop, nil, round, first, second)
	wantSums(t, s, node, nil, round, other)
	wantSums(t, s, hub.Series{Kind: hub.KindCluster}, nil, round)
	want(t, s, "", round, round.Add(time.Minute), frame)
	only := func(s *hub.Series) bool { return *s == web }
	first.Rows, second.Rows = first.Rows[1:], nil
	wantSums(t, s, shop, only, round, first, second)
}

func wantSums(t *testing.T, s Store, of hub.Series, match func(*hub.Series) bool, from time.Time, sums ...*hub.Sums) {
	t.Helper()
	i := 0
	for got, err := range s.Sums(of, match, from, from.Add(time.Minute)) {
		if err != nil {
			t.Fatal(err)
		}
		if i >= len(sums) || got.Of != of || !got.Time.Equal(sums[i].Time) || !slices.EqualFunc(got.Rows, sums[i].Rows, equalRows) {
			t.Fatalf("sums %d of %+v are %+v, want %+v", i, of, got, sums[min(i, len(sums)-1)])
		}
		i++
	}
	if i != len(sums) {
		t.Errorf("%d sums of %+v, want %d", i, of, len(sums))
	}
}
