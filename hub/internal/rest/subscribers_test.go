package rest_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kubemon/kubemon/hub/internal/rest"
)

// subscribe opens a subscription of a reader, "" for one who is not known, and
// reads it until its connection is closed.
func (p *pipes) subscribe(t *testing.T, reader string) (*http.Response, net.Conn) {
	t.Helper()
	conn := p.dial(t, "Reader: "+reader+"\r\n")
	resp, events := open(t, conn)
	go func() { _, _ = io.Copy(io.Discard, events) }()
	return resp, conn
}

// TestSubscribersAreBounded opens as many as there may be, is refused one more,
// and finds room again when one leaves. A subscription ends by itself.
func TestSubscribersAreBounded(t *testing.T) {
	readers := func(i int) string { return fmt.Sprint("reader-", i%(rest.MaxSubscribers/rest.MaxOfOneReader+1)) }
	for name, of := range map[string]struct {
		most   int
		reader func(i int) string
	}{
		"of all":                     {rest.MaxSubscribers, readers},
		"of all who are not known":   {rest.MaxSubscribers, func(int) string { return "" }},
		"of one":                     {rest.MaxOfOneReader, func(int) string { return "eager" }},
		"of one beside some others'": {rest.MaxOfOneReader + 3, func(i int) string { return []string{"a", "b", "c", "eager"}[min(i, 3)] }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { subscribersAreBounded(t, of.most, of.reader) })
		})
	}
}

func subscribersAreBounded(t *testing.T, most int, reader func(i int) string) {
	listener := newPipes()
	stop := serveEvents(t, newPublisher(), listener)
	var conns []net.Conn
	ask := func(i int) *http.Response {
		resp, conn := listener.subscribe(t, reader(i))
		conns = append(conns, conn)
		return resp
	}
	for i := range most {
		if resp := ask(i); resp.StatusCode != http.StatusOK {
			t.Fatalf("subscriber %d: %s", i, resp.Status)
		}
	}
	if r := ask(most); r.StatusCode != http.StatusServiceUnavailable || r.Header.Get("Retry-After") == "" || r.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("one too many: %s, %v", r.Status, r.Header)
	}
	conns[most-1].Close()
	synctest.Wait()
	if resp := ask(most - 1); resp.StatusCode != http.StatusOK {
		t.Errorf("after one has left: %s", resp.Status)
	}
	time.Sleep(time.Hour)
	if resp := ask(most); resp.StatusCode != http.StatusOK {
		t.Errorf("after an hour: %s, want all subscriptions to have ended", resp.Status)
	}
	if err := stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
	for _, c := range conns {
		c.Close()
	}
}

// TestAnEagerReaderIsAlone has one reader ask for more events than there are
// subscriptions for all together: others are told of the rounds as before.
func TestAnEagerReaderIsAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, listener := newPublisher(), newPipes()
		stop := serveEvents(t, p, listener)
		for i := range rest.MaxSubscribers + 10 {
			resp, conn := listener.subscribe(t, "eager")
			defer conn.Close()
			if got := resp.StatusCode == http.StatusOK; got != (i < rest.MaxOfOneReader) {
				t.Fatalf("subscription %d of one reader: %s", i, resp.Status)
			}
		}
		conn := listener.dial(t, "Reader: modest\r\n")
		defer conn.Close()
		resp, events := open(t, conn)
		if resp.StatusCode != http.StatusOK {
			t.Fatalf("another reader gets %s", resp.Status)
		}
		if e := readRound(t, events); e.tick.Number != p.view.Round.Number {
			t.Errorf("another reader is told of %+v", e)
		}
		if err := stop(); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
}
