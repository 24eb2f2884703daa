package scrape_test

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kubemon/kubemon/hub"
	"github.com/kubemon/kubemon/hub/internal/scrape"
	"github.com/kubemon/kubemon/hub/internal/scrape/scrapetest"
)

// TestTokenIsReadAgain follows the file as the kubelet and accidents change it.
func TestTokenIsReadAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTLSHub(t, scrape.Pinned{})
		server := serveAgent(t, h.network, at, "node1", always(selfSigned(t)))
		var sent []string
		step := func(authorization string) {
			t.Helper()
			time.Sleep(10 * time.Second)
			if r := h.ask(t, pod("a", "c1")); r.Err != nil {
				t.Fatal(r.Err)
			}
			sent = append(sent, authorization)
		}
		step(h.bearer)
		rotated := "Bearer " + writeToken(t, h.token, 10*time.Minute)
		step(rotated)
		for _, garbage := range []string{"", " \n", "no token", "a.b.c", strings.Repeat("x", 20<<10), "a.b.c\r\nX-Evil: 1"} {
			writeFile(t, h.token, garbage)
			step(rotated)
		}
		if err := os.Remove(h.token); err != nil {
			t.Fatal(err)
		}
		step(rotated)
		time.Sleep(10 * time.Minute)
		r := h.ask(t, pod("a", "c1"))
		if checkError(t, r, "there is no token to send", h.token, "no such file", "has expired"); r.Failure != hub.FailureUnauthorized {
			t.Errorf("counted as %q", r.Failure)
		}
		step("Bearer " + writeToken(t, h.token, time.Hour))
		var got []string
		for _, request := range server.requests {
			got = append(got, request.Header.Get("Authorization"))
		}
		if diff := cmp.Diff(sent, got); diff != "" {
			t.Errorf("sent (-want +got):\n%s", diff)
		}
	})
}

// TestNoToken has files that never had one: agents are not asked, and each says
// why, but nothing of what may be a token.
func TestNoToken(t *testing.T) {
	for name, content := range map[string]string{
		"missing": "", "empty": "\n", "garbage": "eyJhbGciOiJub25lIn0.c2VjcmV0.", "a password": "secret",
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				file := t.TempDir() + "/token"
				if content != "" {
					writeFile(t, file, content)
				}
				var logged bytes.Buffer
				var network scrapetest.Network
				s := scrape.New(scrape.Config{
					Timeout: time.Second, Interval: time.Second, Dial: network.Dial, Trust: scrape.Pinned{},
					Token: scrape.NewToken(file, slog.New(slog.NewTextHandler(&logged, nil))),
				})
				t.Cleanup(s.Close)
				server := serveAgent(t, &network, at, "node1", always(selfSigned(t)))
				for range 3 {
					r := round(t.Context(), s, []hub.Agent{pod("a", "c1")})[0]
					if checkError(t, r, "there is no token to send", file); r.Failure != hub.FailureUnauthorized {
						t.Errorf("counted as %q", r.Failure)
					}
					if strings.Contains(r.Err.Error(), "secret") || strings.Contains(r.Err.Error(), "c2VjcmV0") {
						t.Errorf("the error has what may be a token: %v", r.Err)
					}
					time.Sleep(time.Minute)
				}
				if _, requests, _ := server.counts(""); requests != 0 || strings.Count(logged.String(), "\n") != 1 || strings.Contains(logged.String(), "c2VjcmV0") {
					t.Errorf("%d requests, logged %q, want none and one line", requests, logged.String())
				}
			})
		})
	}
}

// TestPlainHTTPGetsNoToken asks on an address without TLS, and not at all where
// a key is what counts.
func TestPlainHTTPGetsNoToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		plain := hub.Agent{Node: "node1", URL: "http://" + at, PodUID: "a"}
		h := newTLSHub(t, scrape.Pinned{})
		requests := recordPlain(t, h, at)
		r := h.ask(t, plain)
		if r.Err != nil || r.Identity != (hub.Identity{Trust: hub.TrustNone}) {
			t.Errorf("%v, known by %+v, want nobody", r.Err, r.Identity)
		}
		if all := requests(); len(all) != 1 || all[0].Header["Authorization"] != nil {
			t.Errorf("the agent was sent %v", all)
		}
		for _, trust := range []scrape.Trust{scrape.Attested{}, scrape.NewAuthority("ca.pem", "kubemon-agent", slog.New(slog.DiscardHandler))} {
			h := newTLSHub(t, trust)
			requests := recordPlain(t, h, at)
			checkRefused(t, h.ask(t, plain), "the address is plain HTTP, expected https")
			if all := requests(); len(all) != 0 {
				t.Errorf("the agent was sent %v", all)
			}
		}
	})
}

func recordPlain(t *testing.T, h *tlsHub, address string) func() []*http.Request {
	var mu sync.Mutex
	var all []*http.Request
	handler := answer(t, "node1", "")
	t.Cleanup(h.network.Serve(address, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		all = append(all, r)
		mu.Unlock()
		handler(w, r)
	})))
	return func() []*http.Request {
		mu.Lock()
		defer mu.Unlock()
		return all
	}
}

// TestTokenIsNotCarriedAlong has an agent that sends the hub elsewhere, with a
// cookie. Neither is followed, kept, or brought there.
func TestTokenIsNotCarriedAlong(t *testing.T) {
	const elsewhere = "10.0.0.9:443"
	synctest.Test(t, func(t *testing.T) {
		h := newTLSHub(t, scrape.Pinned{})
		plain := recordPlain(t, h, "10.0.0.9:80")
		fake := serveAgent(t, h.network, elsewhere, "node1", always(selfSigned(t)))
		for _, to := range []string{"https://" + elsewhere + "/snapshot", "http://10.0.0.9/", "//" + elsewhere, "/again"} {
			var cookies []*http.Cookie
			asked := 0
			stop := h.network.ServeTLS(at, modern(always(selfSigned(t))), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked++
				cookies = append(cookies, r.Cookies()...)
				http.SetCookie(w, &http.Cookie{Name: "session", Value: "1"})
				http.Redirect(w, r, to, http.StatusTemporaryRedirect)
			}))
			for range 2 {
				checkError(t, h.ask(t, hub.Agent{Node: "node1", URL: "https://" + at, PodUID: to}), "redirects are not followed")
			}
			stop()
			if asked != 2 || len(cookies) != 0 {
				t.Errorf("asked %d times with cookies %v, want twice and none", asked, cookies)
			}
		}
		if _, requests, handshakes := fake.counts(""); requests+handshakes+len(plain()) != 0 {
			t.Errorf("whom the agent named was sent %d requests", requests+len(plain()))
		}
	})
}

// TestProxiesAreNotForAgents sets what programs take for proxies.
func TestProxiesAreNotForAgents(t *testing.T) {
	const proxy = "192.0.2.1:3128"
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"} {
		t.Setenv(name, "http://"+proxy)
	}
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var dialed []string
		h := newTLSHub(t, scrape.Pinned{})
		s := scrape.New(scrape.Config{Timeout: time.Second, Interval: time.Second, Trust: scrape.Pinned{}, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			mu.Lock()
			dialed = append(dialed, address)
			mu.Unlock()
			return h.network.Dial(ctx, network, address)
		}})
		t.Cleanup(s.Close)
		requests := recordPlain(t, h, "10.0.0.2:80")
		serveAgent(t, h.network, at, "node1", always(selfSigned(t)))
		for _, agent := range []hub.Agent{pod("a", "c1"), {Node: "node1", URL: "http://10.0.0.2:80"}} {
			if r := round(t.Context(), s, []hub.Agent{agent})[0]; r.Err != nil {
				t.Error(r.Err)
			}
		}
		if diff := cmp.Diff([]string{at, "10.0.0.2:80"}, dialed); diff != "" {
			t.Errorf("dialed (-want +got):\n%s", diff)
		}
		if all := requests(); len(all) != 1 || all[0].RequestURI != "/snapshot" {
			t.Errorf("asked as a proxy is: %v", all)
		}
	})
}

// TestPastIsAskedLikeAll sends the token with the other question as well, to
// whom it is for.
func TestPastIsAskedLikeAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTLSHub(t, scrape.Pinned{})
		var got []string
		handler := past(t, sample("node1"))
		real := h.network.ServeTLS(at, modern(always(selfSigned(t))), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			got = append(got, r.Header.Get("Authorization"))
			handler(w, r)
		}))
		query := []hub.PastQuery{{Agent: pod("a", "c1")}}
		if p := h.Past(t.Context(), query)[0]; p.Err != nil || p.History == nil || len(got) != 1 || got[0] != h.bearer {
			t.Errorf("%+v, sent %q", p, got)
		}
		real()
		fake := pose(t, h.network, at, modern(always(selfSigned(t))))
		if p := h.Past(t.Context(), query)[0]; p.Err == nil || !strings.Contains(p.Err.Error(), "has not restarted") {
			t.Errorf("%+v, want the impostor refused", p)
		}
		fake.checkDeaf(t)
	})
}
