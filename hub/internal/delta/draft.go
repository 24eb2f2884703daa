package delta

import (
	"slices"

	"github.com/kubemon/kubemon/hub"
)

// A draft is one thing's usage while it is worked out.
type draft struct {
	hub.Usage
	missing []missing
}

// A missing metric, or group of metrics, by name.
type missing struct{ name, why string }

// lacks records why a metric or a group of metrics is unknown.
func (d *draft) lacks(name, why string) { d.missing = append(d.missing, missing{name, why}) }

// A missingSet is what something lacks, as a list and as the map of it.
type missingSet struct {
	list        []missing
	unavailable map[string]string
}

// begin returns the draft of the next thing, of which nothing is known yet. It
// ends the one before.
func (c *comparison) begin() *draft {
	c.draft.Usage, c.draft.missing = hub.NewUsage(), c.draft.missing[:0]
	return &c.draft
}

// mostSets is how many sets of reasons are looked through for one to share: real
// nodes have a handful.
const mostSets = 32

// finish returns the draft's usage. Most things of a node lack the same for the
// same reasons: those share one map.
func (c *comparison) finish(d *draft) hub.Usage {
	if len(d.missing) == 0 {
		return d.Usage
	}
	i := slices.IndexFunc(c.sets, func(s missingSet) bool { return slices.Equal(s.list, d.missing) })
	if i < 0 {
		i = len(c.sets)
		set := missingSet{slices.Clone(d.missing), make(map[string]string, len(d.missing))}
		for _, m := range d.missing {
			set.unavailable[m.name] = m.why
		}
		if d.Unavailable = set.unavailable; i < mostSets {
			c.sets = append(c.sets, set)
		}
		return d.Usage
	}
	d.Unavailable = c.sets[i].unavailable
	return d.Usage
}
