package hub

import (
	"math"
	"strconv"
	"time"
)

// A View is every answer of one round, worked out once. It is never changed.
type View struct {
	Round *Round
	// Scope is what the items below were cut to. The round is whole in any case.
	Scope      Scope
	Cluster    *Item
	Nodes      []*Item // by name
	Pods       []*Item // by namespace and name
	Namespaces []*Item // by name
	Workloads  []*Item // by namespace, kind and name
}

// An Item is one thing that has usage, as REST answers it. The contract's
// names are its JSON tags.
type Item struct {
	Kind      string `json:"kind"`
	Namespace string `json:"namespace,omitempty"`
	// Pod is whose a container is; only containers have it.
	Pod         string            `json:"pod,omitempty"`
	Name        string            `json:"name"`
	UID         string            `json:"uid,omitempty"`
	Node        string            `json:"node,omitempty"`
	Phase       string            `json:"phase,omitempty"`
	HostNetwork *bool             `json:"hostNetwork,omitempty"`
	Owner       *Owner            `json:"owner,omitempty"`
	Status      Status            `json:"status"`
	Usage       *Usage            `json:"usage"`
	Capacity    *Resources        `json:"capacity,omitempty"`
	Allocatable *Resources        `json:"allocatable,omitempty"`
	Requests    *Resources        `json:"requests,omitempty"`
	Limits      *Resources        `json:"limits,omitempty"`
	Ratios      *Ratios           `json:"ratios"`
	Unavailable map[string]string `json:"unavailable,omitempty"`
	// Pods counts what a sum is over; only sums have it.
	Pods *Count `json:"pods,omitempty"`
	// Nodes counts the cluster's nodes.
	Nodes      *Count           `json:"nodes,omitempty"`
	Containers []*ContainerItem `json:"containers,omitempty"`

	Labels map[string]string `json:"-"`
	// Unlimited says of what some part of it has no limit.
	Unlimited Unlimited `json:"-"`
	// Created is when a namespace was made, zero if that is not known.
	Created time.Time `json:"-"`
	// Reading has a node's devices, slices and processes for a single node's
	// answer; nil for all else.
	Reading *Reading `json:"-"`
}

// A ContainerItem is one container of a pod's answer.
type ContainerItem struct {
	Name        string            `json:"name"`
	ID          string            `json:"id,omitempty"`
	Init        bool              `json:"init,omitempty"`
	Restarts    int               `json:"restarts"`
	Usage       *Usage            `json:"usage"`
	Requests    *Resources        `json:"requests,omitempty"`
	Limits      *Resources        `json:"limits,omitempty"`
	Ratios      *Ratios           `json:"ratios"`
	Unavailable map[string]string `json:"unavailable,omitempty"`
	// History is the container's own, in the answer to a pod's; else nil.
	History *History `json:"-"`
}

// A Count says how many there are and how many of them the sum holds.
type Count struct {
	Count     int `json:"count"`
	Reporting int `json:"reporting"`
}

// A Number is a JSON number, null when it is NaN.
type Number float64

// MarshalJSON writes what Append does.
func (n Number) MarshalJSON() ([]byte, error) { return n.Append(nil), nil }

// Append adds the number to b as JSON: null for NaN and infinities, else with
// at most three digits behind the point (six below 1), which is finer than
// what any counter here resolves.
func (n Number) Append(b []byte) []byte {
	v := float64(n)
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return append(b, "null"...)
	}
	digits := 1e3
	if math.Abs(v) < 1 {
		digits = 1e6
	}
	scaled := math.Round(v * digits)
	if math.Abs(scaled) >= 1e15 { // not every such decimal is a float of its own
		return strconv.AppendFloat(b, scaled/digits, 'f', -1, 64)
	}
	parts := int64(scaled)
	if parts < 0 {
		b, parts = append(b, '-'), -parts
	}
	if digits == 1e3 {
		return appendFraction(strconv.AppendInt(b, parts/1e3, 10), parts%1e3, ".000")
	}
	return appendFraction(strconv.AppendInt(b, parts/1e6, 10), parts%1e6, ".000000")
}

// appendFraction adds n behind a point, in the places that there are, without
// zeros at the end. The digits of a rounded number are known; strconv would
// search for the shortest, and an answer may have a million numbers.
func appendFraction(b []byte, n int64, places string) []byte {
	if n == 0 {
		return b
	}
	b = append(b, places...)
	for i := len(b) - 1; n > 0; i-- {
		b[i] = byte('0' + n%10)
		n /= 10
	}
	for b[len(b)-1] == '0' {
		b = b[:len(b)-1]
	}
	return b
}
