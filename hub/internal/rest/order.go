package rest

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"net/http"
	"slices"
	"strings"

	"github.com/kubemon/kubemon/hub"
)

// A ranking is a number that items are put in order by: a metric, several that
// mean one thing together, or a ratio.
type ranking struct {
	name    string // as given; empty for no ranking
	metrics []hub.Metric
	ratio   func(*hub.Ratios) hub.Number
}

func byCPU() ranking { return byMetrics("cpu", hub.CPUMillicores) }

func byMetrics(name string, metrics ...hub.Metric) ranking {
	return ranking{name: name, metrics: metrics}
}

// parseRanking takes a short name or a metric's own.
func parseRanking(name string) (ranking, error) {
	switch name {
	case "cpu":
		return byCPU(), nil
	case "memory":
		return byMetrics(name, hub.MemoryBytes), nil
	case "disk":
		return byMetrics(name, hub.DiskReadBytesPerSecond, hub.DiskWriteBytesPerSecond), nil
	case "network":
		return byMetrics(name, hub.NetworkRxBytesPerSecond, hub.NetworkTxBytesPerSecond), nil
	}
	if m, ok := hub.MetricNamed(name); ok {
		return byMetrics(name, m), nil
	}
	if ratio := ratioNamed(name); ratio != nil {
		return ranking{name: name, ratio: ratio}, nil
	}
	return ranking{}, fmt.Errorf("takes cpu, memory, disk, network, or a number as usage and ratios name it, such as memoryRSSBytes, pressure.cpuSome or ratios.memoryOfLimit, not %q", name)
}

// ratioNamed returns the ratio of that name in the REST contract, nil if there
// is none.
func ratioNamed(name string) func(*hub.Ratios) hub.Number {
	switch name {
	case "ratios.cpuOfRequest":
		return func(r *hub.Ratios) hub.Number { return r.CPUOfRequest }
	case "ratios.cpuOfLimit":
		return func(r *hub.Ratios) hub.Number { return r.CPUOfLimit }
	case "ratios.cpuOfAllocatable":
		return func(r *hub.Ratios) hub.Number { return r.CPUOfAllocatable }
	case "ratios.memoryOfRequest":
		return func(r *hub.Ratios) hub.Number { return r.MemoryOfRequest }
	case "ratios.memoryOfLimit":
		return func(r *hub.Ratios) hub.Number { return r.MemoryOfLimit }
	case "ratios.memoryOfAllocatable":
		return func(r *hub.Ratios) hub.Number { return r.MemoryOfAllocatable }
	case "ratios.cpuRequestOfAllocatable":
		return func(r *hub.Ratios) hub.Number { return numberOf(r.CPURequestOfAllocatable) }
	case "ratios.memoryRequestOfAllocatable":
		return func(r *hub.Ratios) hub.Number { return numberOf(r.MemoryRequestOfAllocatable) }
	}
	return nil
}

func numberOf(n *hub.Number) hub.Number {
	if n == nil {
		return hub.Number(math.NaN())
	}
	return *n
}

// value is the sum of what is known, NaN if nothing is.
func (r ranking) value(item *hub.Item) float64 {
	total := math.NaN()
	if r.ratio != nil {
		if item.Ratios == nil {
			return total
		}
		return float64(r.ratio(item.Ratios))
	}
	if item.Usage == nil {
		return total
	}
	for _, m := range r.metrics {
		switch v := item.Usage.Values[m]; {
		case math.IsNaN(v):
		case math.IsNaN(total):
			total = v
		default:
			total += v
		}
	}
	return total
}

// An order is a ranking and its direction. The zero order is by name.
type order struct {
	by         ranking
	descending bool
}

func parseOrder(value string) (order, error) {
	name, descending := strings.CutPrefix(value, "-")
	if name == "name" || value == "" {
		return order{descending: descending}, nil
	}
	by, err := parseRanking(name)
	if err != nil {
		return order{}, fmt.Errorf("%w; or name; a - in front puts the largest first", err)
	}
	return order{by: by, descending: descending}, nil
}

// placed is an item and the number that it is ordered by, worked out once for a
// sort.
type placed struct {
	value float64
	item  *hub.Item
}

// compare puts what has no value last whatever the direction, and equals in
// the order of their names.
func (o order) compare(a, b placed) int {
	if o.by.name == "" {
		if o.descending {
			a, b = b, a
		}
		return compareNames(a.item, b.item)
	}
	switch aUnknown, bUnknown := math.IsNaN(a.value), math.IsNaN(b.value); {
	case aUnknown && bUnknown:
		return compareNames(a.item, b.item)
	case aUnknown:
		return 1
	case bUnknown:
		return -1
	case a.value == b.value:
		return compareNames(a.item, b.item)
	case (a.value < b.value) != o.descending:
		return -1
	}
	return 1
}

func compareNames(a, b *hub.Item) int {
	if c := strings.Compare(a.Namespace, b.Namespace); c != 0 {
		return c // most differ here or in the name; this is run ten times for each item of a list
	}
	return cmp.Or(
		strings.Compare(a.Kind, b.Kind), strings.Compare(a.Pod, b.Pod),
		strings.Compare(a.Name, b.Name), strings.Compare(a.UID, b.UID))
}

// arrange returns the items in order, and leaves the list it was given as it
// is: that is the round's.
func (o order) arrange(items []*hub.Item) []placed {
	list := make([]placed, 0, len(items))
	for _, item := range items {
		list = append(list, placed{o.by.value(item), item})
	}
	slices.SortFunc(list, o.compare)
	return list
}

// A cursor is what a continue token says: after which position to go on, and
// in which list. It holds no reference to an item, so that it means the same
// in a later round.
type cursor struct {
	Value *float64 `json:"v,omitempty"`
	// Key is namespace, kind, pod, name and UID.
	Key  [5]string `json:"k"`
	List uint64    `json:"l"`
}

func cursorAt(p placed, list uint64) cursor {
	c := cursor{Key: [5]string{p.item.Namespace, p.item.Kind, p.item.Pod, p.item.Name, p.item.UID}, List: list}
	if !math.IsNaN(p.value) {
		c.Value = &p.value
	}
	return c
}

// placed stands where the item of the cursor stood.
func (c *cursor) placed() placed {
	p := placed{math.NaN(), &hub.Item{Namespace: c.Key[0], Kind: c.Key[1], Pod: c.Key[2], Name: c.Key[3], UID: c.Key[4]}}
	if c.Value != nil {
		p.value = *c.Value
	}
	return p
}

func (c cursor) token() (string, error) {
	data, err := json.Marshal(c)
	if err != nil {
		return "", fmt.Errorf("encode continue token: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(data), nil
}

// parseCursor reads a token; an empty one starts at the beginning.
func parseCursor(token string) (*cursor, error) {
	if token == "" {
		return nil, nil
	}
	var c cursor
	data, err := base64.RawURLEncoding.DecodeString(token)
	if err == nil {
		err = json.Unmarshal(data, &c)
	}
	if err != nil {
		return nil, errors.New("takes what the answer before had as continue, unchanged")
	}
	return &c, nil
}

// listID tells lists apart whose cursors must not be mixed up: another path,
// order or filter.
func listID(r *http.Request) uint64 {
	values := r.URL.Query()
	values.Del("continue")
	values.Del("limit")
	values.Del("fields")
	hash := fnv.New64a()
	hash.Write([]byte(r.URL.Path + "?" + values.Encode()))
	return hash.Sum64()
}
