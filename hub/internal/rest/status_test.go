package rest

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kubemon/kubemon/hub"
)

func TestAttach(t *testing.T) {
	started := time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC)
	at := func(seconds float64) time.Time { return started.Add(time.Duration(seconds * float64(time.Second))) }
	tests := []struct {
		name                string
		seen, stored, ready time.Time
		seconds, attach     *float64
	}{
		{"seen, then stored", at(20), at(22.5), at(10), new(2.5), new(12.5)},
		{"ready before the hub started", at(1), at(2), at(-100), new(1.0), nil},
		{"ready after its first sample", at(5), at(6), at(30), new(1.0), new(0.0)},
		{"nothing stored yet", at(5), time.Time{}, at(1), nil, nil},
		{"not ready, or no cluster", at(5), at(6), time.Time{}, new(1.0), nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := &hub.Health{FirstSeen: tt.seen, FirstStored: tt.stored}
			want := attach{FirstSeen: tt.seen, FirstStored: tt.stored, NodeReady: tt.ready, Seconds: tt.seconds, AttachSeconds: tt.attach}
			if diff := cmp.Diff(want, attachOf(h, tt.ready, started)); diff != "" {
				t.Errorf("attach (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWarnings(t *testing.T) {
	const off = "the node's clock is "
	tests := []struct {
		name   string
		skew   time.Duration
		rivals int
		ready  bool
		want   []string
	}{
		{"nothing is odd", -29 * time.Second, 0, true, []string{}},
		{"ahead", time.Hour, 0, true, []string{off + "1h0m0s ahead of the hub's"}},
		{"behind", -30500 * time.Millisecond, 0, true, []string{off + "31s behind the hub's"}},
		{"two releases", 0, 1, true, []string{"other agents claim this node, and 1 of them are not asked: is kubemon installed twice?"}},
		{"about to end", 0, 0, false, []string{"the agent's endpoint is not ready; it is asked all the same"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n := &hub.NodeState{Agent: hub.Agent{Ready: tt.ready, Rivals: tt.rivals}, Health: hub.Health{ClockSkew: tt.skew}}
			if diff := cmp.Diff(tt.want, warningsOf(n)); diff != "" {
				t.Errorf("warnings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAvailability(t *testing.T) {
	round := &hub.Round{Nodes: []hub.NodeState{
		{Health: hub.Health{Expected: 360, Stored: 350}}, {Health: hub.Health{Expected: 40, Stored: 10}}, {},
	}}
	want := availability{Ratio: new(0.9), RoundsExpected: 400, RoundsStored: 360}
	if diff := cmp.Diff(want, availabilityOf(round.Availability())); diff != "" {
		t.Errorf("availability (-want +got):\n%s", diff)
	}
	if got := availabilityOf(0, 0); got.Ratio != nil {
		t.Errorf("availability of no round is %v, want none", *got.Ratio)
	}
}
