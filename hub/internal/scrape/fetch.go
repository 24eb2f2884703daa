package scrape

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/kubemon/kubemon/hub"
	"github.com/kubemon/kubemon/shared/snapshot"
)

// A question is what an agent can be asked for.
type question struct {
	path   string
	what   string // what it is answered with, for people
	accept string
	types  []string // media types of answers
	most   int64    // bytes
}

// snapshots asks for the binary encoding and takes JSON.
func snapshots() question {
	return question{
		path: "snapshot", what: "a snapshot",
		accept: snapshot.ContentTypeMsgpack + ", " + snapshot.ContentTypeJSON + ";q=0.5",
		types:  []string{snapshot.ContentTypeMsgpack, snapshot.ContentTypeJSON},
		most:   snapshot.MaxBodyBytes,
	}
}

// maxDrained is how much of an unwanted body is read so that the connection
// can be used again; beyond it, a new connection is cheaper.
const maxDrained = 64 << 10

// maxGrownBytes is how much memory an announced length gets before any of it has
// come; real bodies are shorter.
const maxGrownBytes = 256 << 10

// fetch gets one snapshot from the base address and says how many bytes its
// body had.
func (s *Scraper) fetch(ctx context.Context, agent hub.Agent, base string) (*snapshot.Snapshot, int, error) {
	q := snapshots()
	response, address, err := s.get(ctx, agent, base, q, nil)
	if err != nil {
		return nil, 0, err
	}
	defer response.Body.Close()
	if err := q.checkHead(response); err != nil {
		return nil, 0, fmt.Errorf("get %s: %w", address, err)
	}
	defer s.bodies.take()()
	buffer := s.borrow()
	defer s.giveBack(buffer) // what is decoded shares nothing with it
	err = q.readBody(response, buffer)
	body := buffer.Bytes()
	if err != nil {
		return nil, len(body), fmt.Errorf("read %s: %w", address, s.plain(err))
	}
	snap, err := snapshot.Decode(body, response.Header.Get("Content-Type"))
	if err != nil {
		return nil, len(body), failuref(hub.FailureDecode, "read %s: %w", address, Unquoted(err))
	}
	if err := s.checkNode(agent, snap.Node); err != nil {
		return nil, len(body), fmt.Errorf("get %s: %w", address, err)
	}
	return snap, len(body), nil
}

// maxNodeName is how long a node's name may be, as Kubernetes has it: a DNS
// subdomain name (RFC 1123).
const maxNodeName = 253

// checkNode returns an error unless an answer about that node can be the
// agent's. Of an agent that only an address is known of, its word counts, and is
// shown everywhere.
func (s *Scraper) checkNode(agent hub.Agent, node string) error {
	switch {
	case agent.Node != "" && node != agent.Node:
		return failuref(hub.FailureWrongNode, "answer is about another node: %q, expected %q", cut(node), agent.Node)
	case len(node) > maxNodeName || s.token.isIn(node):
		return failuref(hub.FailureWrongNode, "answer is about %q, expected a node's name of at most %d bytes", cut(node), maxNodeName)
	}
	return nil
}

// get sends one question to the base address and returns what comes back, with
// the address for errors. Whoever gets a response closes its body.
func (s *Scraper) get(ctx context.Context, agent hub.Agent, base string, q question, query url.Values) (*http.Response, string, error) {
	address, err := url.JoinPath(base, q.path)
	if err != nil {
		return nil, "", unreachable(base, err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, "", unreachable(base, err)
	}
	request.URL.RawQuery = query.Encode()
	request.Header.Set("Accept", q.accept)
	request.Header.Set("User-Agent", s.userAgent)
	if err := s.authorize(agent, request); err != nil {
		return nil, "", fmt.Errorf("get %s: %w", address, err)
	}
	response, err := s.client.Do(to(agent, request))
	if err != nil {
		return nil, "", fmt.Errorf("get %s: %w", address, s.plain(err))
	}
	return response, address, nil
}

// authorize adds the hub's token to what goes over TLS. A connection for that is
// only there once its peer has been accepted, see dialTLS.
func (s *Scraper) authorize(agent hub.Agent, r *http.Request) error {
	if r.URL.Scheme != "https" {
		return s.peers.acceptPlain(agent)
	}
	if s.token == nil {
		return nil
	}
	header, err := s.token.authorization()
	if err != nil {
		return failuref(hub.FailureUnauthorized, "there is no token to send: %w", err)
	}
	r.Header.Set("Authorization", header)
	return nil
}

// checkHead returns an error unless what was asked for can follow.
func (q question) checkHead(r *http.Response) error {
	mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	status := strings.TrimSpace(fmt.Sprintf("%d %s", r.StatusCode, http.StatusText(r.StatusCode)))
	shown := cmp.Or(cut(mediaType), "no content type")
	switch {
	case r.StatusCode >= 300 && r.StatusCode < 400:
		drain(r.Body)
		return failuref(hub.FailureStatus, "answers %s to %q; redirects are not followed", status, cut(r.Header.Get("Location")))
	case r.StatusCode == http.StatusUnauthorized, r.StatusCode == http.StatusForbidden:
		return failuref(hub.FailureUnauthorized, "answers %s%s, expected 200 with %s", status, problemDetail(mediaType, r.Body), q.what)
	case r.StatusCode != http.StatusOK:
		return failuref(hub.FailureStatus, "answers %s with %s%s, expected 200 with %s", status, shown, problemDetail(mediaType, r.Body), q.what)
	case !slices.Contains(q.types, mediaType):
		drain(r.Body)
		return failuref(hub.FailureContentType, "answers %s with %s, expected %s: is this a kubemon agent?", status, shown, strings.Join(q.types, " or "))
	case r.Header.Get("Content-Encoding") != "":
		drain(r.Body)
		return failuref(hub.FailureContentType, "answers with encoding %q, which was not asked for", cut(r.Header.Get("Content-Encoding")))
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

// readBody reads the whole body unless it is too large. The announced length
// is a hint: it saves copying, and memory is spent on what has come.
func (q question) readBody(r *http.Response, to *bytes.Buffer) error {
	if r.ContentLength > q.most {
		return failuref(hub.FailureTooLarge, "answer is too large: %d bytes, at most %d are read", r.ContentLength, q.most)
	}
	if r.ContentLength > 0 {
		to.Grow(int(min(r.ContentLength, maxGrownBytes)) + bytes.MinRead)
	}
	n, err := to.ReadFrom(io.LimitReader(r.Body, q.most+1))
	if err != nil {
		return err
	}
	if n > q.most {
		to.Reset()
		return failuref(hub.FailureTooLarge, "answer is too large: at most %d bytes are read", q.most)
	}
	return nil
}

// borrow returns an empty buffer for a body. Bodies are the biggest part of
// what a scrape allocates, so their memory goes from one to the next.
func (s *Scraper) borrow() *bytes.Buffer {
	if b, ok := s.buffers.Get().(*bytes.Buffer); ok {
		return b
	}
	return new(bytes.Buffer)
}

// giveBack keeps a buffer for the next body, unless it is a rarely big one.
func (s *Scraper) giveBack(b *bytes.Buffer) {
	if b.Cap() <= maxGrownBytes+bytes.MinRead {
		b.Reset()
		s.buffers.Put(b)
	}
}

func drain(body io.Reader) { _, _ = io.CopyN(io.Discard, body, maxDrained) }
