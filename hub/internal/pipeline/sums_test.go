package pipeline_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kubemon/kubemon/hub"
)

// nodesOf lists the nodes in each of the sums, in the order of keeping.
func nodesOf(sums []hub.Sums) []string {
	var list []string
	for _, s := range sums {
		var nodes []string
		for _, r := range s.Rows {
			nodes = append(nodes, r.Series.Node)
		}
		list = append(list, strings.Join(nodes, " "))
	}
	return list
}

func TestSumsOfARound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster("node1", "node2")
		c.run(t)
		want := func(sums ...string) {
			t.Helper()
			if got := nodesOf(c.sums); strings.Join(got, "; ") != strings.Join(sums, "; ") {
				t.Errorf("sums of %q were kept, want %q", got, sums)
			}
			c.sums = nil
		}
		want("node1 node2")
		c.wait(2 * time.Second) // both are asked again, for a rate
		want("node1 node2")
		c.untilRound()
		want("node1 node2")

		// A newcomer is in the sums of the round that is under way.
		c.wait(2 * time.Second)
		c.join("node3")
		c.hint()
		want("node1 node2 node3")
		if got := c.round(t).Kept; got.Samples != int64(len(c.frames)) {
			t.Errorf("the round says that %d samples are kept, of %d", got.Samples, len(c.frames))
		}

		// One that does not answer is not; and when it is asked after the
		// others, and still does not, nothing is kept again.
		c.untilRound()
		c.sums = nil
		c.machines["http://node2"].refuses = true
		c.untilRound()
		want("node1 node3")
		c.untilRound()
		want("node1 node3")
		c.machines["http://node2"].refuses = false
		c.untilRound()
		want("node1 node3", "node1 node2 node3")
	})
}

// TestSumsThatAreNotKept has two sums that the store refuses: each is tried, and
// the round goes on.
func TestSumsThatAreNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster("node1")
		c.sumErr = errors.New("store is full")
		c.run(t)
		c.want(t, "node1", hub.StateOK, "", 0)
		if want := `level=ERROR msg="sums not kept" err="store is full\nstore is full"`; !strings.Contains(c.log.String(), want) {
			t.Errorf("log %q has no %q", &c.log, want)
		}
	})
}
