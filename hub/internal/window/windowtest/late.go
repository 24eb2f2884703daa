package windowtest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/kubemon/kubemon/hub"
)

// testLate fills in rounds, from the oldest to the newest, of nodes that have
// newer ones already: what a hub does that asks agents for their last minutes.
// Meanwhile the rounds go on.
func testLate(t *testing.T, s Store) {
	const nodes, rounds = 3, 55
	first := now()
	kept := make([][]*hub.Frame, nodes)
	for i := range kept {
		for round := range rounds + 4 {
			f := Frame(fmt.Sprint("node", i), first.Add(time.Duration(round)*time.Second), float64(round))
			f.Rows[1].Series.Pod = fmt.Sprint("web-", round/7) // pods come and go
			kept[i] = append(kept[i], f)
		}
		mustKeep(t, s, kept[i][rounds:rounds+3]...)
	}
	for round := range rounds {
		for i := range kept {
			mustKeep(t, s, kept[i][round])
			if round == rounds/2 {
				mustKeep(t, s, kept[i][rounds+3])
			}
		}
	}
	want(t, s, "", first, first.Add(keep), slices.Concat(kept...)...)
}

// testLateAndGone keeps a late round of other pods than the node has now, and
// lets the node be away for long: its names must not outlive the round.
func testLateAndGone(t *testing.T, s Store) {
	for minutes := range 12 {
		time.Sleep(time.Until(now().Truncate(5 * time.Minute).Add(5*time.Minute + time.Second)))
		round, late := Frame("node1", now(), 1), Frame("node1", now().Add(-20*time.Second), 2)
		late.Rows[1].Series.Pod = "earlier"
		mustKeep(t, s, round, late)
		for range 2 * (minutes + 8) {
			time.Sleep(30 * time.Second)
			mustKeep(t, s, Frame("node2", now(), 3))
		}
		again := Frame("node1", now(), 4)
		again.Rows[1].Series.Pod = "earlier"
		mustKeep(t, s, again)
		want(t, s, "node1", again.Time, again.Time, again)
	}
}

// testAgain keeps rounds a second time, as they were and changed, one after the
// other: what a hub does whose slow nodes answer after the round was added up.
func testAgain(t *testing.T, s Store) {
	start := now()
	var frames []*hub.Frame
	for i := range 30 {
		f := Frame("node1", start.Add(time.Duration(i)*time.Second), float64(i))
		mustKeep(t, s, f, f)
		if i%3 > 0 {
			f = Frame("node1", f.Time, float64(100+i))
			f.Rows = f.Rows[:1+i%2]
			mustKeep(t, s, f, f)
		}
		frames = append(frames, f)
		want(t, s, "node1", start, f.Time, frames...)
	}
}
