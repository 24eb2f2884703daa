package daemon

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// known is a handler that knows who sends the header Authorization.
var known = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") == "" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	KeepConnection(r.Context())
	io.WriteString(w, "answered "+r.Proto)
})

// serve runs the server until the test ends, and returns its address.
func serve(t *testing.T, s Server) string {
	t.Helper()
	listener, err := Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, listener) }()
	t.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return listener.Addr().String()
}

// ask sends one request as somebody who is known and returns the answer's body.
func ask(t *testing.T, client *http.Client, url string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "known")
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// withServer runs a server of sixty-four connections in a network, for a test in
// a bubble; stop ends it, and what else is in running has ended then, too.
func withServer(t *testing.T, running *sync.WaitGroup) (network *pipes, ctx context.Context, stop func()) {
	network = &pipes{dialed: make(chan net.Conn), closed: make(chan struct{})}
	ctx, cancel := context.WithCancel(t.Context())
	running.Go(func() {
		s := Server{Handler: known, Log: slog.New(slog.DiscardHandler), MaxConnections: 64}
		if err := s.Serve(ctx, network); err != nil && !errors.Is(err, context.DeadlineExceeded) { // slow ones are left
			t.Errorf("Serve: %v", err)
		}
	})
	return network, ctx, func() { cancel(); running.Wait() }
}

// hubs are clients as patient as a hub: one that keeps its connection, and one
// that connects each time. Closing them ends the first one's connection.
func hubs(network *pipes) (clients map[string]*http.Client, closeIdle func()) {
	keeping := &http.Transport{DialContext: network.from(ours)}
	anew := &http.Transport{DialContext: network.from(ours), DisableKeepAlives: true}
	return map[string]*http.Client{
		"kept": {Timeout: 3 * time.Second, Transport: keeping},
		"new":  {Timeout: 3 * time.Second, Transport: anew},
	}, keeping.CloseIdleConnections
}

// answered fails the test unless each client is answered each tenth of a second.
func answered(t *testing.T, clients map[string]*http.Client, times int) {
	t.Helper()
	for range times {
		time.Sleep(100 * time.Millisecond)
		for name, client := range clients {
			if got := ask(t, client, "http://agent"); got != "answered HTTP/1.1" {
				t.Fatalf("on a %s connection: %q", name, got)
			}
		}
	}
}

// TestSlowClientsLockNobodyOut has a hundred clients that send a header's byte
// now and then and come back at once when they are closed, at a server of
// sixty-four connections: who is known is answered on a new connection each
// time, and on one that is kept, within the time that a hub has, also if the
// slow ones are at the hub's own address.
func TestSlowClientsLockNobodyOut(t *testing.T) {
	for _, address := range []string{theirs, ours} {
		synctest.Test(t, func(t *testing.T) {
			var running sync.WaitGroup
			network, ctx, stop := withServer(t, &running)
			clients, closeIdle := hubs(network)
			ask(t, clients["kept"], "http://agent") // the connection is kept from now on
			for range 100 {
				running.Go(func() {
					for ctx.Err() == nil {
						drip(ctx, network.from(address))
					}
				})
			}
			answered(t, clients, 100)
			closeIdle()
			stop()
		})
	}
}

// TestIdleSocketsLockNobodyOut has three thousand at one address that connect at
// once, say nothing, and come back soon when they are closed, and the hub, that
// has no connection yet, at another one.
func TestIdleSocketsLockNobodyOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var running sync.WaitGroup
		network, ctx, stop := withServer(t, &running)
		for range 3000 {
			running.Go(func() {
				for ctx.Err() == nil {
					idle(ctx, network.from(theirs))
					time.Sleep(100 * time.Millisecond)
				}
			})
		}
		clients, closeIdle := hubs(network)
		answered(t, clients, 10)
		closeIdle()
		stop()
	})
}

type dialer func(ctx context.Context, network, address string) (net.Conn, error)

// idle holds a connection until the server closes it.
func idle(ctx context.Context, dial dialer) {
	conn, err := dial(ctx, "", "")
	if err != nil {
		return
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	conn.Read(make([]byte, 1))
}

// drip sends a request slowly until the server closes the connection.
func drip(ctx context.Context, dial dialer) {
	conn, err := dial(ctx, "", "")
	if err != nil {
		return
	}
	defer conn.Close()
	for _, b := range []byte("GET / HTTP/1.1\r\nHost: a\r\nX-Slow: " + strings.Repeat("a", 1000)) {
		if _, err := conn.Write([]byte{b}); err != nil {
			return
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return
		}
	}
}

// TestWhoLeaves fills a listener of four connections, an exclamation mark after
// the address of kept ones, and has one more come.
func TestWhoLeaves(t *testing.T) {
	for _, tt := range []struct {
		name   string
		open   [4]string
		one    string
		want   int // index in open, or 4 for the new one
		atOnce bool
	}{
		{"one address", [4]string{"10.0.0.2", "10.0.0.2", "10.0.0.2", "10.0.0.2"}, "10.0.0.2", 0, false},
		{"another address", [4]string{"10.0.0.1", "10.0.0.2", "10.0.0.2", "10.0.0.2"}, "10.0.0.3", 1, true},
		{"the one that has most", [4]string{"10.0.0.1", "10.0.0.2", "10.0.0.2", "10.0.0.2"}, "10.0.0.2", 1, false},
		{"one each", [4]string{"10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"}, "10.0.0.5", 0, false},
		{"kept ones stay", [4]string{"10.0.0.2!", "10.0.0.2!", "10.0.0.2!", "10.0.0.1"}, "10.0.0.3", 3, false},
		{"kept ones count", [4]string{"10.0.0.2!", "10.0.0.2!", "10.0.0.1", "10.0.0.2"}, "10.0.0.3", 3, true},
		{"those of many kept ones do not push out", [4]string{"10.0.0.2!", "10.0.0.2!", "10.0.0.2!", "10.0.0.1"}, "10.0.0.2", 4, true},
		{"many kept ones do not shut out", [4]string{"10.0.0.1!", "10.0.0.2!", "10.0.0.2!", "10.0.0.2!"}, "10.0.0.3", 1, true},
		{"one's own kept ones do", [4]string{"10.0.0.2!", "10.0.0.2!", "10.0.0.2!", "10.0.0.2!"}, "10.0.0.2", 4, true},
		{"a network of addresses", [4]string{"10.0.0.1", "2001:db8::1", "2001:db8::2:2", "2001:db8:0:1::1"}, "10.0.0.3", 1, true},
		{"one machine, written in two ways", [4]string{"10.0.0.1", "10.0.0.2", "::ffff:10.0.0.2", "10.0.0.3"}, "10.0.0.4", 1, true},
	} {
		l := &connections{limit: 4, log: slog.New(slog.DiscardHandler)}
		var all []*connection
		for _, text := range append(tt.open[:], tt.one) {
			address, kept := strings.CutSuffix(text, "!")
			c := &connection{peer: peerOf(addressed{address: address}), kept: kept, in: make(chan struct{})}
			if all = append(all, c); len(all) <= 4 {
				l.add(c)
			}
		}
		if leaves, atOnce := l.surplus(all[4]); leaves != all[tt.want] || atOnce != tt.atOnce {
			t.Errorf("%s: connection %d goes, at once: %v; want %d, %v", tt.name, slices.Index(all, leaves), atOnce, tt.want, tt.atOnce)
		}
	}
}

// TestTheOldestUnknownGoes fills a server of two connections.
func TestTheOldestUnknownGoes(t *testing.T) {
	address := serve(t, Server{Handler: known, MaxConnections: 2})
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	ask(t, client, "http://"+address)
	first := dial(t, address)
	second := dial(t, address)
	if _, err := first.Read(make([]byte, 1)); err == nil {
		t.Error("the oldest connection is still open")
	}
	fmt.Fprint(second, "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: known\r\n\r\n")
	response, err := http.ReadResponse(bufio.NewReader(second), nil)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("on the newest connection: %v, %v", response, err)
	}
	response.Body.Close()
	third := dial(t, address) // both others are of known peers
	if _, err := third.Read(make([]byte, 1)); err == nil {
		t.Error("a third connection is open beside two of known peers")
	}
	second.Close()
	deadline := time.Now().Add(10 * time.Second)
	for !answers(address) {
		if time.Now().After(deadline) {
			t.Fatal("the place of a closed connection is not given away")
		}
	}
}

func answers(address string) bool {
	response, err := http.Get("http://" + address)
	if err != nil {
		return false
	}
	response.Body.Close()
	return response.StatusCode == http.StatusUnauthorized
}

func TestLimitsOfRequests(t *testing.T) {
	address := serve(t, Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
		}
	}), MaxConnections: 8})
	tests := []struct {
		name, request string
		want          int
	}{
		{"small", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", http.StatusOK},
		{"headers", "GET / HTTP/1.1\r\nHost: a\r\nX-Long: " + strings.Repeat("a", 21<<10) + "\r\n\r\n", http.StatusRequestHeaderFieldsTooLarge},
		{"path", "GET /" + strings.Repeat("a", 21<<10) + " HTTP/1.1\r\nHost: a\r\n\r\n", http.StatusRequestHeaderFieldsTooLarge},
		{"body", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1048577\r\n\r\n" + strings.Repeat("a", 1<<20+1), http.StatusRequestEntityTooLarge},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			conn := dial(t, address)
			go io.WriteString(conn, tt.request) // the server may close before it is sent
			response, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
			if response.StatusCode != tt.want {
				t.Errorf("status = %d, want %d", response.StatusCode, tt.want)
			}
		})
	}
}

// TestOptionsReachTheHandler asks for what net/http answers by itself unless it
// is told not to.
func TestOptionsReachTheHandler(t *testing.T) {
	address := serve(t, Server{Handler: known})
	conn := dial(t, address)
	io.WriteString(conn, "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n")
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusUnauthorized {
		t.Errorf("status = %d, want what the handler says", response.StatusCode)
	}
}

// TestServeTLS speaks the protocols that the configuration has.
func TestServeTLS(t *testing.T) {
	borrowed := httptest.NewUnstartedServer(nil)
	borrowed.StartTLS()
	t.Cleanup(borrowed.Close)
	for _, tt := range []struct {
		offered []string
		want    string
	}{
		{[]string{"http/1.1"}, "answered HTTP/1.1"},
		{[]string{"h2", "http/1.1"}, "answered HTTP/2.0"},
	} {
		address := serve(t, Server{Handler: known, MaxConnections: 2, TLS: &tls.Config{Certificates: borrowed.TLS.Certificates, NextProtos: tt.offered}})
		client := &http.Client{Transport: &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
		if got := ask(t, client, "https://"+address); got != tt.want {
			t.Errorf("with %v: %q, want %q", tt.offered, got, tt.want)
		}
		client.CloseIdleConnections()
	}
}

// TestTheLogStaysSmall has a server say ten thousand things in ten minutes.
func TestTheLogStaysSmall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		said := &sparing{log: slog.New(slog.NewTextHandler(&log, nil))}
		for range 10 {
			for range 1000 {
				fmt.Fprintln(said, "http: TLS handshake error from 10.0.0.1:1: EOF")
			}
			time.Sleep(time.Minute)
		}
		fmt.Fprintln(said, "http: the last")
		if got := strings.Count(log.String(), "handshake error"); got != 10*linesAMinute {
			t.Errorf("%d lines are logged, want %d", got, 10*linesAMinute)
		}
		if strings.Count(log.String(), "lines=990") != 10 || !strings.Contains(log.String(), `line="http: the last"`) {
			t.Errorf("the log does not say how many are missing:\n%s", &log)
		}
	})
}
