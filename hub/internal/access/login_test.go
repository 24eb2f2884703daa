package access

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// logInWith posts the form as the page does.
func (h *house) logInWith(token string, headers ...string) *httptest.ResponseRecorder {
	return h.post(url.Values{"token": {token}}, headers...)
}

func (h *house) post(form url.Values, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/login", strings.NewReader(form.Encode()))
	return h.ask(r, append([]string{"Content-Type", "application/x-www-form-urlencoded"}, headers...)...)
}

// cookie returns the one cookie that an answer sets.
func cookie(t *testing.T, w *httptest.ResponseRecorder) *http.Cookie {
	t.Helper()
	cookies := w.Result().Cookies()
	if len(cookies) != 1 {
		t.Fatalf("status %d sets %d cookies, want 1: %s", w.Code, len(cookies), w.Body)
	}
	return cookies[0]
}

func TestLogIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse()
		token := h.api.hubToken(t, time.Hour)
		w := h.post(url.Values{"token": {"  " + token + "\n"}, "next": {"/nodes/node1?window=5m"}})
		c := cookie(t, w)
		if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "./nodes/node1?window=5m" {
			t.Errorf("status %d to %q", w.Code, w.Header().Get("Location"))
		}
		if c.Name != "kubemon" || !c.HttpOnly || c.Secure || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.Domain != "" || c.MaxAge != 3600 || len(c.Value) != 43 || strings.Contains(token, c.Value) {
			t.Errorf("cookie %+v", c)
		}
		for range 3 {
			time.Sleep(allowTokens) // the session's token is reviewed as any other
			if w := h.get("/", "Cookie", "kubemon="+c.Value); w.Body.String() != "for ann" {
				t.Errorf("with the session: %d %s", w.Code, w.Body)
			}
		}
		if reviews, _ := h.api.counts(); reviews != 4 || h.Sessions() != 1 {
			t.Errorf("%d reviews and %d sessions, want 4 and 1", reviews, h.Sessions())
		}
		if w := h.get("/login?next=/x", "Cookie", "kubemon="+c.Value); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "./x" {
			t.Errorf("the login of who is known: %d to %q", w.Code, w.Header().Get("Location"))
		}
		time.Sleep(time.Hour)
		if w := h.get("/", "Cookie", "kubemon="+c.Value); w.Code != http.StatusUnauthorized || h.Sessions() != 0 {
			t.Errorf("after the token's end: %d with %d sessions", w.Code, h.Sessions())
		}
	})
}

// TestASessionEndsWithItsToken has the API server take back what a session
// stands on.
func TestASessionEndsWithItsToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse()
		token := h.api.hubToken(t, 48*time.Hour)
		c := cookie(t, h.logInWith(token))
		if c.MaxAge != int(maxSession.Seconds()) {
			t.Errorf("a session of %d seconds", c.MaxAge)
		}
		h.api.set(func() { h.api.err = statusError(500) })
		time.Sleep(10 * time.Minute)
		if w := h.get("/", "Cookie", "kubemon="+c.Value); w.Code != http.StatusOK {
			t.Errorf("in an outage: %d %s", w.Code, w.Body)
		}
		h.api.set(func() { h.api.err = nil; delete(h.api.audiences, token) })
		time.Sleep(retryAfterOutage)
		if w := h.get("/", "Cookie", "kubemon="+c.Value, "Accept", "text/html"); w.Code != http.StatusSeeOther || h.Sessions() != 0 {
			t.Errorf("after the API server's no: %d with %d sessions", w.Code, h.Sessions())
		}
	})
}

func TestLogOut(t *testing.T) {
	h := newHouse()
	c := cookie(t, h.logInWith(h.api.hubToken(t, time.Hour)))
	if w := h.ask(httptest.NewRequest(http.MethodPost, "/logout", nil), "Cookie", "kubemon="+c.Value, "Origin", "http://evil.example"); w.Code != http.StatusForbidden || h.Sessions() != 1 {
		t.Errorf("logout from elsewhere: %d with %d sessions", w.Code, h.Sessions())
	}
	if w := h.get("/logout", "Cookie", "kubemon="+c.Value); h.Sessions() != 1 {
		t.Errorf("GET /logout: %d with %d sessions", w.Code, h.Sessions())
	}
	w := h.ask(httptest.NewRequest(http.MethodPost, "/logout", nil), "Cookie", "kubemon="+c.Value)
	if gone := cookie(t, w); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "login" || gone.MaxAge >= 0 || gone.Value != "" || h.Sessions() != 0 || w.Header().Get("Clear-Site-Data") != `"cache"` {
		t.Errorf("logout: %d to %q, %+v, %d sessions", w.Code, w.Header().Get("Location"), gone, h.Sessions())
	}
	if w := h.get("/", "Cookie", "kubemon="+c.Value); w.Code != http.StatusUnauthorized {
		t.Errorf("after the logout: %d", w.Code)
	}
}

func TestALoginReplacesTheLast(t *testing.T) {
	h := newHouse()
	token := h.api.hubToken(t, time.Hour)
	first := cookie(t, h.logInWith(token))
	second := cookie(t, h.logInWith(token, "Cookie", "kubemon="+first.Value))
	if h.Sessions() != 1 || first.Value == second.Value {
		t.Errorf("%d sessions of one browser, the same name %t", h.Sessions(), first.Value == second.Value)
	}
}

func TestNoLogIn(t *testing.T) {
	h := newHouse()
	token := h.api.hubToken(t, time.Hour)
	tests := []struct {
		name    string
		form    url.Values
		headers []string
		status  int
		says    string
	}{
		{"another site", url.Values{"token": {token}}, []string{"Sec-Fetch-Site", "cross-site"}, 403, "another site"},
		{"another origin", url.Values{"token": {token}}, []string{"Origin", "https://evil.example"}, 403, "another site"},
		{"no token", url.Values{}, nil, 401, "empty"},
		{"a foreign token", url.Values{"token": {"other"}}, nil, 401, "does not accept"},
		{"an expired token", url.Values{"token": {jwt(t, map[string]any{"exp": 5})}}, nil, 401, "expired"},
		{"a long token", url.Values{"token": {strings.Repeat("a", maxTokenBytes+1)}}, nil, 401, "more than 16384 bytes"},
		{"a long form", url.Values{"token": {strings.Repeat("a", maxLoginBytes)}}, nil, 413, "more than 32768 bytes"},
		{"markup", url.Values{"token": {"x"}, "next": {`"><script>alert(1)</script>`}}, nil, 401, "&#34;&gt;&lt;script&gt;"},
	}
	for _, tt := range tests {
		w := h.post(tt.form, tt.headers...)
		if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.says) || !strings.Contains(w.Body.String(), `role="alert"`) || len(w.Result().Cookies()) != 0 {
			t.Errorf("%s: %d %s, want %d and %q", tt.name, w.Code, w.Body, tt.status, tt.says)
		}
	}
	r := httptest.NewRequest(http.MethodPost, "/login", strings.NewReader("token=%zz"))
	if w := h.ask(r, "Content-Type", "application/x-www-form-urlencoded"); w.Code != 400 {
		t.Errorf("a broken form: %d", w.Code)
	}
	if w := h.get("/login?token=" + token); len(w.Result().Cookies()) != 0 || strings.Contains(w.Body.String(), token) {
		t.Error("a token in the address is taken")
	}
	h.api.set(func() { h.api.err = statusError(500) })
	if w := h.logInWith("opaque"); w.Code != 503 || w.Header().Get("Retry-After") == "" {
		t.Errorf("in an outage: %d", w.Code)
	}
	if h.Sessions() != 0 {
		t.Errorf("%d sessions", h.Sessions())
	}
}

// TestCookieOverTLS wants the cookie that browsers keep to TLS, and no other
// taken there.
func TestCookieOverTLS(t *testing.T) {
	h := newHouse()
	token := h.api.hubToken(t, time.Hour)
	c := cookie(t, h.logInWith(token, "X-Forwarded-Proto", "https"))
	if c.Name != "__Host-kubemon" || !c.Secure || c.Path != "/" || c.Domain != "" || !c.HttpOnly {
		t.Errorf("cookie %+v", c)
	}
	for header, want := range map[string]int{"__Host-kubemon=" + c.Value: 200, "kubemon=" + c.Value: 401, "__Host-kubemon=" + c.Value + "; __Host-kubemon=x": 401} {
		if w := h.get("/", "X-Forwarded-Proto", "https", "Cookie", header); w.Code != want {
			t.Errorf("%s: %d, want %d", header, w.Code, want)
		}
	}
	over := httptest.NewRequest(http.MethodGet, "https://hub/", nil)
	if w := h.ask(over, "Cookie", "__Host-kubemon="+c.Value); w.Code != http.StatusOK {
		t.Errorf("over the hub's own TLS: %d", w.Code)
	}
}

func TestAClientCertificateIsProof(t *testing.T) {
	h := newHouse()
	r := httptest.NewRequest(http.MethodGet, "https://hub/", nil)
	r.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{{}}}
	if w := h.ask(r, userHeader, "eve"); w.Code != http.StatusUnauthorized {
		t.Errorf("a certificate that nobody verified: %d", w.Code)
	}
	r.TLS.VerifiedChains = [][]*x509.Certificate{{{}}}
	if w := h.ask(r); w.Body.String() != "for eve" {
		t.Errorf("a certificate that TLS verified: %d %s", w.Code, w.Body)
	}
}

func TestSessionsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSessions()
		r := httptest.NewRequest(http.MethodPost, "/login", nil)
		for i := range 2 * maxSessions {
			s.begin(r, Reader{Name: fmt.Sprint("reader", i)}, fmt.Sprint("token", i), time.Time{})
		}
		if s.count() != maxSessions {
			t.Errorf("%d sessions, want %d", s.count(), maxSessions)
		}
		time.Sleep(maxSession)
		if s.count() != 0 {
			t.Errorf("%d sessions after their end", s.count())
		}
	})
}

// TestNobodyEndsAnothersSession has a reader log in more often than there can be
// sessions, with one token and with many: only his own end, the one first that
// is not used for longest.
func TestNobodyEndsAnothersSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSessions()
		named := func(c *http.Cookie) bool {
			time.Sleep(time.Millisecond)
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.AddCookie(c)
			token, _ := s.token(r)
			return token != ""
		}
		begin := func(reader, token string) *http.Cookie {
			time.Sleep(time.Millisecond)
			return s.begin(httptest.NewRequest(http.MethodPost, "/login", nil), Reader{Name: reader}, token, time.Time{})
		}
		other := begin("ann", "ann's")
		first, second := begin("eve", "eve's"), begin("eve", "eve's")
		if !named(first) {
			t.Error("a first session is not there")
		}
		for range maxOfToken - 1 {
			begin("eve", "eve's")
		}
		if named(second) || !named(first) || s.count() != maxOfToken+1 {
			t.Errorf("of one token are %d sessions, the last used is there: %t, the oldest: %t", s.count()-1, named(first), named(second))
		}
		for i := range maxSessions {
			begin("eve", fmt.Sprint("eve's ", i))
		}
		if s.count() != maxOfReader+1 || !named(other) {
			t.Errorf("%d sessions of eve, want %d; ann is logged in: %t", s.count()-1, maxOfReader, named(other))
		}
	})
}

// TestASessionOfLoopbackStaysThere shows the cookie of a port-forward, which a
// browser sends to every other one on that host too, from elsewhere.
func TestASessionOfLoopbackStaysThere(t *testing.T) {
	h := newHouse()
	token := h.api.hubToken(t, time.Hour)
	for _, tt := range []struct {
		from, to string
		status   int
	}{
		{"127.0.0.1:5", "127.0.0.1:6", 200}, {"[::1]:5", "127.0.0.1:6", 200}, {"127.0.0.1:5", "10.0.0.9:6", 401}, {"[::1]:5", "[2001:db8::1]:6", 401},
		{"10.0.0.8:5", "10.0.0.9:6", 200}, {"10.0.0.8:5", "127.0.0.1:6", 200},
	} {
		login := httptest.NewRequest(http.MethodPost, "/login", strings.NewReader("token="+token))
		login.RemoteAddr = tt.from
		c := cookie(t, h.ask(login, "Content-Type", "application/x-www-form-urlencoded"))
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = tt.to
		if w := h.ask(r, "Cookie", "kubemon="+c.Value); w.Code != tt.status {
			t.Errorf("a session of %s at %s: %d, want %d", tt.from, tt.to, w.Code, tt.status)
		}
	}
}

func TestOverTLS(t *testing.T) {
	for header, want := range map[string]bool{
		"": false, "http": false, "https": true, "HTTPS": true, "https, http": true, " https ,http": true, "http, https": false, "httpss": false,
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("X-Forwarded-Proto", header)
		if got := overTLS(r); got != want {
			t.Errorf("X-Forwarded-Proto %q: over TLS %t, want %t", header, got, want)
		}
	}
}

// FuzzCookie wants a session only of a name that could be one.
func FuzzCookie(f *testing.F) {
	for _, seed := range []string{"", "kubemon=", "kubemon=" + strings.Repeat("A", 43), "kubemon=\"" + strings.Repeat("A", 43) + "\"", "a=b; kubemon=x; kubemon=y"} {
		f.Add(seed)
	}
	s := newSessions()
	f.Fuzz(func(t *testing.T, header string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Cookie", header)
		id, named := sessionOf(r)
		if named && len(id) != 43 || !named && id != "" {
			t.Fatalf("session %q, %t of %q", id, named, header)
		}
		if token, _ := s.token(r); token != "" {
			t.Fatalf("%q has a session that nobody began", header)
		}
	})
}
