package scrape_test

import (
	"bufio"
	"cmp"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kubemon/kubemon/hub"
	"github.com/kubemon/kubemon/hub/internal/scrape"
)

// head begins an answer that may have a snapshot.
const head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"

func withBody(head, body string) string {
	return fmt.Sprintf("%sContent-Length: %d\r\n\r\n%s", head, len(body), body)
}

// echoes are answers with what the hub sent, in each place that an answer has.
func echoes(token string) map[string]string {
	problem := "HTTP/1.1 401 Unauthorized\r\nContent-Type: application/problem+json\r\n"
	return map[string]string{
		"status line":           token + "\r\n\r\n",
		"version":               token + " 200 OK\r\n\r\n",
		"status code":           "HTTP/1.1 " + token + " OK\r\n\r\n",
		"reason":                "HTTP/1.1 500 " + token + "\r\n\r\n",
		"header":                head + token + "\r\n\r\n",
		"content length":        head + "Content-Length: " + token + "\r\n\r\n",
		"transfer encoding":     head + "Transfer-Encoding: " + token + "\r\n\r\n",
		"chunk":                 head + "Transfer-Encoding: chunked\r\n\r\n" + token + "\r\n",
		"trailer":               head + "Transfer-Encoding: chunked\r\n\r\n0\r\n" + token + "\r\n\r\n",
		"time":                  withBody(head, `{"version":1,"node":"node1","time":"`+token+`"}`),
		"mode":                  withBody(head, `{"version":1,"node":"node1","agent":{"cgroup":{"mode":"`+token+`"}}}`),
		"key":                   withBody(head, `{"`+token+`":1,"`+token+`":2}`),
		"node":                  withBody(head, `{"version":1,"node":"`+token+`","agent":{"cgroup":{"mode":"unified"}},"time":"2026-01-01T00:00:00Z"}`),
		"redirect":              "HTTP/1.1 302 Found\r\nLocation: /" + token + "\r\nContent-Length: 0\r\n\r\n",
		"content type":          "HTTP/1.1 200 OK\r\nContent-Type: text/" + token + "\r\nContent-Length: 0\r\n\r\n",
		"content encoding":      head + "Content-Encoding: " + token + "\r\nContent-Length: 0\r\n\r\n",
		"its own error":         withBody(problem, `{"detail":"`+strings.Repeat("x", 150)+" "+token+`"}`),
		"its own error, a part": withBody(problem, `{"detail":"`+token[40:80]+`"}`),
		"its own error, spaced": withBody(problem, `{"detail":"`+strings.Join(strings.Split(token[:90], ""), " ")+`"}`),
	}
}

// TestTokenIsNotRepeated has agents that answer with what they were sent, to
// both questions: whatever the hub says of it has no part of the token.
func TestTokenIsNotRepeated(t *testing.T) {
	for name := range echoes(strings.Repeat("x", 100)) {
		for _, agent := range []hub.Agent{pod("a", "c1"), {URL: "https://" + at}} {
			t.Run(name+" of "+cmp.Or(agent.PodUID, "nobody"), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					h := newTLSHub(t, scrape.Pinned{})
					token := strings.TrimPrefix(h.bearer, "Bearer ")
					asked := serveRaw(t, h, selfSigned(t), func(r *http.Request) string {
						return echoes(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))[name]
					})
					r := h.ask(t, agent)
					checkError(t, r)
					checkNoToken(t, token, r.Err)
					if p := h.Past(t.Context(), []hub.PastQuery{{Agent: agent}})[0]; p.Err == nil {
						t.Errorf("the past is %+v, want an error", p)
					} else {
						checkNoToken(t, token, p.Err)
					}
					if asked() != 2 {
						t.Errorf("asked %d times, want twice", asked())
					}
				})
			})
		}
	}
}

// checkNoToken looks for eight letters of the token on end, whatever is between
// them, in any case, in the error's text and in whatever it wraps.
func checkNoToken(t *testing.T, token string, err error) {
	t.Helper()
	text := letters(fmt.Sprintf("%v %+v %#v", err, err, err))
	token = letters(token)
	for i := range len(token) - 8 {
		if strings.Contains(text, token[i:i+8]) {
			t.Fatalf("the error has %q of the token: %v", token[i:i+8], err)
		}
	}
	if len(err.Error()) > 600 {
		t.Errorf("the error has %d bytes", len(err.Error()))
	}
}

func letters(s string) string {
	return strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' || '0' <= r && r <= '9' {
			return r
		}
		return -1
	}, strings.ToLower(s))
}

// serveRaw answers over TLS with whatever bytes, and then ends the connection.
// It returns how often it was asked.
func serveRaw(t *testing.T, h *tlsHub, certificate *tls.Certificate, answer func(*http.Request) string) (asked func() int) {
	listener := h.network.Listen(at)
	config := modern(always(certificate))
	var mu sync.Mutex
	var requests int
	var serving sync.WaitGroup
	serveOne := func(raw net.Conn) {
		defer raw.Close() // without a word of TLS, which nobody might read
		conn := tls.Server(raw, config)
		r, err := http.ReadRequest(bufio.NewReader(conn))
		if err != nil {
			return
		}
		mu.Lock()
		requests++
		mu.Unlock()
		_, _ = io.WriteString(conn, answer(r))
	}
	serving.Go(func() {
		for raw, err := listener.Accept(); err == nil; raw, err = listener.Accept() {
			serving.Go(func() { serveOne(raw) })
		}
	})
	t.Cleanup(func() {
		listener.Close()
		serving.Wait()
	})
	return func() int {
		mu.Lock()
		defer mu.Unlock()
		return requests
	}
}

// TestErrorsAreShort has peers with much to say, some of whom are not even
// accepted: an error is a line, whoever chooses its words.
func TestErrorsAreShort(t *testing.T) {
	const much = 15_000
	names := func(c *x509.Certificate) {
		for i := range 99 {
			c.DNSNames = append(c.DNSNames, fmt.Sprintf("%02d.%s", i, strings.Repeat("x", 1200)))
		}
	}
	odd := func(c *x509.Certificate) {
		c.DNSNames = []string{"kubemon-agent"}
		c.URIs = []*url.URL{{Opaque: "%zz" + strings.Repeat("x", much)}}
	}
	own := func(c *x509.Certificate) { c.DNSNames = []string{"kubemon-agent"} }
	tests := []struct {
		name, want, answer string
		certificate        func(*x509.Certificate)
	}{
		{"names", `expected one for "kubemon-agent"`, "", names},
		{"a broken certificate", "shake hands by TLS", "", odd},
		{"a status line", "no whole HTTP/1.1 answer", strings.Repeat("x", much) + "\r\n\r\n", own},
		{"a snapshot", "mode", withBody(head, `{"version":1,"node":"node1","agent":{"cgroup":{"mode":"`+strings.Repeat("x", 4000)+`"}}}`), own},
		{"a redirect", "302", "HTTP/1.1 302 Found\r\nLocation: /" + strings.Repeat("x", much) + "\r\n\r\n", own},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				authority := newAuthority(t)
				file := filepath.Join(t.TempDir(), "ca.pem")
				writeFile(t, file, pemOf(authority))
				h := newTLSHub(t, scrape.NewAuthority(file, "kubemon-agent", slog.New(slog.DiscardHandler)))
				serveRaw(t, h, whole(t, authority, tt.certificate), func(*http.Request) string { return tt.answer })
				r := h.ask(t, pod("a", "c1"))
				if checkError(t, r, tt.want); len(r.Err.Error()) > 600 {
					t.Errorf("the error has %d bytes: %.300s…", len(r.Err.Error()), r.Err)
				}
			})
		})
	}
}

// whole returns a certificate of the authority, which need not be one that can
// be read.
func whole(t *testing.T, authority *tls.Certificate, change func(*x509.Certificate)) *tls.Certificate {
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(time.Hour)}
	change(template)
	key := newKey(t)
	der, err := x509.CreateCertificate(rand.Reader, template, authority.Leaf, key.Public(), authority.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}
