package delta

import (
	"cmp"

	"github.com/kubemon/kubemon/hub"
)

// An increase is how far a counter, or a sum of counters, grew between two
// samples; why is set, and amount without meaning, if that is not known.
type increase struct {
	amount float64
	why    string
}

// grown returns the increase of one counter.
func grown(prev, cur uint64) increase {
	if cur < prev {
		return increase{why: counterFell}
	}
	return increase{amount: float64(cur - prev)}
}

// plus adds two increases; the sum is unknown if one of them is.
func (a increase) plus(b increase) increase {
	return increase{amount: a.amount + b.amount, why: cmp.Or(a.why, b.why)}
}

// set sets the metric, or records why it is not known.
func (a increase) set(u *draft, m hub.Metric) {
	if a.why != "" {
		u.lacks(m.String(), a.why)
		return
	}
	u.Values[m] = a.amount
}

// pointer returns the amount, nil if it is not known.
func (a increase) pointer() *float64 {
	if a.why != "" {
		return nil
	}
	return new(a.amount)
}

// shareOf turns the increase into a share of the whole. A little above all of it
// is the time that reading takes: two files are not read at quite the same
// instant as the clock. Twice as much is a broken counter.
func (a increase) shareOf(whole float64) increase {
	a.amount /= whole
	if a.why == "" && a.amount > 2 {
		a.why = notCredible
	}
	a.amount = min(a.amount, 1)
	return a
}

// millicores turns CPU microseconds into millicores, with shareOf's tolerance
// of the node's processors.
func (c *comparison) millicores(used increase) increase {
	ceiling := 1000 * float64(c.cpuCount())
	used = used.shareOf(ceiling * 1000 * c.seconds)
	used.amount *= ceiling
	return used
}

// maxCPUs is the most that a kernel is built for. It stands in where the number
// of processors is unknown, and bounds what an agent may claim.
const maxCPUs = 8192

// cpuCount is the greater number of processors if some were switched on or off.
func (c *comparison) cpuCount() int {
	count := c.cur.Host.CPU.Count
	if c.before.host != nil {
		count = max(count, c.before.host.CPU.Count)
	}
	if count <= 0 {
		return maxCPUs
	}
	return min(count, maxCPUs)
}

// maxBytesPerSecond is beyond what all devices of a node can do together.
const maxBytesPerSecond = 1 << 40

// perSecond divides by the time between the samples. An increase that no
// device can have made is a broken counter.
func (c *comparison) perSecond(grown increase) increase {
	grown.amount /= c.seconds
	if grown.why == "" && grown.amount > maxBytesPerSecond {
		grown.why = notCredible
	}
	return grown
}
