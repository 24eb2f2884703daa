package rest_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/kubemon/kubemon/hub"
	"github.com/kubemon/kubemon/hub/internal/rest"
)

// publisher is a rest.Reader that publishes when the test does.
type publisher struct {
	reader
	mu   sync.Mutex
	next chan struct{}
}

func newPublisher() *publisher {
	return &publisher{reader: reader{view: testView()}, next: make(chan struct{})}
}

func (p *publisher) View() (*hub.View, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.reader.View()
}

func (p *publisher) Published() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.next
}

func (p *publisher) publish() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reader.err = nil
	p.reader.next()
	close(p.next)
	p.next = make(chan struct{})
}

// pipes is a listener whose connections are in memory: nothing is buffered, so
// that who does not read stalls the writer at once, and time is the test's.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), closed: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.closed) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipes"} }

// dial asks for events and returns the connection, of which nothing is read.
func (p *pipes) dial(t *testing.T, headers ...string) net.Conn {
	t.Helper()
	return p.ask(t, v1+"/events", headers...)
}

// ask is dial for any path.
func (p *pipes) ask(t *testing.T, target string, headers ...string) net.Conn {
	t.Helper()
	client, server := net.Pipe()
	p.conns <- server
	request := "GET " + target + " HTTP/1.1\r\nHost: hub\r\n" + strings.Join(headers, "") + "\r\n"
	if _, err := io.WriteString(client, request); err != nil {
		t.Fatal(err)
	}
	return client
}

// serveEvents runs a server as the program does, with its times, until the
// test's end, and returns how to stop it.
func serveEvents(t *testing.T, r rest.Reader, listener net.Listener) (stop func() error) {
	t.Helper()
	return serveConfig(t, config(r, io.Discard), listener)
}

func serveConfig(t *testing.T, cfg rest.Config, listener net.Listener) (stop func() error) {
	t.Helper()
	stopping := make(chan struct{})
	cfg.Stopping = stopping
	h, err := rest.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: h, ReadTimeout: 10 * time.Second, WriteTimeout: time.Minute, IdleTimeout: time.Minute}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	return func() error {
		close(stopping)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		return errors.Join(server.Shutdown(ctx), server.Close())
	}
}

// An event is as a browser reads it.
type event struct {
	name, id string
	tick     struct {
		Number        uint64
		WindowSeconds float64
		Nodes         map[string]int
		ETag          string
	}
	data []byte
}

// readEvent reads up to the next event; comments are returned as their own.
func readEvent(t *testing.T, r *bufio.Reader) event {
	t.Helper()
	var e event
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			t.Fatalf("read event: %v", err)
		}
		field, value, _ := strings.Cut(strings.TrimRight(line, "\r\n"), ":")
		switch field {
		case "event":
			e.name = strings.TrimSpace(value)
		case "id":
			e.id = strings.TrimSpace(value)
		case "data":
			e.data = []byte(strings.TrimSpace(value))
			if err := json.Unmarshal(e.data, &e.tick); err != nil {
				t.Fatalf("data %s: %v", e.data, err)
			}
		case "":
			if strings.HasPrefix(line, ":") {
				e.name = "heartbeat"
			}
			if e.name != "" && !strings.HasPrefix(line, ":") {
				return e
			}
		}
	}
}

// readRound reads up to the next event that is about a round.
func readRound(t *testing.T, r *bufio.Reader) event {
	t.Helper()
	for {
		if e := readEvent(t, r); e.name == "round" {
			return e
		}
	}
}

func open(t *testing.T, conn net.Conn) (*http.Response, *bufio.Reader) {
	t.Helper()
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	return resp, bufio.NewReader(resp.Body)
}

// TestEvents follows rounds for longer than any of the server's own timeouts.
func TestEvents(t *testing.T) {
	document := loadDocument(t, handler(t, testReader()))
	synctest.Test(t, func(t *testing.T) {
		p, listener := newPublisher(), newPipes()
		p.reader.err = hub.ErrNotReady
		stop := serveEvents(t, p, listener)
		conn := listener.dial(t)
		resp, events := open(t, conn)
		if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "text/event-stream" || resp.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s %v", resp.Status, resp.Header)
		}
		time.AfterFunc(time.Second, p.publish) // the first round of all
		for i := range 10 {
			e := readEvent(t, events)
			if want := uint64(361 + i); e.name != "round" || e.tick.Number != want || e.tick.Nodes["ok"] != 1 || e.tick.Nodes["down"] != 1 {
				t.Errorf("event %d = %+v, want number %d", i, e, want)
			}
			if want := p.view.Round.Window.Seconds(); e.tick.WindowSeconds != want || want == 0 {
				t.Errorf("event %d says that answers go back %v s, want %v", i, e.tick.WindowSeconds, want)
			}
			if e.id != e.tick.ETag || e.id == "" {
				t.Errorf("id %q, etag %q", e.id, e.tick.ETag)
			}
			var data any
			if err := json.Unmarshal(e.data, &data); err != nil {
				t.Fatal(err)
			}
			if err := document.Components.Schemas["Tick"].Value.VisitJSON(data, openapi3.EnableJSONSchema2020()); err != nil {
				t.Errorf("event %d: %v", i, err)
			}
			if h := readEvent(t, events); h.name != "heartbeat" {
				t.Errorf("in a quiet time comes %+v, want a heartbeat", h)
			}
			p.publish()
		}
		last := readRound(t, events).id

		again := listener.dial(t, "Last-Event-ID: "+last+"\r\n")
		_, afterwards := open(t, again)
		p.publish()
		if e := readRound(t, afterwards); e.id == last || e.tick.Number != 372 {
			t.Errorf("who has the latest round is told of %+v first, want the next", e)
		}
		readEvent(t, events)
		if err := stop(); err != nil {
			t.Errorf("stopping with open events: %v", err)
		}
		conn.Close()
		again.Close()
	})
}

// TestStalledReaders has two hundred clients that never read and one that does:
// publishing waits for nobody, the one is told of every round, and the others
// lose their connections.
func TestStalledReaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, listener := newPublisher(), newPipes()
		stop := serveEvents(t, p, listener)
		var stalled []net.Conn
		for range 200 {
			stalled = append(stalled, listener.dial(t))
		}
		good := listener.dial(t)
		_, events := open(t, good)
		readRound(t, events)
		for range 20 {
			before := time.Now()
			p.publish()
			if waited := time.Since(before); waited != 0 {
				t.Fatalf("publishing waited %v for a reader", waited)
			}
			if e := readRound(t, events); e.tick.Number != p.view.Round.Number {
				t.Fatalf("told of round %d, the latest is %d", e.tick.Number, p.view.Round.Number)
			}
			time.Sleep(time.Second)
		}
		for i, conn := range stalled {
			if rest, err := io.ReadAll(conn); err != nil || strings.Count(string(rest), "event: round") > 1 {
				t.Fatalf("stalled reader %d still gets %q, %v; want a closed connection", i, rest, err)
			}
		}
		if err := stop(); err != nil {
			t.Errorf("stop: %v", err)
		}
		good.Close()
	})
}

// TestSlowReaderSeesTheLatest lets one client sleep through rounds.
func TestSlowReaderSeesTheLatest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, listener := newPublisher(), newPipes()
		stop := serveEvents(t, p, listener)
		conn := listener.dial(t)
		_, events := open(t, conn)
		readRound(t, events)
		for range 5 {
			p.publish() // the first of these is being written while the others come
		}
		var seen []uint64
		for len(seen) == 0 || seen[len(seen)-1] < p.view.Round.Number {
			seen = append(seen, readRound(t, events).tick.Number)
		}
		if len(seen) > 2 {
			t.Errorf("a slow reader is told of rounds %v, want the latest without a queue", seen)
		}
		if err := stop(); err != nil {
			t.Errorf("stop: %v", err)
		}
		conn.Close()
	})
}

// TestStalledReadersOnSockets is what TestStalledReaders is, over the kernel's
// sockets: its buffers take what nobody reads, and the hub keeps nothing.
func TestStalledReadersOnSockets(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := newPublisher()
	stop := serveEvents(t, p, listener)
	for range 200 {
		conn, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if err := conn.(*net.TCPConn).SetReadBuffer(4096); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "GET %s/events HTTP/1.1\r\nHost: hub\r\n\r\n", v1)
	}
	resp, err := http.Get("http://" + listener.Addr().String() + v1 + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	events := bufio.NewReader(resp.Body)
	for range 200 {
		p.publish()
		for e := readRound(t, events); e.tick.Number < p.view.Round.Number; {
			e = readRound(t, events)
		}
	}
	if err := stop(); err != nil {
		t.Errorf("stopping with 200 stalled readers: %v", err)
	}
}
