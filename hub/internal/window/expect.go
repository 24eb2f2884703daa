package window

import (
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

// An expectation goes along with the rows of a round. All rows are expected to
// be as they were, but for the last container of a pod: it is expected to
// change by what the pod did and its other containers did not.
type expectation struct {
	roles []role
	left  row    // of the pod's change
	known uint32 // the columns in which that is known
	row   row
}

// shared are the columns in which a pod is the sum of its containers.
func shared() [8]int { return [...]int{0, 1, 2, 3, 6, 7, 10, 15} }

// of returns what the i-th row is expected to be. It is good until the next
// call.
func (e *expectation) of(i int, before *row) *row {
	if e.roles[i] != lastContainerRow {
		return before
	}
	e.row = *before
	for _, c := range shared() {
		expected := before[c] + e.left[c]
		if e.known>>c&1 != 0 && before[c] != 0 && expected-1 < maxNumber {
			e.row[c] = expected
		}
	}
	return &e.row
}

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
