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
