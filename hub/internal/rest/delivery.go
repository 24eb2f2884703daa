package rest

import (
	"bufio"
	"errors"
	"fmt"
	"hash/fnv"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/kubemon/kubemon/hub"
)

// A delivery is an answer on its way to one client.
type delivery struct {
	tag   string // of the ETag, without quotes and the coding's suffix
	held  coding // in which the client has the answer, by isHeld
	began time.Time
	round uint64 // 0 for what is of no round
	body  *body
	built bool // for this client
	// readTime is how long the client may take to read it, 0 for as long as the
	// server lets it: what it reads holds a round in memory.
	readTime time.Duration

	// What leaves, and how: by encode.
	coded  coding
	pieces [][]byte
	size   int
	timing string // entries of Server-Timing, each after a comma
}

// roundTag is what the ETags of a round begin with: one round of one hub.
func roundTag(r *hub.Round) string {
	return strconv.FormatInt(r.Started.UnixNano(), 36) + "-" + strconv.FormatUint(r.Number, 10)
}

// answerTag is strong together with the scope's key, the body's own tag and the
// coding's suffix: in one round of one hub, one path and query always have the
// same bytes for readers of one scope, and those with a window say which they
// are.
func answerTag(r *hub.Round, asked *url.URL) string {
	return roundTag(r) + "-" + hashOf(asked.EscapedPath()+"?"+asked.RawQuery)
}

func hashOf(text string) string {
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(text)) // never fails
	return strconv.FormatUint(hash.Sum64(), 36)
}

// isHeld reports whether the client has the answer, in any coding. An asterisk
// counts once it is known that there is one.
func (d *delivery) isHeld(header http.Header, exists bool) bool {
	for _, tags := range header.Values("If-None-Match") {
		for tag := range strings.SplitSeq(tags, ",") {
			tag = strings.TrimSpace(tag)
			if tag == "*" && exists {
				return true
			}
			tag = strings.Trim(strings.TrimPrefix(tag, "W/"), `"`)
			for c := range codings {
				if tag == d.tag+c.suffix() {
					d.held = c
					return true
				}
			}
		}
	}
	return false
}

func (d *delivery) notModified(c echo.Context) error {
	d.setHeader(c.Response().Header(), d.held)
	return c.NoContent(http.StatusNotModified)
}

// setHeader says what the answer is and how long it holds: the client may keep
// it, and asks each time whether it still does.
func (d *delivery) setHeader(h http.Header, c coding) {
	h.Set("ETag", `"`+d.tag+c.suffix()+`"`)
	h.Set("Cache-Control", "private, no-cache")
	h.Set("Vary", "Accept-Encoding, Authorization, Cookie")
	if d.round > 0 {
		h.Set("Server-Timing", `round;desc="`+strconv.FormatUint(d.round, 10)+`"`+d.timing)
	}
}

// deliver sends the answer. grow is told what has come to be held with it, and
// says whether it is kept; if not, a slow client holds it alone, and there can
// be too many of those.
func (s *server) deliver(c echo.Context, d *delivery, grow func(bytes int) (kept bool)) error {
	packed, err := s.encode(c.Request(), d)
	if err != nil {
		return err
	}
	if !grow(packed) {
		giveBack, err := s.sending.take(d.owned())
		if err != nil {
			return err
		}
		defer giveBack()
	}
	if err := limitWriting(http.NewResponseController(c.Response()), d.readTime); err != nil {
		return err
	}
	h := c.Response().Header()
	d.setHeader(h, d.coded)
	h.Set("Content-Type", echo.MIMEApplicationJSON)
	h.Set("Content-Length", strconv.Itoa(d.size))
	if d.coded != identity {
		h.Set("Content-Encoding", d.coded.String())
	}
	c.Response().WriteHeader(http.StatusOK)
	if c.Request().Method == http.MethodHead {
		return nil
	}
	return write(c.Response(), d.pieces)
}

// maxReadTime is for long intervals: that of any answer of the program.
const maxReadTime = time.Minute

// readTimeOf lets clients hold two rounds besides the latest at most.
func readTimeOf(r *hub.Round) time.Duration { return min(2*r.Interval, maxReadTime) }

// limitWriting gives the client so much time from now on; 0 changes nothing.
func limitWriting(w *http.ResponseController, within time.Duration) error {
	if within == 0 {
		return nil
	}
	if err := w.SetWriteDeadline(time.Now().Add(within)); !errors.Is(err, http.ErrNotSupported) {
		return ended(err)
	}
	return nil
}

// owned is what memory the delivery holds: the items are the round's.
func (d *delivery) owned() int {
	if d.coded == identity {
		return d.body.owned
	}
	return d.body.owned + d.size
}

// encode puts the answer in the coding that the client prefers, and returns how
// many bytes it packed for that.
func (s *server) encode(r *http.Request, d *delivery) (packed int, err error) {
	d.timing = ", cached"
	if d.built {
		d.timing = duration("encode", d.began)
	}
	d.pieces, d.size = d.body.pieces, d.body.size
	d.coded = codingFor(r.Header.Values("Accept-Encoding"), d.size)
	if d.coded == identity {
		return 0, nil
	}
	began := time.Now()
	bytes, built, err := s.in(r.Context(), d.coded, d.body)
	if err != nil {
		return 0, err
	}
	d.pieces, d.size = [][]byte{bytes}, len(bytes)
	if !built {
		return 0, nil
	}
	d.timing += duration("compress", began)
	return d.size, nil
}

// duration is an entry of Server-Timing behind others, in milliseconds.
func duration(name string, began time.Time) string {
	milliseconds := float64(time.Since(began).Microseconds()) / 1000
	return ", " + name + ";dur=" + strconv.FormatFloat(milliseconds, 'f', -1, 64)
}

// write sends small pieces together, and large ones as they are.
func write(w http.ResponseWriter, pieces [][]byte) error {
	if len(pieces) == 1 {
		_, err := w.Write(pieces[0])
		return ended(err)
	}
	buffer := bufio.NewWriterSize(w, 16<<10)
	for _, piece := range pieces {
		if _, err := buffer.Write(piece); err != nil {
			return ended(err)
		}
	}
	return ended(buffer.Flush())
}

func ended(err error) error {
	if err != nil {
		return fmt.Errorf("%w: %w", errGone, err)
	}
	return nil
}
