package rest

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

func TestCodingFor(t *testing.T) {
	tests := []struct {
		accept string
		want   coding
	}{
		{"", identity},
		{"gzip", gzipped},
		{"GZIP", gzipped},
		{"x-gzip", gzipped},
		{"zstd", zstandard},
		{"gzip, deflate, br, zstd", zstandard}, // a browser's
		{"gzip;q=1.0, zstd;q=0.5", gzipped},
		{"zstd;q=0.5, gzip;q=0.5", zstandard},
		{"gzip;q=0", identity},
		{"gzip;q=0, *", zstandard},
		{"*", zstandard},
		{"*;q=0.5, zstd;q=0", gzipped},
		{"identity, gzip;q=0.5", identity},
		{"identity;q=0.2, gzip;q=0.5", gzipped},
		{"identity;q=0", identity}, // there is nothing better
		{"br, deflate", identity},
		{"gzip;q=2", identity},
		{"gzip;q=-1", identity},
		{"gzip;q=NaN", identity},
		{"gzip;level=1", identity},
		{" gzip ; q=0.8 ,zstd;q=0.1", gzipped},
		{"gzip;Q=0.8", gzipped},
		{",,;=,q", identity},
	}
	for _, tt := range tests {
		if got := codingFor([]string{tt.accept}, leastPacked); got != tt.want {
			t.Errorf("Accept-Encoding: %s is answered in %s, want %s", tt.accept, got, tt.want)
		}
	}
	if got := codingFor([]string{"gzip;q=0.5", "zstd;q=0.1"}, leastPacked); got != gzipped {
		t.Errorf("two headers are answered in %s, want gzip", got)
	}
	if got := codingFor([]string{"gzip"}, leastPacked-1); got != identity {
		t.Errorf("a small body is answered in %s", got)
	}
}

func unpack(c coding, packed []byte) ([]byte, error) {
	if c == zstandard {
		r, err := zstd.NewReader(bytes.NewReader(packed), zstd.WithDecoderMaxWindow(zstdWindow))
		if err != nil {
			return nil, err
		}
		defer r.Close()
		return io.ReadAll(r)
	}
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// TestPack packs different things at once with shared packers, and wants each
// back, by a reader that has no more memory than the window.
func TestPack(t *testing.T) {
	var p packers
	var wait sync.WaitGroup
	for c := gzipped; c < codings; c++ {
		for i := range 8 {
			wait.Go(func() {
				line := fmt.Sprintf(`{"name":"pod-%d","usage":%d},`, i, i*i)
				pieces := [][]byte{[]byte("["), bytes.Repeat([]byte(line), 20_000), []byte("]")}
				want := bytes.Join(pieces, nil)
				packed, err := p.pack(c, pieces, len(want))
				if err != nil {
					t.Error(err)
					return
				}
				got, err := unpack(c, packed)
				if err != nil || !bytes.Equal(got, want) || len(packed) > len(want)/20 {
					t.Errorf("%s: %v, %d bytes of %d came back, from %d", c, err, len(got), len(want), len(packed))
				}
			})
		}
	}
	wait.Wait()
}

// FuzzAccept wants any header to be understood or ignored.
func FuzzAccept(f *testing.F) {
	for _, accept := range []string{"gzip;q=0.5,*;q=0", ";;;", "zstd;q=1e400", strings.Repeat(",", 99), "gzip;q", "\x00;q=1"} {
		f.Add(accept)
	}
	f.Fuzz(func(t *testing.T, accept string) {
		if c := codingFor([]string{accept}, leastPacked); c >= codings {
			t.Errorf("%q: %d", accept, c)
		}
	})
}
