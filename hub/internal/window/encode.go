package window

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/bits"

	"github.com/kubemon/kubemon/hub"
)

// The values in the store; every number is an unsigned varint
// (encoding/binary), because most are small and many are 0:
//
//	frame  = rows, then for each row: series, over, known, set, number…
//	series = kind, node, namespace, pod, podUID, container, ownerKind, ownerName
//
// over is OverSeconds in milliseconds. known has a bit for each metric with a
// value, set one for each whose value is not 0; a number follows for each bit
// of set, lowest first. Numbers are fixed-point: the value times the metric's
// scale, rounded. A series' fields are a length and so many bytes each.

var errCorrupt = errors.New("value is corrupt")

// scale is in how many parts a metric's unit is counted.
func scale(m hub.Metric) float64 {
	switch m {
	case hub.MemoryBytes, hub.MemoryRSSBytes, hub.MemoryCacheBytes, hub.MemorySwapBytes,
		hub.DiskReadBytes, hub.DiskWriteBytes, hub.NetworkRxBytes, hub.NetworkTxBytes,
		hub.OOMKills, hub.PIDs:
		return 1
	}
	return 1e6 // a rate or a ratio
}

// maxFixed bounds what has a fixed-point form.
const maxFixed = 1 << 64

// encodeFrame returns the frame's value; numberOf gives a series its number.
func encodeFrame(f *hub.Frame, numberOf func(hub.Series) uint64) (string, error) {
	b := make([]byte, 0, 32*len(f.Rows)+binary.MaxVarintLen64)
	b = binary.AppendUvarint(b, uint64(len(f.Rows)))
	for i := range f.Rows {
		r := &f.Rows[i]
		b = binary.AppendUvarint(b, numberOf(r.Series))
		var err error
		if b, err = appendUsage(b, &r.Usage); err != nil {
			return "", fmt.Errorf("%s %s/%s %s: %w", r.Series.Kind, r.Series.Namespace, r.Series.Pod, r.Series.Container, err)
		}
	}
	return string(b), nil
}

func appendUsage(b []byte, u *hub.Usage) ([]byte, error) {
	over, err := fixed(u.OverSeconds, 1e3)
	if err != nil {
		return nil, fmt.Errorf("overSeconds: %w", err)
	}
	var known, set uint64
	var numbers [hub.MetricCount]uint64
	for m := range hub.MetricCount {
		if !u.Values.Known(m) {
			continue
		}
		known |= 1 << m
		if numbers[m], err = fixed(u.Values[m], scale(m)); err != nil {
			return nil, fmt.Errorf("%v: %w", m, err)
		}
		if numbers[m] != 0 {
			set |= 1 << m
		}
	}
	b = binary.AppendUvarint(b, over)
	b = binary.AppendUvarint(b, known)
	b = binary.AppendUvarint(b, set)
	for m := range hub.MetricCount {
		if numbers[m] != 0 {
			b = binary.AppendUvarint(b, numbers[m])
		}
	}
	return b, nil
}

func fixed(v, scale float64) (uint64, error) {
	if !(v >= 0 && v*scale < maxFixed) {
		return 0, fmt.Errorf("%v is not a number from 0 to %g", v, maxFixed/scale)
	}
	return uint64(math.Round(v * scale)), nil
}

// A reader takes varints and texts off the front of a value. After an error,
// and at the end, it goes on with zeros.
type reader struct {
	rest string
	err  error
}

func (r *reader) uvarint() uint64 {
	if len(r.rest) > 0 && r.rest[0] < 0x80 { // as most are
		v := uint64(r.rest[0])
		r.rest = r.rest[1:]
		return v
	}
	var v uint64
	for i := 0; i < len(r.rest) && i < binary.MaxVarintLen64; i++ {
		v |= uint64(r.rest[i]&0x7f) << (7 * i)
		if r.rest[i] < 0x80 {
			r.rest = r.rest[i+1:]
			return v
		}
	}
	r.rest, r.err = "", errCorrupt
	return 0
}

func (r *reader) text() string {
	n := r.uvarint()
	if n > uint64(len(r.rest)) {
		r.rest, r.err = "", errCorrupt
		return ""
	}
	s := r.rest[:n]
	r.rest = r.rest[n:]
	return s
}

// end returns an error unless the value was read whole and to its end.
func (r *reader) end() error {
	if r.err == nil && r.rest != "" {
		return errCorrupt
	}
	return r.err
}

// decodeRows turns a frame's value back; seriesOf gives a number its series.
func decodeRows(value string, seriesOf func(uint64) (hub.Series, error)) ([]hub.Row, error) {
	const smallestRow = 4 // bytes
	r := reader{rest: value}
	count := r.uvarint()
	if count > uint64(len(value)/smallestRow) {
		return nil, errCorrupt
	}
	rows := make([]hub.Row, count)
	unknown := hub.NewUsage()
	for i := range rows {
		id := r.uvarint()
		rows[i].Usage = unknown
		decodeUsage(&r, &rows[i].Usage)
		if r.err != nil {
			return nil, r.err
		}
		var err error
		if rows[i].Series, err = seriesOf(id); err != nil {
			return nil, fmt.Errorf("series %d: %w", id, err)
		}
	}
	return rows, r.end()
}

// decodeUsage fills u, of which nothing is known yet.
func decodeUsage(r *reader, u *hub.Usage) {
	u.OverSeconds = float64(r.uvarint()) / 1e3
	known, set := r.uvarint(), r.uvarint()
	if set&^known != 0 || bits.Len64(known) > int(hub.MetricCount) {
		r.rest, r.err = "", errCorrupt
		return
	}
	for zero := known &^ set; zero != 0; zero &= zero - 1 {
		u.Values[bits.TrailingZeros64(zero)] = 0
	}
	for ; set != 0; set &= set - 1 {
		m := hub.Metric(bits.TrailingZeros64(set))
		u.Values[m] = float64(r.uvarint()) / scale(m)
	}
}

func encodeSeries(s hub.Series) string {
	var b []byte
	for _, field := range []string{string(s.Kind), s.Node, s.Namespace, s.Pod, s.PodUID, s.Container, s.OwnerKind, s.OwnerName} {
		b = binary.AppendUvarint(b, uint64(len(field)))
		b = append(b, field...)
	}
	return string(b)
}

func decodeSeries(value string) (hub.Series, error) {
	r := reader{rest: value}
	s := hub.Series{Kind: hub.Kind(r.text()), Node: r.text(), Namespace: r.text(), Pod: r.text(), PodUID: r.text(),
		Container: r.text(), OwnerKind: r.text(), OwnerName: r.text()}
	return s, r.end()
}
