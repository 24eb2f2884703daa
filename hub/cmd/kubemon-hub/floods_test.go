package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestAFloodOfTokens shows two thousand random tokens at once while a reader
// reads: the API server is spared, and the reader served.
func TestAFloodOfTokens(t *testing.T) {
	c := newCluster(t)
	host := startGuarded(t, c)
	before, began := c.reviews.Load(), time.Now()
	var flood sync.WaitGroup
	for worker := range 8 {
		flood.Go(func() {
			for i := range 250 {
				status, body := send(t, host, "GET /api/v1/pods HTTP/1.1", fmt.Sprintf("Authorization: Bearer random-%d-%d", worker, i))
				if status != 401 && status != 503 {
					t.Errorf("a random token: %d %s", status, body)
				}
			}
		})
	}
	for range 50 {
		if status, body := send(t, host, "GET /api/v1/pods HTTP/1.1", "Authorization: Bearer "+adminToken); status != 200 {
			t.Errorf("who is known, in a flood: %d %s", status, body)
		}
	}
	flood.Wait()
	most := int64(40 + 20*(time.Since(began).Seconds()+1) + 2)
	if reviews := c.reviews.Load() - before; reviews > most {
		t.Errorf("%d reviews of 2,000 random tokens in %s, want at most %d", reviews, time.Since(began), most)
	}
}

// TestSlowAndManyDoNotShutOut holds more connections open than the hub takes,
// of nobody: a reader is served meanwhile.
func TestSlowAndManyDoNotShutOut(t *testing.T) {
	host := startGuarded(t, newCluster(t))
	for range maxConnections + 50 {
		conn, err := net.Dial("tcp", host)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := io.WriteString(conn, "POST /login HTTP/1.1\r\nHost: hub\r\nContent-Length: 30000\r\n\r\ntoken="); err != nil {
			t.Fatal(err)
		}
	}
	if status, body := send(t, host, "GET /api/v1/nodes HTTP/1.1", "Authorization: Bearer "+adminToken); status != http.StatusOK {
		t.Errorf("a reader beside %d slow ones: %d %s", maxConnections+50, status, body)
	}
}

// TestAReaderDoesNotShutOut holds more connections open than the hub takes, of one
// who is known: a probe and another reader are served meanwhile. Who may see
// nothing has none kept.
func TestAReaderDoesNotShutOut(t *testing.T) {
	host := startGuarded(t, newCluster(t))
	hold(t, host, guestToken, http.StatusServiceUnavailable) // the namespaces are not known, without a cluster's lists
	hold(t, host, devToken, http.StatusNotFound)
	for range 3 {
		if status, body := send(t, host, "GET /livez HTTP/1.1"); status != http.StatusOK {
			t.Errorf("a probe: %d %s", status, body)
		}
		if status, body := send(t, host, "GET /api/v1/nodes HTTP/1.1", "Authorization: Bearer "+adminToken); status != http.StatusOK {
			t.Errorf("another reader: %d %s", status, body)
		}
	}
}

// hold asks with that token on as many connections as the hub takes, and leaves
// them open.
func hold(t *testing.T, host, token string, want int) {
	t.Helper()
	for range maxConnections {
		conn, err := net.Dial("tcp", host)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		if _, err := io.WriteString(conn, "GET /nothing HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer "+token+"\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || response.StatusCode != want {
			t.Fatalf("GET /nothing: %v, %+v; want %d", err, response, want)
		}
		response.Body.Close()
	}
}

// TestANewcomerInAFlood has thirty random tokens a second come from one address,
// while somebody comes from another for the first time.
func TestANewcomerInAFlood(t *testing.T) {
	host := startGuarded(t, newCluster(t))
	_, port, err := net.SplitHostPort(host)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 60 {
		from := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 9)}}
		conn, err := from.Dial("tcp", net.JoinHostPort("127.0.0.1", port))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: hub\r\nConnection: close\r\nAuthorization: Bearer random-%d\r\n\r\n", i)
		_, _ = io.Copy(io.Discard, conn) // refused or not
		conn.Close()
	}
	if status, body := send(t, host, "GET /api/v1/pods HTTP/1.1", "Authorization: Bearer "+devToken); status != http.StatusOK {
		t.Errorf("a newcomer: %d %s", status, body)
	}
}

// TestFloodsOfOneRequest sends headers and bodies without end.
func TestFloodsOfOneRequest(t *testing.T) {
	host := startGuarded(t, newCluster(t))
	for name, headers := range map[string][]string{
		"one long header":  {"Authorization: Bearer " + strings.Repeat("a", 1<<17)},
		"many headers":     slices.Repeat([]string{"X-Remote-Group: system:masters"}, 1<<12),
		"one long cookie":  {"Cookie: kubemon=" + strings.Repeat("a", 1<<17)},
		"a long forwarder": {"X-Forwarded-For: " + strings.Repeat("1.1.1.1,", 1<<14)},
	} {
		if status, _ := send(t, host, "GET /api/v1/nodes HTTP/1.1", headers...); status != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("%s: %d, want 431", name, status)
		}
	}
	response, err := http.Post("http://"+host+"/login", "application/x-www-form-urlencoded", io.LimitReader(endless{}, 1<<30))
	if err == nil {
		response.Body.Close()
		if response.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("a body of a gigabyte: %d, want 413", response.StatusCode)
		}
	} else if !strings.Contains(err.Error(), "reset") && !strings.Contains(err.Error(), "broken pipe") {
		t.Errorf("a body of a gigabyte: %v, want 413 or the connection closed", err)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'a'
	}
	return len(p), nil
}
