package pipeline

import "time"

// A timeline gives rounds their times. It begins at the hub's wall clock and
// goes on with the monotonic one, so that rounds lie exactly one interval
// apart and never go back in time when the wall clock is set back. It jumps
// ahead, by whole intervals, when the wall clock does: after a suspended
// machine wakes, or a machine without a battery-backed clock learns the time.
type timeline struct {
	start    time.Time
	interval time.Duration
	ahead    time.Duration // by how much it has jumped
}

// at returns the time of the round of that slot, the number of intervals since
// the start. Elapsed is monotonic and wall the wall clock, both of now.
func (t *timeline) at(slot int, elapsed time.Duration, wall time.Time) time.Time {
	if drift := wall.Sub(t.start.Add(t.ahead + elapsed)); drift >= t.interval {
		t.ahead += drift.Truncate(t.interval)
	}
	return t.slotTime(slot)
}

// slotTime returns the time of the round of a slot, which may lie before the
// start.
func (t *timeline) slotTime(slot int) time.Time {
	return t.start.Add(t.ahead + time.Duration(slot)*t.interval).UTC().Truncate(time.Millisecond)
}
