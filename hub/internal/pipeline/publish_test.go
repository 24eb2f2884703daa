package pipeline_test

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestPublishedTellsOfEachView listens as a reader does that wants every view:
// the channel first, then the view.
func TestPublishedTellsOfEachView(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster("node1")
		c.run(t)
		c.untilRound()
		for range 4 {
			published := c.pipeline.Published()
			before := c.round(t).Number
			c.wait(interval - time.Nanosecond)
			select {
			case <-published:
				t.Fatal("Published is closed before there is another view")
			default:
			}
			c.wait(time.Nanosecond)
			select {
			case <-published:
			default:
				t.Fatal("Published is open after the next view")
			}
			if got := c.round(t).Number; got != before+1 {
				t.Errorf("after Published the view is number %d, want %d", got, before+1)
			}
		}
	})
}
