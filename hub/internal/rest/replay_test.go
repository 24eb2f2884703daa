package rest

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/kubemon/kubemon/hub"
)

func TestReplayStatus(t *testing.T) {
	tests := []struct {
		name   string
		replay hub.Replay
		want   string
	}{
		{"none", hub.Replay{}, `{"state":"off","rounds":0,"samples":0,"failures":[]}`},
		{"done", hub.Replay{
			State: hub.ReplayDone, From: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Rounds: 60, Samples: 120,
			Failures: map[string]string{"b": "refused", "a": "cut off"},
		}, `{"state":"done","from":"2026-01-02T03:04:05Z","rounds":60,"samples":120,"failures":[{"node":"a","reason":"cut off"},{"node":"b","reason":"refused"}]}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := json.Marshal(replayStatusOf(&tt.replay))
			if err != nil || string(got) != tt.want {
				t.Errorf("%s, %v; want %s", got, err, tt.want)
			}
		})
	}
}
