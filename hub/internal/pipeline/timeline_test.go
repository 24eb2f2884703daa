package pipeline

import (
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
