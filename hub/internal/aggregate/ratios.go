package aggregate

import (
	"cmp"
	"math"

	"github.com/kubemon/kubemon/hub"
)

// A share is what was used, and what was set for the same things.
type share struct{ used, whole float64 }

// add counts one more thing. What has nothing set adds nothing to the whole:
// it may use some all the same.
func (s *share) add(used float64, set *float64) {
	s.used += used
	if set != nil {
		s.whole += *set
	}
}

func (s share) ratio() hub.Number { return hub.Ratio(s.used, s.whole) }

// A held is the use of one resource, held against all that there may be. Of
// things that may use any amount there is no share of a limit.
type held struct{ request, limit, allocatable share }

// add counts one thing, unless it is unknown what it used or what is set.
func (h *held) add(used float64, requests, limits, allocatable *hub.Resources, amount func(*hub.Resources) *float64, unlimited bool) {
	if math.IsNaN(used) {
		return
	}
	if requests != nil {
		h.request.add(used, amount(requests))
	}
	if limits != nil {
		h.limit.add(used, amount(limits))
		if unlimited {
			h.limit.whole = math.NaN()
		}
	}
	if allocatable != nil {
		h.allocatable.add(used, amount(allocatable))
	}
}

// A shares is the use of both resources.
type shares struct{ cpu, memory held }

func cpuOf(r *hub.Resources) *float64    { return r.CPUMillicores }
func memoryOf(r *hub.Resources) *float64 { return r.MemoryBytes }

func (s *shares) add(u *hub.Usage, requests, limits, allocatable *hub.Resources, unlimited hub.Unlimited) {
	if u == nil {
		return
	}
	s.cpu.add(u.Values[hub.CPUMillicores], requests, limits, allocatable, cpuOf, unlimited.CPU)
	s.memory.add(u.Values[hub.MemoryBytes], requests, limits, allocatable, memoryOf, unlimited.Memory)
}

// ratios are those of everything that was added.
func (s *shares) ratios() *hub.Ratios {
	return &hub.Ratios{
		CPUOfRequest: s.cpu.request.ratio(), CPUOfLimit: s.cpu.limit.ratio(), CPUOfAllocatable: s.cpu.allocatable.ratio(),
		MemoryOfRequest: s.memory.request.ratio(), MemoryOfLimit: s.memory.limit.ratio(), MemoryOfAllocatable: s.memory.allocatable.ratio(),
	}
}

// known returns the ratios, nil if none is known.
func known(r *hub.Ratios) *hub.Ratios {
	for _, n := range []hub.Number{r.CPUOfRequest, r.CPUOfLimit, r.CPUOfAllocatable, r.MemoryOfRequest, r.MemoryOfLimit, r.MemoryOfAllocatable} {
		if !math.IsNaN(float64(n)) {
			return r
		}
	}
	return nil
}

// itemRatios are those of one item's own usage.
func itemRatios(item *hub.Item) *hub.Ratios {
	var s shares
	s.add(item.Usage, item.Requests, item.Limits, item.Allocatable, item.Unlimited)
	return s.ratiosOf(item)
}

func containerRatios(c *hub.ContainerItem) *hub.Ratios {
	var s shares
	s.add(c.Usage, c.Requests, c.Limits, nil, hub.Unlimited{})
	return known(s.ratios())
}

// ratiosOf are those of what was added for an item, with what is requested of
// all that can be if the item has that; nil if none is known.
func (s *shares) ratiosOf(item *hub.Item) *hub.Ratios {
	r := s.ratios()
	if item.Allocatable == nil {
		return known(r)
	}
	requests := cmp.Or(item.Requests, &hub.Resources{}) // of nothing that runs there
	r.CPURequestOfAllocatable = new(requestedOf(requests.CPUMillicores, item.Allocatable.CPUMillicores))
	r.MemoryRequestOfAllocatable = new(requestedOf(requests.MemoryBytes, item.Allocatable.MemoryBytes))
	return r
}

func requestedOf(requests, allocatable *float64) hub.Number {
	var s share
	if requests != nil {
		s.used = *requests
	}
	s.add(0, allocatable)
	return s.ratio()
}
