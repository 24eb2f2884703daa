package rest

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/kubemon/kubemon/hub"
)

// addHistory adds the series and the summary of t to an entry. An entry
// without an item becomes that of a thing that is gone, if the window still
// has something of it.
func (s *server) addHistory(r *request, e *entry, t thing) error {
	if err := r.http.Context().Err(); err != nil {
		return err
	}
	h, err := s.Reader.History(r.view, hub.HistoryQuery{
		Kind: t.kind, Namespace: t.namespace, Name: t.name, OwnerKind: t.ownerKind,
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
	e.Series = &series{h}
	e.Summary = s.summarize(h)
	return nil
}

// goneItem stands for what is in the window and no longer in the round.
func goneItem(t thing, last hub.Series) *hub.Item {
	const reason = "it is gone; only its history is left"
	item := &hub.Item{
		Kind: string(t.kind), Namespace: t.namespace, Name: t.name,
		Status:      hub.Status{State: hub.StateDown, Reason: reason},
		Unavailable: map[string]string{"usage": reason},
	}
	switch t.kind {
	case hub.KindPod:
		item.UID, item.Node = last.PodUID, last.Node
		item.Owner = &hub.Owner{Kind: last.OwnerKind, Name: last.OwnerName}
	case hub.KindWorkload:
		item.Kind = t.ownerKind
	}
	return item
}

// summary is what each metric's history comes to.
type summary [hub.MetricCount]hub.Summary

func (s *server) summarize(h hub.History) *summary {
	var all summary
	for m := range all {
		all[m] = s.Summarize(h.Values[m])
	}
	return &all
}

// MarshalJSON writes an object of metrics, the pressures in one of their own.
func (s *summary) MarshalJSON() ([]byte, error) {
	b := appendMetrics([]byte{'{'}, func(b []byte, m hub.Metric) []byte {
		b = append(b, `{"min":`...)
		b = s[m].Min.Append(b)
		b = append(b, `,"avg":`...)
		b = s[m].Avg.Append(b)
		b = append(b, `,"p95":`...)
		b = s[m].P95.Append(b)
		b = append(b, `,"max":`...)
		b = s[m].Max.Append(b)
		return append(b, '}')
	})
	return append(b, '}'), nil
}

// series is a history as columns: the times in milliseconds since 1970, and
// one list for each metric with null for a gap.
type series struct{ hub.History }

// MarshalJSON writes the columns, and for a sum how many parts each holds, and of how many.
func (s *series) MarshalJSON() ([]byte, error) {
	b := append([]byte(`{"times":`), '[')
	for i, t := range s.Times {
		b = comma(b, i)
		b = strconv.AppendInt(b, t.UnixMilli(), 10)
	}
	b = append(b, `],`...)
	b = appendMetrics(b, func(b []byte, m hub.Metric) []byte {
		b = append(b, '[')
		for i, v := range s.Values[m] {
			b = comma(b, i)
			b = hub.Number(v).Append(b)
		}
		return append(b, ']')
	})
	if s.Reporting != nil {
		b = appendCounts(append(b, `,"reporting":`...), s.Reporting)
		b = appendCounts(append(b, `,"count":`...), s.Count)
	}
	return append(b, '}'), nil
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
