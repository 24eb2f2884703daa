package rest

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"net/http"
	"slices"
	"strings"

	"github.com/kubemon/kubemon/hub"
)

// A ranking is a number that items are put in order by: one metric, or several
// that mean one thing together.
type ranking struct {
	name    string // as given; empty for no ranking
	metrics []hub.Metric
}

func byCPU() ranking { return ranking{"cpu", []hub.Metric{hub.CPUMillicores}} }

// parseRanking takes a short name or a metric's own.
func parseRanking(name string) (ranking, error) {
	switch name {
	case "cpu":
		return byCPU(), nil
	case "memory":
		return ranking{name, []hub.Metric{hub.MemoryBytes}}, nil
	case "disk":
		return ranking{name, []hub.Metric{hub.DiskReadBytesPerSecond, hub.DiskWriteBytesPerSecond}}, nil
	case "network":
		return ranking{name, []hub.Metric{hub.NetworkRxBytesPerSecond, hub.NetworkTxBytesPerSecond}}, nil
	}
	if m, ok := hub.MetricNamed(name); ok {
		return ranking{name, []hub.Metric{m}}, nil
	}
	return ranking{}, fmt.Errorf("takes cpu, memory, disk, network, or a metric as usage names it, such as memoryRSSBytes or pressure.cpuSome, not %q", name)
}

// value is the sum of what is known, nil if nothing is.
func (r ranking) value(item *hub.Item) *float64 {
	if item.Usage == nil {
		return nil
	}
	var total *float64
	for _, m := range r.metrics {
		if !item.Usage.Values.Known(m) {
			continue
		}
		if total == nil {
			total = new(float64)
		}
		*total += item.Usage.Values[m]
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

// A position is where an item stands in an order. It holds no reference to
// the item, so that it means the same in a later round.
type position struct {
	Value *float64 `json:"v,omitempty"`
	// Key is namespace, kind, pod, name and UID.
	Key [5]string `json:"k"`
}

func (o order) position(item *hub.Item) position {
	return position{
		Value: o.by.value(item),
		Key:   [5]string{item.Namespace, item.Kind, item.Pod, item.Name, item.UID},
	}
}

// compare puts what has no value last whatever the direction, and equals in
// the order of their names.
func (o order) compare(a, b position) int {
	keys := slices.Compare(a.Key[:], b.Key[:])
	if o.by.name == "" && o.descending {
		return -keys
	}
	switch {
	case a.Value == nil && b.Value == nil:
		return keys
	case a.Value == nil:
		return 1
	case b.Value == nil:
		return -1
	case o.descending:
		return cmp.Or(cmp.Compare(*b.Value, *a.Value), keys)
	}
	return cmp.Or(cmp.Compare(*a.Value, *b.Value), keys)
}

// placed is an item and its position, worked out once for a sort.
type placed struct {
	position
	item *hub.Item
}

// arrange returns the items in order, and leaves the list it was given as it
// is: that is the round's.
func (o order) arrange(items []*hub.Item) []placed {
	list := make([]placed, 0, len(items))
	for _, item := range items {
		list = append(list, placed{o.position(item), item})
	}
	slices.SortStableFunc(list, func(a, b placed) int { return o.compare(a.position, b.position) })
	return list
}

// A cursor is what a continue token says: after which position to go on, and
// in which list.
type cursor struct {
	position
	List uint64 `json:"l"`
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
	hash := fnv.New64a()
	hash.Write([]byte(r.URL.Path + "?" + values.Encode()))
	return hash.Sum64()
}
