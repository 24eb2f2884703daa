package rest

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/kubemon/kubemon/hub"
)

// addHistory adds the history of t to an entry. An entry without an item
// becomes that of a thing that is gone, if the window still has something of
// it. That of a pod alone has its containers' as well.
func (s *server) addHistory(r *request, e *entry, t thing) error {
	if err := r.http.Context().Err(); err != nil {
		return err
	}
	h, err := s.Reader.History(r.view, hub.HistoryQuery{
		Kind: t.kind, Namespace: t.namespace, Name: t.name, OwnerKind: t.ownerKind, Containers: e.alone && t.kind == hub.KindPod,
		Window: r.query.window, Step: r.query.step, MaxPoints: r.query.maxPoints,
	})
	missing := errors.Is(err, hub.ErrNotFound)
	if err != nil && !missing {
		return fmt.Errorf("read history of %s: %w", t, err)
	}
	if e.Item == nil {
		if missing {
			return nil
		}
		e.Item = goneItem(t, h.Last)
	}
	e.Item = withContainers(e.Item, h.Containers)
	e.History = &h
	return nil
}

const reasonGone = "it is gone; only its history is left"

// withContainers returns the item with the histories of its containers. Of a
// container that is gone it has nothing else.
func withContainers(item *hub.Item, histories map[string]*hub.History) *hub.Item {
	if len(histories) == 0 {
		return item
	}
	with := *item
	with.Containers = nil
	gone := maps.Clone(histories)
	for _, c := range item.Containers {
		container := *c
		container.History = histories[c.Name]
		delete(gone, c.Name)
		with.Containers = append(with.Containers, &container)
	}
	for _, name := range slices.Sorted(maps.Keys(gone)) {
		with.Containers = append(with.Containers, &hub.ContainerItem{
			Name: name, History: gone[name], Unavailable: map[string]string{"usage": reasonGone},
		})
	}
	return &with
}

// goneItem stands for what is in the window and no longer in the round.
func goneItem(t thing, last hub.Series) *hub.Item {
	item := &hub.Item{
		Kind: string(t.kind), Namespace: t.namespace, Name: t.name,
		Status:      hub.Status{State: hub.StateDown, Reason: reasonGone},
		Unavailable: map[string]string{"usage": reasonGone},
	}
	switch t.kind {
	case hub.KindPod:
		item.UID, item.Node = last.PodUID, last.Node
		if last.OwnerKind != "" {
			item.Owner = &hub.Owner{Kind: last.OwnerKind, Name: last.OwnerName}
		} else {
			item.Unavailable["owner"] = "the pod is gone, and its history does not say"
		}
	case hub.KindWorkload:
		item.Kind = t.ownerKind
	}
	return item
}

// appendHistory adds the members series and summary of an object.
func appendHistory(b []byte, h *hub.History) []byte {
	b = appendSeries(append(b, `"series":`...), h)
	b = append(b, `,"summary":{`...)
	b = appendMetrics(b, func(b []byte, m hub.Metric) []byte { return appendSummary(b, &h.Summary[m]) })
	if h.CPUModes != nil {
		b = appendModes(b, func(b []byte, m hub.CPUMode) []byte { return appendSummary(b, &h.CPUModes.Summary[m]) })
	}
	return append(b, '}')
}

func appendSummary(b []byte, s *hub.Summary) []byte {
	b = s.Min.Append(append(b, `{"min":`...))
	b = s.Avg.Append(append(b, `,"avg":`...))
	b = s.P95.Append(append(b, `,"p95":`...))
	b = s.Max.Append(append(b, `,"max":`...))
	return append(b, '}')
}

// appendSeries adds a history as columns: the times in milliseconds since 1970,
// one list for each metric with null for a gap, of buckets their extremes in
// objects of the same lists, and for a sum how many parts each round holds, and
// of how many.
func appendSeries(b []byte, h *hub.History) []byte {
	b = append(b, `{"times":[`...)
	for i, t := range h.Times {
		b = strconv.AppendInt(comma(b, i), t.UnixMilli(), 10)
	}
	modes := cmp.Or(h.CPUModes, &hub.CPUModeHistory{})
	b = appendColumns(append(b, `],`...), &h.Values, modes.Values)
	if h.Min != nil && h.Max != nil {
		b = append(appendColumns(append(b, `,"min":{`...), h.Min, modes.Min), '}')
		b = append(appendColumns(append(b, `,"max":{`...), h.Max, modes.Max), '}')
	}
	if h.Reporting != nil {
		b = appendCounts(append(b, `,"reporting":`...), h.Reporting)
		b = appendCounts(append(b, `,"count":`...), h.Count)
	}
	return append(b, '}')
}

// appendColumns adds a list for each metric, and for each mode if there are any.
func appendColumns(b []byte, columns *hub.Columns, modes *hub.CPUModeColumns) []byte {
	b = appendMetrics(b, func(b []byte, m hub.Metric) []byte { return appendColumn(b, columns[m]) })
	if modes != nil {
		b = appendModes(b, func(b []byte, m hub.CPUMode) []byte { return appendColumn(b, modes[m]) })
	}
	return b
}

func appendColumn(b []byte, values []float64) []byte {
	b = append(b, '[')
	for i, v := range values {
		b = hub.Number(v).Append(comma(b, i))
	}
	return append(b, ']')
}

func appendCounts(b []byte, counts []int) []byte {
	b = append(b, '[')
	for i, n := range counts {
		b = comma(b, i)
		b = strconv.AppendInt(b, int64(n), 10)
	}
	return append(b, ']')
}

func comma(b []byte, i int) []byte {
	if i == 0 {
		return b
	}
	return append(b, ',')
}

// appendModes adds the member of a node's modes, with one for each.
func appendModes(b []byte, value func(b []byte, m hub.CPUMode) []byte) []byte {
	b = append(b, `,"`+hub.CPUModesName+`":{`...)
	for m := range hub.CPUModeCount {
		b = append(comma(b, int(m)), `"`+m.String()+`":`...)
		b = value(b, m)
	}
	return append(b, '}')
}

// appendMetrics adds a member for each metric, named as in usage.
func appendMetrics(b []byte, value func(b []byte, m hub.Metric) []byte) []byte {
	for m := range hub.PressureCPUSome {
		b = comma(b, int(m))
		b = append(b, `"`+m.String()+`":`...)
		b = value(b, m)
	}
	b = append(b, `,"pressure":{`...)
	for m := hub.PressureCPUSome; m < hub.MetricCount; m++ {
		b = comma(b, int(m-hub.PressureCPUSome))
		b = append(b, `"`+strings.TrimPrefix(m.String(), "pressure.")+`":`...)
		b = value(b, m)
	}
	return append(b, '}')
}
