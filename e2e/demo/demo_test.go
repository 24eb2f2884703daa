package demo

import (
	"testing"
	"time"

	"github.com/kubemon/kubemon/shared/snapshot"
)

// TestCountersNeverFall follows every node for ninety minutes around the
// beginning: what the hub would take for a restart must be one.
func TestCountersNeverFall(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, n := range newCluster(now) {
		last := make(map[string]uint64)
		check := func(what string, value uint64) {
			t.Helper()
			if value < last[what] {
				t.Fatalf("%s: %s falls from %d to %d", n.name, what, last[what], value)
			}
			last[what] = value
		}
		for at := now.Add(-time.Hour); at.Before(now.Add(30 * time.Minute)); at = at.Add(10 * time.Second) {
			s := n.At(at)
			check("CPU of the node", *s.Host.CPU.UsageMicros)
			modes := s.Host.CPU.Modes
			check("system time of the node", modes.SystemMicros)
			check("interrupts of the node", modes.SoftIRQMicros)
			check("waiting of the node", modes.IOWaitMicros)
			check("idle time of the node", modes.IdleMicros)
			check("traffic of the node", s.Host.Network[0].RxBytes)
			check("disk of the node", s.Host.Disks[0].WrittenBytes)
			for _, p := range s.Pods {
				check("CPU of "+p.Name, p.CPU.UsageMicros)
				check("OOM kills of "+p.Name, *p.Memory.OOMKills)
				for _, c := range p.Containers {
					check("CPU of "+c.ID, c.CPU.UsageMicros)
					check("writes of "+c.ID, c.IO[0].WrittenBytes)
				}
			}
		}
	}
}

// TestEverySnapshotIsValid encodes each node's as its agent does.
func TestEverySnapshotIsValid(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, n := range newCluster(now) {
		for _, contentType := range []string{snapshot.ContentTypeJSON, snapshot.ContentTypeMsgpack} {
			data, err := snapshot.Encode(n.At(now), contentType)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := snapshot.Decode(data, contentType); err != nil {
				t.Errorf("%s as %s: %v", n.name, contentType, err)
			}
		}
	}
}

// TestTheLeakEndsInKills wants what the page is to show: kills in the last hour,
// the last some minutes ago, and memory that reached the limit before each.
func TestTheLeakEndsInKills(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, n := range newCluster(now) {
		for _, p := range n.pods {
			for _, c := range p.running {
				if !c.leaks {
					continue
				}
				before, after := c.life(now.Add(-time.Hour), now), c.life(now, now)
				if killed := after.kills - before.kills; killed != 3 || now.Sub(after.began) != lastKill {
					t.Errorf("%s: %d kills in the hour, the last %s ago", c.name, killed, now.Sub(after.began))
				}
				full := c.group(time.Hour, lifetime-time.Second)
				if share := float64(full.memory.WorkingSetBytes) / float64(*full.memory.LimitBytes); share < 0.95 || share > 1 {
					t.Errorf("%s uses %.2f of its limit before it is killed", c.name, share)
				}
			}
		}
	}
}
