package hub

import (
	"encoding/json"
	"maps"
	"math"
	"strings"
)

// Usage is what one thing used, by one snapshot and the one before it.
type Usage struct {
	// OverSeconds is the time that the rates cover, on the node's own clock.
	// It is 0 while there is no rate yet, and longer than the interval after
	// a missed round.
	OverSeconds float64
	Values      Values
	// Unavailable says why values are unknown, by metric or group name
	// ("network", "pressure"). Nil when all is known. Usages may share it: who
	// changes one that is not its own changes a clone.
	Unavailable map[string]string
}

// NewUsage returns a Usage of which nothing is known yet.
func NewUsage() Usage { return Usage{Values: Unknown()} }

// Lacks records why a metric or a group of metrics is unknown.
func (u *Usage) Lacks(name, reason string) {
	if u.Unavailable == nil {
		u.Unavailable = make(map[string]string)
	}
	u.Unavailable[name] = reason
}

// Clone returns a Usage that shares nothing with u.
func (u Usage) Clone() Usage {
	u.Unavailable = maps.Clone(u.Unavailable)
	return u
}

// MarshalJSON writes what Append does.
func (u Usage) MarshalJSON() ([]byte, error) { return u.Append(nil), nil }

// Append adds the contract's usage object to b: every metric by name, null
// where it is unknown, the pressures in an object of their own.
func (u *Usage) Append(b []byte) []byte {
	b = append(b, `{"overSeconds":`...)
	if u.OverSeconds > 0 {
		b = Number(u.OverSeconds).Append(b)
	} else {
		b = append(b, "null"...)
	}
	for m := range PressureCPUSome {
		b = append(append(append(b, `,"`...), m.String()...), `":`...)
		b = Number(u.Values[m]).Append(b)
	}
	b = append(b, `,"pressure":{`...)
	for m := PressureCPUSome; m < MetricCount; m++ {
		if m > PressureCPUSome {
			b = append(b, ',')
		}
		b = append(append(append(b, '"'), strings.TrimPrefix(m.String(), "pressure.")...), `":`...)
		b = Number(u.Values[m]).Append(b)
	}
	return append(b, "}}"...)
}

// UnmarshalJSON reads what MarshalJSON writes; null becomes unknown.
func (u *Usage) UnmarshalJSON(data []byte) error {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		return err
	}
	*u = NewUsage()
	if err := readNumber(raw["overSeconds"], &u.OverSeconds); err != nil {
		return err
	}
	if math.IsNaN(u.OverSeconds) {
		u.OverSeconds = 0
	}
	var pressure map[string]json.RawMessage
	if p := raw["pressure"]; p != nil {
		if err := json.Unmarshal(p, &pressure); err != nil {
			return err
		}
	}
	for m := range MetricCount {
		from := raw[m.String()]
		if name, ok := strings.CutPrefix(m.String(), "pressure."); ok {
			from = pressure[name]
		}
		if err := readNumber(from, &u.Values[m]); err != nil {
			return err
		}
	}
	return nil
}

func readNumber(from json.RawMessage, to *float64) error {
	*to = math.NaN()
	if from == nil || string(from) == "null" {
		return nil
	}
	return json.Unmarshal(from, to)
}
