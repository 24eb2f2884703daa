package pipeline

import (
	"math/rand/v2"
	"testing"
	"time"
)

func TestTimeline(t *testing.T) {
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	// Each step is a round: when it begins by the monotonic and by the wall
	// clock, and which time it must get, all since the start.
	type step struct {
		slot                int
		elapsed, wall, want time.Duration
	}
	const s = time.Second
	tests := []struct {
		name  string
		steps []step
	}{
		{"steady", []step{{0, 0, 0, 0}, {1, 10 * s, 10 * s, 10 * s}, {2, 20*s + 3, 20*s + 3, 20 * s}}},
		{"late", []step{{1, 13 * s, 13 * s, 10 * s}, {2, 20 * s, 20 * s, 20 * s}}},
		{"clock set back an hour", []step{{1, 10 * s, 10*s - time.Hour, 10 * s}, {2, 20 * s, 20*s - time.Hour, 20 * s}}},
		{"clock set ahead an hour", []step{{1, 10 * s, 10*s + time.Hour, 10*s + time.Hour}, {2, 20 * s, 20*s + time.Hour, 20*s + time.Hour}}},
		{"ahead and back", []step{{1, 10 * s, 10*s + time.Hour, 10*s + time.Hour}, {2, 20 * s, 20 * s, 20*s + time.Hour}}},
		{"asleep for 25 s", []step{{1, 10 * s, 35 * s, 30 * s}, {2, 20 * s, 45 * s, 40 * s}}},
		{"ahead by less than an interval", []step{{1, 10 * s, 19 * s, 10 * s}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			line := timeline{start: start, interval: 10 * s}
			for _, step := range tt.steps {
				got := line.at(step.slot, step.elapsed, start.Add(step.wall)).Sub(start)
				if got != step.want {
					t.Errorf("slot %d: %v after the start, want %v", step.slot, got, step.want)
				}
			}
		})
	}
}

// TestTimelineNeverGoesBack steps the wall clock at random, by up to an hour
// either way, while rounds go on by the monotonic one: each round's time lies
// after that of the round before, by whole intervals.
func TestTimelineNeverGoesBack(t *testing.T) {
	const interval = 10 * time.Second
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	random := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		line := timeline{start: start, interval: interval}
		last := start.Add(-interval)
		var step time.Duration // of the wall clock, from the monotonic one
		for slot := 0; slot < 100; slot += 1 + random.IntN(2) {
			if random.IntN(10) == 0 {
				step += time.Duration(random.Int64N(int64(2*time.Hour))) - time.Hour
			}
			elapsed := time.Duration(slot)*interval + time.Duration(random.Int64N(int64(interval)))
			at := line.at(slot, elapsed, start.Add(elapsed+step))
			if at.Sub(last) < interval || at.Sub(start)%interval != 0 {
				t.Fatalf("slot %d is of %v, after one of %v", slot, at.Sub(start), last.Sub(start))
			}
			last = at
		}
	}
}
