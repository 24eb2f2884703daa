package window

import (
	"math"

	"github.com/kubemon/kubemon/hub"
)

// A role is what a row is among the rows of its round: a pod's row is followed
// by those of its containers.
type role byte

const (
	other role = iota
	podRow
	containerRow
	lastContainerRow
)

// rolesOf returns the roles of rows of those names.
func rolesOf(names []*name) []role {
	roles := make([]role, len(names))
	pod := -1
	for i, n := range names {
		switch {
		case n.series.Kind == hub.KindPod:
			pod = i
		case pod >= 0 && isContainerOf(n, names[pod]):
			roles[pod], roles[i] = podRow, lastContainerRow
			if i-1 > pod {
				roles[i-1] = containerRow
			}
		default:
			pod = -1
		}
	}
	return roles
}

func isContainerOf(n, pod *name) bool {
	a, b := &n.series, &pod.series
	return a.Kind == hub.KindContainer && a.PodUID == b.PodUID && a.Pod == b.Pod && a.Namespace == b.Namespace
}

// An expectation goes along with the rows of a round. A row is expected to be
// as it was, with three guesses: the last container of a pod changes by what the
// pod did and its other containers did not; resident memory changes by what the
// working set did; a counter grows by as much as it did. A guess is made for
// those rows and columns in which the last one came as close as no change at
// all.
type expectation struct {
	roles []role
	over  uint64 // of the round before
	left  row    // of the pod's change
	known uint32 // the columns in which that is known
	row   row
}

// What a row has behind its columns: in the lower half the columns that changed
// last, a bit for each, in the upper half those in which guesses are not to be
// trusted.
const (
	memory      = columns
	upperHalf   = 32
	memoryBytes = 1 // the column of the working set
	memoryRSS   = 2 // the column of resident memory
	// The bits of those guesses that are not of a last container.
	followBit = columns
	growBit   = columns + 1 // of the first counter
)

// changed are the columns that changed last.
func (r *row) changed() uint64 { return r[memory] & (1<<upperHalf - 1) }

func (r *row) trusts(bit int) bool { return r[memory]>>(upperHalf+bit)&1 == 0 }

// shared are the columns in which a pod is the sum of its containers.
func shared() [8]int { return [...]int{0, memoryBytes, memoryRSS, 3, 6, 7, 10, 15} }

// of returns what the i-th row is expected to be. It is good until the next
// call.
func (e *expectation) of(i int, before *row) *row {
	if e.roles[i] != lastContainerRow {
		return before
	}
	e.row = *before
	for _, c := range shared() {
		if guess := e.rest(c, before); before.trusts(c) {
			e.row[c] = guess
		}
	}
	return &e.row
}

// rest is a column of a pod's last container if it makes up for what the others
// leave of the pod's change, and as it was if that is not known.
func (e *expectation) rest(c int, before *row) uint64 {
	guess := before[c] + e.left[c]
	if e.known>>c&1 == 0 || before[c] == 0 || guess-1 >= maxNumber {
		return before[c]
	}
	return guess
}

// follow is resident memory if it changes by what the working set did, and as
// it was if that is not known.
func (r *row) follow(before *row) uint64 {
	guess := before[memoryRSS] + r[memoryBytes] - before[memoryBytes]
	if r[memoryBytes] == 0 || before[memoryBytes] == 0 || before[memoryRSS] == 0 || guess-1 >= maxNumber {
		return before[memoryRSS]
	}
	return guess
}

// grow is a counter if it grows by as much as it did, which its rate says, and
// as it was if that is not known.
func (e *expectation) grow(c int, before *row) uint64 {
	rate := before[c-firstCounter+firstRate]
	if rate <= 1 || before[c] == 0 {
		return before[c]
	}
	seconds := float64(e.over+before[overColumn]) / 1e9
	growth := math.Round(float64(rate-1) / scale(metricOf(c-firstCounter+firstRate)) * seconds)
	if !(growth >= 0 && growth < maxNumber) {
		return before[c]
	}
	return before[c] + uint64(growth)
}

func isCounter(c int) bool { return c >= firstCounter && c < firstCounter+rates }

// expect is what column c is expected to be, once those before it are known: as
// in want; where that is no change, as another guess says; rates as their
// counters do.
func (e *expectation) expect(c int, now, want, before *row, over uint64) uint64 {
	switch {
	case c >= firstRate:
		return now.expectRate(c, before, over)
	case want[c] != before[c]:
	case c == memoryRSS && before.trusts(followBit):
		return now.follow(before)
	case isCounter(c) && before.trusts(growBit+c-firstCounter):
		return e.grow(c, before)
	}
	return want[c]
}

// learn returns what is to be known of the i-th row from now on, given the
// columns that changed.
func (e *expectation) learn(i int, before, now *row, changed uint64) uint64 {
	distrust := before[memory] >> upperHalf
	judge := func(bit int, guess, plain, is uint64) {
		if guess == plain || is == 0 {
			return
		}
		distrust &^= 1 << bit
		if distance(is, guess) > distance(is, plain) {
			distrust |= 1 << bit
		}
	}
	judge(followBit, now.follow(before), before[memoryRSS], now[memoryRSS])
	for c := firstCounter; c < firstCounter+rates; c++ {
		judge(growBit+c-firstCounter, e.grow(c, before), before[c], now[c])
	}
	if e.roles[i] == lastContainerRow {
		for _, c := range shared() {
			judge(c, e.rest(c, before), before[c], now[c])
		}
	}
	return distrust<<upperHalf | changed
}

func distance(a, b uint64) uint64 { return max(a, b) - min(a, b) }

// saw takes note of what the i-th row is.
func (e *expectation) saw(i int, before, now *row) {
	if e.roles[i] == other {
		return
	}
	if e.roles[i] == podRow {
		e.left, e.known = row{}, 1<<columns-1
	}
	for _, c := range shared() {
		switch change := now[c] - before[c]; {
		case now[c] == 0 || before[c] == 0:
			e.known &^= 1 << c
		case e.roles[i] == podRow:
			e.left[c] = change
		default:
			e.left[c] -= change
		}
	}
}
