package rest

import (
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/kubemon/kubemon/hub"
)

// appendItem adds an item to b, byte for byte as encoding/json would: a test
// holds the two together. It is here because that costs several times as much,
// and an answer may have ten thousand items.
func appendItem(b []byte, item *hub.Item) []byte {
	b = appendText(append(b, `{"kind":`...), item.Kind)
	b = appendTextIfAny(b, `,"namespace":`, item.Namespace)
	b = appendTextIfAny(b, `,"pod":`, item.Pod)
	b = appendText(append(b, `,"name":`...), item.Name)
	b = appendTextIfAny(b, `,"uid":`, item.UID)
	b = appendTextIfAny(b, `,"node":`, item.Node)
	b = appendTextIfAny(b, `,"phase":`, item.Phase)
	if item.HostNetwork != nil {
		b = strconv.AppendBool(append(b, `,"hostNetwork":`...), *item.HostNetwork)
	}
	if item.Owner != nil {
		b = appendText(append(b, `,"owner":{"kind":`...), item.Owner.Kind)
		b = appendText(append(b, `,"name":`...), item.Owner.Name)
		b = append(b, '}')
	}
	b = appendStatus(append(b, `,"status":`...), &item.Status)
	b = appendUsage(append(b, `,"usage":`...), item.Usage)
	b = appendResources(b, `,"capacity":`, item.Capacity)
	b = appendResources(b, `,"allocatable":`, item.Allocatable)
	b = appendResources(b, `,"requests":`, item.Requests)
	b = appendResources(b, `,"limits":`, item.Limits)
	b = item.Ratios.Append(append(b, `,"ratios":`...))
	b = appendReasons(b, item.Unavailable)
	b = appendCount(b, `,"pods":`, item.Pods)
	b = appendCount(b, `,"nodes":`, item.Nodes)
	for i, c := range item.Containers {
		if i == 0 {
			b = append(b, `,"containers":[`...)
		}
		b = appendContainer(comma(b, i), c)
	}
	if len(item.Containers) > 0 {
		b = append(b, ']')
	}
	return append(b, '}')
}

func appendContainer(b []byte, c *hub.ContainerItem) []byte {
	b = appendText(append(b, `{"name":`...), c.Name)
	b = appendTextIfAny(b, `,"id":`, c.ID)
	if c.Init {
		b = append(b, `,"init":true`...)
	}
	b = strconv.AppendInt(append(b, `,"restarts":`...), int64(c.Restarts), 10)
	b = appendUsage(append(b, `,"usage":`...), c.Usage)
	b = appendResources(b, `,"requests":`, c.Requests)
	b = appendResources(b, `,"limits":`, c.Limits)
	b = c.Ratios.Append(append(b, `,"ratios":`...))
	b = appendReasons(b, c.Unavailable)
	if c.History != nil {
		b = appendHistory(append(b, ','), c.History)
	}
	return append(b, '}')
}

func appendStatus(b []byte, s *hub.Status) []byte {
	b = appendText(append(b, `{"state":`...), s.State)
	b = appendText(append(b, `,"reason":`...), s.Reason)
	// A year that RFC 3339 cannot write is some agent's word, and must not
	// cost the answer.
	if year := s.SampleTime.Year(); !s.SampleTime.IsZero() && 0 <= year && year <= 9999 {
		b = append(b, `,"sampleTime":"`...)
		b = append(s.SampleTime.AppendFormat(b, time.RFC3339Nano), '"')
	}
	b = append(b, `,"ageSeconds":`...)
	return append(appendNumber(b, s.AgeSeconds), '}')
}

func appendUsage(b []byte, u *hub.Usage) []byte {
	if u == nil {
		return append(b, "null"...)
	}
	return u.Append(b)
}

func appendResources(b []byte, key string, r *hub.Resources) []byte {
	if r == nil {
		return b
	}
	b = append(append(b, key...), `{"cpuMillicores":`...)
	b = append(appendNumber(b, r.CPUMillicores), `,"memoryBytes":`...)
	return append(appendNumber(b, r.MemoryBytes), '}')
}

func appendCount(b []byte, key string, c *hub.Count) []byte {
	if c == nil {
		return b
	}
	b = append(append(b, key...), `{"count":`...)
	b = append(strconv.AppendInt(b, int64(c.Count), 10), `,"reporting":`...)
	return append(strconv.AppendInt(b, int64(c.Reporting), 10), '}')
}

// appendReasons adds unavailable, if there is something in it.
func appendReasons(b []byte, reasons map[string]string) []byte {
	if len(reasons) == 0 {
		return b
	}
	names := slices.AppendSeq(make([]string, 0, 8), maps.Keys(reasons)) // most have fewer, and then it is on the stack
	slices.Sort(names)
	b = append(b, `,"unavailable":{`...)
	for i, name := range names {
		b = append(appendText(comma(b, i), name), ':')
		b = appendText(b, reasons[name])
	}
	return append(b, '}')
}

// appendNumber adds a number with all its digits.
func appendNumber(b []byte, v *float64) []byte {
	if v == nil {
		return append(b, "null"...)
	}
	if whole := int64(*v); float64(whole) == *v && -1e15 < *v && *v < 1e15 {
		return strconv.AppendInt(b, whole, 10)
	}
	if abs := math.Abs(*v); 1e-6 <= abs && abs < 1e21 {
		return strconv.AppendFloat(b, *v, 'f', -1, 64)
	}
	text, err := json.Marshal(*v) // with an exponent
	if err != nil {
		return append(b, "null"...) // NaN and infinities
	}
	return append(b, text...)
}

func appendTextIfAny(b []byte, key, text string) []byte {
	if text == "" {
		return b
	}
	return appendText(append(b, key...), text)
}

// appendText adds a JSON string. Names are plain, and need no escapes.
func appendText(b []byte, text string) []byte {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			quoted, err := json.Marshal(text)
			if err != nil { // a string always can be
				return append(b, `""`...)
			}
			return append(b, quoted...)
		}
	}
	b = append(append(b, '"'), text...)
	return append(b, '"')
}

// join makes one object of several: the members of each, in their order.
func join(objects ...[]byte) []byte {
	joined := []byte{'{'}
	for _, object := range objects {
		members := object[1 : len(object)-1]
		if len(members) > 0 && len(joined) > 1 {
			joined = append(joined, ',')
		}
		joined = append(joined, members...)
	}
	return append(joined, '}')
}
