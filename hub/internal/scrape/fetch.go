package scrape

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"

	"github.com/kubemon/kubemon/hub"
	"github.com/kubemon/kubemon/shared/snapshot"
)

// Errors of an agent's answer, inside a Result.
var (
	// ErrTooLarge: the body is longer than snapshot.MaxBodyBytes.
	ErrTooLarge = errors.New("answer is too large")
	// ErrWrongNode: the answer is about another node than the agent's.
	ErrWrongNode = errors.New("answer is about another node")
)

// accept asks for the binary encoding and takes JSON.
const accept = snapshot.ContentTypeMsgpack + ", " + snapshot.ContentTypeJSON + ";q=0.5"

// maxDrained is how much of an unwanted body is read so that the connection
// can be used again; beyond it, a new connection is cheaper.
const maxDrained = 64 << 10

// fetch gets one snapshot and says how many bytes its body had.
func (s *Scraper) fetch(ctx context.Context, agent hub.Agent) (*snapshot.Snapshot, int, error) {
	address, err := url.JoinPath(agent.URL, "snapshot")
	if err != nil {
		return nil, 0, fmt.Errorf("read agent address %q: %w", agent.URL, err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, 0, fmt.Errorf("read agent address %q: %w", agent.URL, err)
	}
	request.Header.Set("Accept", accept)
	request.Header.Set("User-Agent", s.userAgent)
	response, err := s.client.Do(request)
	if err != nil {
		return nil, 0, fmt.Errorf("get %s: %w", address, s.plain(err))
	}
	defer response.Body.Close()
	if err := checkHead(response); err != nil {
		return nil, 0, fmt.Errorf("get %s: %w", address, err)
	}
	body, err := readBody(response)
	if err != nil {
		return nil, len(body), fmt.Errorf("read %s: %w", address, s.plain(err))
	}
	snap, err := snapshot.Decode(body, response.Header.Get("Content-Type"))
	if err != nil {
		return nil, len(body), fmt.Errorf("read %s: %w", address, err)
	}
	if agent.Node != "" && snap.Node != agent.Node {
		return nil, len(body), fmt.Errorf("get %s: %w: %q, expected %q", address, ErrWrongNode, cut(snap.Node), agent.Node)
	}
	return snap, len(body), nil
}

// checkHead returns an error unless a snapshot can follow.
func checkHead(r *http.Response) error {
	mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	status := strings.TrimSpace(fmt.Sprintf("%d %s", r.StatusCode, http.StatusText(r.StatusCode)))
	shown := cmp.Or(cut(mediaType), "no content type")
	switch {
	case r.StatusCode >= 300 && r.StatusCode < 400:
		drain(r.Body)
		return fmt.Errorf("answers %s to %q; redirects are not followed", status, cut(r.Header.Get("Location")))
	case r.StatusCode != http.StatusOK:
		return fmt.Errorf("answers %s with %s%s, expected 200 with a snapshot", status, shown, problemDetail(mediaType, r.Body))
	case mediaType != snapshot.ContentTypeMsgpack && mediaType != snapshot.ContentTypeJSON:
		drain(r.Body)
		return fmt.Errorf("answers %s with %s, expected %s or %s: is this a kubemon agent?",
			status, shown, snapshot.ContentTypeMsgpack, snapshot.ContentTypeJSON)
	case r.Header.Get("Content-Encoding") != "":
		drain(r.Body)
		return fmt.Errorf("answers with encoding %q, which was not asked for", cut(r.Header.Get("Content-Encoding")))
	}
	return nil
}

// problemDetail is what an agent's own error (RFC 9457) says, in brackets.
func problemDetail(mediaType string, body io.Reader) string {
	defer drain(body)
	if mediaType != "application/problem+json" {
		return ""
	}
	var problem struct{ Detail string }
	if err := json.NewDecoder(io.LimitReader(body, 4<<10)).Decode(&problem); err != nil || problem.Detail == "" {
		return ""
	}
	return " (" + cut(problem.Detail) + ")"
}

// cut keeps an agent's words in an error to a line's length.
func cut(s string) string {
	const longest = 200
	if len(s) <= longest {
		return s
	}
	return strings.ToValidUTF8(s[:longest], "") + "…"
}

// readBody reads the whole body unless it is too large. The announced length
// is a hint: it saves copying, and memory is spent on it within the limit only.
func readBody(r *http.Response) ([]byte, error) {
	if r.ContentLength > snapshot.MaxBodyBytes {
		return nil, fmt.Errorf("%w: %d bytes, at most %d are read", ErrTooLarge, r.ContentLength, snapshot.MaxBodyBytes)
	}
	var body bytes.Buffer
	if r.ContentLength > 0 {
		body.Grow(int(r.ContentLength) + bytes.MinRead)
	}
	n, err := body.ReadFrom(io.LimitReader(r.Body, snapshot.MaxBodyBytes+1))
	if err != nil {
		return body.Bytes(), err
	}
	if n > snapshot.MaxBodyBytes {
		return nil, fmt.Errorf("%w: at most %d bytes are read", ErrTooLarge, snapshot.MaxBodyBytes)
	}
	return body.Bytes(), nil
}

func drain(body io.Reader) { _, _ = io.CopyN(io.Discard, body, maxDrained) }

// plain replaces what net and net/http say of a failed exchange by its cause:
// their texts name the hub's own port, another one each time.
func (s *Scraper) plain(err error) error {
	if urlErr, ok := errors.AsType[*url.Error](err); ok {
		err = urlErr.Err
	}
	op, isOp := errors.AsType[*net.OpError](err)
	if isOp && op.Op == "dial" && op.Timeout() {
		return fmt.Errorf("no connection within %s: %w", min(dialTimeout, s.timeout), context.DeadlineExceeded)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("no whole answer within %s: %w", s.timeout, context.DeadlineExceeded)
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return fmt.Errorf("look up %s: %s", dns.Name, dns.Err)
	}
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return errno
	}
	if isOp {
		return op.Err
	}
	return err
}
