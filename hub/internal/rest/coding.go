package rest

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// A coding is how the bytes of an answer are sent.
type coding uint8

// The codings, the best last.
const (
	identity coding = iota
	gzipped
	zstandard
	codings
)

// String is the coding's name in HTTP.
func (c coding) String() string { return [codings]string{"identity", "gzip", "zstd"}[c] }

// suffix ends the ETag of an answer in this coding: another representation has
// another strong ETag.
func (c coding) suffix() string {
	if c == identity {
		return ""
	}
	return "-" + c.String()
}

// leastPacked is the size below which compression costs more than it saves.
const leastPacked = 1024

// codingFor chooses among what the client accepts, by RFC 9110: the one of the
// highest quality, of equals the best. Who accepts nothing that there is gets
// the bytes as they are.
func codingFor(accept []string, size int) coding {
	if size < leastPacked {
		return identity
	}
	given := [codings]float64{-1, -1, -1}
	others := -1.0
	for part := range strings.SplitSeq(strings.Join(accept, ","), ",") {
		name, quality := parseAccepted(part)
		switch strings.ToLower(name) {
		case "gzip", "x-gzip":
			given[gzipped] = quality
		case "zstd":
			given[zstandard] = quality
		case "identity":
			given[identity] = quality
		case "*":
			others = quality
		}
	}
	best, highest := identity, 0.0
	for c := range codings {
		quality := given[c]
		if quality < 0 && c != identity {
			quality = others
		}
		if quality > 0 && quality >= highest {
			best, highest = c, quality
		}
	}
	return best
}

// parseAccepted reads one element of Accept-Encoding. A quality that cannot be
// read refuses the coding.
func parseAccepted(part string) (name string, quality float64) {
	name, params, weighted := strings.Cut(part, ";")
	name = strings.TrimSpace(name)
	if !weighted {
		return name, 1
	}
	key, value, _ := strings.Cut(strings.TrimSpace(params), "=")
	quality, err := strconv.ParseFloat(value, 64)
	if !strings.EqualFold(key, "q") || err != nil || !(quality >= 0 && quality <= 1) {
		return name, 0
	}
	return name, quality
}

// A packer writes compressed bytes, and can be used again.
type packer interface {
	io.WriteCloser
	Reset(io.Writer)
}

// packers has the packers that rest between two answers: each holds a state of
// up to some hundred kilobytes.
type packers [codings]sync.Pool

// newPacker makes one that is fast and small: level 1, one goroutine, and a
// window that is of use for names that come again in the next item.
func newPacker(c coding) (packer, error) {
	if c == gzipped {
		return gzip.NewWriterLevel(nil, gzip.BestSpeed)
	}
	return zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1),
		zstd.WithLowerEncoderMem(true), zstd.WithWindowSize(zstdWindow))
}

const zstdWindow = 128 << 10

// pack compresses the pieces into one.
func (p *packers) pack(c coding, pieces [][]byte, size int) ([]byte, error) {
	w, ok := p[c].Get().(packer)
	if !ok {
		var err error
		if w, err = newPacker(c); err != nil {
			return nil, fmt.Errorf("set up %s: %w", c, err)
		}
	}
	defer p[c].Put(w)
	packed := bytes.NewBuffer(make([]byte, 0, size/8+512))
	w.Reset(packed)
	for _, piece := range pieces {
		if _, err := w.Write(piece); err != nil {
			return nil, fmt.Errorf("compress by %s: %w", c, err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("compress by %s: %w", c, err)
	}
	return packed.Bytes(), nil
}
