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
func (a increase) set(u *hub.Usage, m hub.Metric) {
	if a.why != "" {
		u.Lacks(m.String(), a.why)
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

// share limits a share of time to what a share can be: two files of one group
// are not read at quite the same instant as the clock.
func share(x float64) float64 { return min(max(x, 0), 1) }
