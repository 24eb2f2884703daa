package window

import (
	"fmt"
	"math"
	"time"

	"github.com/kubemon/kubemon/hub"
)

// The columns of a row. Those that change most often come first, so that most
// rows need one byte to say which did. The four rates come last, in the order
// of their counters.
const (
	metricColumns   = 17
	overColumn      = metricColumns // nanoseconds, less the round's
	reportingColumn = overColumn + 1
	countColumn     = reportingColumn + 1
	firstRate       = countColumn + 1
	firstCounter    = 4
	rates           = 4
	columns         = firstRate + rates
)

// A row has one number for each column. Its zero value is a series of which
// nothing is known. Behind the columns is what coder and decoder both know of
// how the row came about; it is no part of the value. See expect.go.
type row [columns + 1]uint64

// metricOf is what a column holds; over, reporting and count are no metrics.
func metricOf(column int) hub.Metric {
	return [columns]hub.Metric{
		hub.CPUMillicores, hub.MemoryBytes, hub.MemoryRSSBytes, hub.MemoryCacheBytes,
		hub.NetworkRxBytes, hub.NetworkTxBytes, hub.DiskWriteBytes, hub.DiskReadBytes,
		hub.PressureCPUSome, hub.CPUThrottledRatio, hub.PIDs, hub.PressureIOSome,
		hub.PressureIOFull, hub.PressureMemorySome, hub.PressureMemoryFull, hub.MemorySwapBytes,
		hub.OOMKills, hub.MetricCount, hub.MetricCount, hub.MetricCount,
		hub.NetworkRxBytesPerSecond, hub.NetworkTxBytesPerSecond, hub.DiskWriteBytesPerSecond, hub.DiskReadBytesPerSecond,
	}[column]
}

// scale is in how many parts a metric's unit is counted: bytes and counts in
// whole ones, CPU in millionths of a core, rates in tenths of a byte per
// second, which is one byte in ten seconds, ratios in hundredths of a percent,
// as the kernel's own averages of pressure.
func scale(m hub.Metric) float64 {
	switch m {
	case hub.CPUMillicores:
		return 1e3
	case hub.DiskReadBytesPerSecond, hub.DiskWriteBytesPerSecond, hub.NetworkRxBytesPerSecond, hub.NetworkTxBytesPerSecond:
		return 10
	case hub.CPUThrottledRatio, hub.PressureCPUSome, hub.PressureMemorySome, hub.PressureMemoryFull,
		hub.PressureIOSome, hub.PressureIOFull:
		return 1e4
	}
	return 1
}

// Precision is how far a metric's value may come back from what was kept: half
// of the part in which it is counted, 0 for what is a whole number.
func Precision(m hub.Metric) float64 {
	if s := scale(m); s > 1 {
		return 0.5 / s
	}
	return 0
}

// isMemory reports whether a column mostly changes by whole pages.
func isMemory(column int) bool {
	m := metricOf(column)
	return m >= hub.MemoryBytes && m <= hub.MemorySwapBytes
}

// maxNumber bounds the numbers of a row; it leaves room for deltas.
const maxNumber = 1 << 60

// A round is what a stream keeps of one round.
type round struct {
	at    int64  // Unix time in nanoseconds
	over  uint64 // nanoseconds
	names []*name
	rows  []row
}

func (r *round) block() uint32 { return blockOf(r.at) }

func blockOf(at int64) uint32 { return uint32(at / int64(blockSpan)) }

func blockStart(block uint32) int64 { return int64(block) * int64(blockSpan) }

// quantise makes rows of numbers. Every value is rounded to a multiple of what
// scale says; one that a column cannot hold becomes unknown.
func (b *buffer) quantise(at time.Time, rows []hub.Row) (*round, error) {
	const minSeconds, maxSeconds = 1, 1 << 33 // what an int64 of nanoseconds holds, with room
	if at.Unix() < minSeconds || at.Unix() >= maxSeconds {
		return nil, fmt.Errorf("the round's time %s is out of range", at)
	}
	r := &round{at: at.UnixNano(), rows: b.rows[:0]}
	for i := range rows {
		over, _ := fixed(rows[i].Usage.OverSeconds, 1e9) // 0 is unknown
		if i == 0 {
			r.over = over
		}
		parts := &rows[i].Parts
		numbers := row{overColumn: over - r.over, reportingColumn: uint64(parts.Reporting), countColumn: uint64(parts.Count)}
		numbers.quantise(&rows[i].Usage.Values)
		r.rows = append(r.rows, numbers)
	}
	b.rows = r.rows
	return r, nil
}

func (r *row) quantise(values *hub.Values) {
	for c := range columns {
		m := metricOf(c)
		if m == hub.MetricCount {
			continue
		}
		if n, ok := fixed(values[m], scale(m)); ok {
			r[c] = n + 1
		}
	}
}

// fixed counts the parts in a value, false if it is unknown or no number that a
// column holds.
func fixed(v, scale float64) (uint64, bool) {
	if !(v >= 0 && v*scale < maxNumber) {
		return 0, false
	}
	return uint64(math.Round(v * scale)), true
}

// fill sets the row that is read again, of which nothing is known yet.
func (r *row) fill(to *hub.Row, over uint64) {
	to.Usage.OverSeconds = float64(over+r[overColumn]) / 1e9
	to.Parts = hub.Count{Count: int(r[countColumn]), Reporting: int(r[reportingColumn])}
	for c := range columns {
		if m := metricOf(c); m != hub.MetricCount && r[c] != 0 {
			to.Usage.Values[m] = float64(r[c]-1) / scale(m)
		}
	}
}

// expectRate is what a rate is when its counter grew from before to r: exactly
// what delta makes of it, unless that had reasons to count differently.
func (r *row) expectRate(column int, before *row, over uint64) uint64 {
	counter := column - firstRate + firstCounter
	from, to := before[counter], r[counter]
	seconds := float64(over+r[overColumn]) / 1e9
	if from == 0 || to < from || seconds <= 0 {
		return before[column]
	}
	expected := math.Round(float64(to-from) / seconds * scale(metricOf(column)))
	if expected >= maxNumber {
		return before[column]
	}
	return 1 + uint64(expected)
}
