// Package aggregate joins what the nodes say with what the API server says and
// answers by node, pod, container, namespace, workload and cluster.
//
// [Attribute] names the rows of one node's reading before they are kept,
// [Sum] adds up the rows of one round, [Answer] works out every answer of one
// round, [Restrict] cuts them to what one reader may see, [History] gathers one
// thing's rows of the last hour, in buckets if that is asked for, and
// [Summarize] reduces a list of values.
//
// The package is pure: no clock, context, logger, goroutine or I/O. What it is
// given is never changed, and what it returns may share parts with it.
//
// Contract:
//   - An unknown value stays unknown (NaN, or a nil usage) and has a reason in
//     Unavailable. It is never 0. The sum over nothing is 0, which is known.
//   - The usage of a namespace or workload is the sum of the usage of its pods
//     whose state is ok, the cluster's that of its nodes; Count says of how
//     many there are. Ratios and pressures of a sum are unknown.
//   - Pods that have ended (phase Succeeded or Failed) are listed, but belong
//     to no sum.
//   - A ratio holds the usage of what reports against what is set for the same
//     things. Of what may use any amount there is no share of a limit.
//   - Why an agent could not be read is in the items of nodes alone: pods and
//     sums are also for who may not see nodes.
//   - What Restrict leaves is as it was, but for the cluster of who may not see
//     nodes: that is the sum of the pods that he may see.
//   - A bucket of a history has its average between its extremes, and no round
//     beyond them.
package aggregate

import (
	"strings"

	"github.com/kubemon/kubemon/hub"
)

// Phases of a pod that has ended, core/v1 PodPhase.
const (
	phaseSucceeded = "Succeeded"
	phaseFailed    = "Failed"
)

func ended(p *hub.Pod) bool { return p.Phase == phaseSucceeded || p.Phase == phaseFailed }

// zeroUsage is the usage of nothing at all.
func zeroUsage() hub.Usage {
	u := hub.NewUsage()
	for m := range hub.MetricCount {
		if m.Sums() {
			u.Values[m] = 0
		}
	}
	return u
}

// addUsage adds part to total. The reasons of what stays unknown are kept,
// the first one of each name.
func addUsage(total *hub.Usage, part *hub.Usage) {
	total.Values.Add(&part.Values)
	total.OverSeconds = max(total.OverSeconds, part.OverSeconds)
	for name, reason := range part.Unavailable {
		if _, ok := total.Unavailable[name]; !ok {
			total.Lacks(name, reason)
		}
	}
}

// settle ends a sum over parts of that noun: reasons of what is known after
// all go, and what never adds up gets its own.
func settle(total *hub.Usage, noun string) {
	for name := range total.Unavailable {
		if !lacks(&total.Values, name) {
			delete(total.Unavailable, name)
		}
	}
	total.Lacks(hub.CPUThrottledRatio.String(), "a ratio does not add up over "+noun)
	total.Lacks("pressure", "a share of time does not add up over "+noun)
}

// lacks reports whether a metric that does add up, and that is named by its
// own name or by the group it begins with, is unknown.
func lacks(v *hub.Values, name string) bool {
	for m := range hub.MetricCount {
		if m.Sums() && !v.Known(m) && strings.HasPrefix(m.String(), name) {
			return true
		}
	}
	return false
}
