package access

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestLoginPage wants a page that needs nothing but itself, and may do nothing
// but be sent.
func TestLoginPage(t *testing.T) {
	w := newHouse().get("/login?next=/nodes")
	page := w.Body.String()
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("status %d, %v", w.Code, w.Header())
	}
	style := regexp.MustCompile(`(?s)<style>(.*)</style>`).FindStringSubmatch(page)
	if style == nil {
		t.Fatal("the page has no style")
	}
	hash := sha256.Sum256([]byte(style[1]))
	want := "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(hash[:]) + "'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
	if got := w.Header().Get("Content-Security-Policy"); got != want {
		t.Errorf("Content-Security-Policy = %s, want %s", got, want)
	}
	for _, part := range []string{`<label for="token">`, `type="password" id="token"`, `action="login"`, `name="next" value="/nodes"`, `lang="en"`, "color-scheme: light dark", "light-dark(",
		"kubectl -n NAMESPACE create token ACCOUNT --audience kubemon-hub"} {
		if !strings.Contains(page, part) {
			t.Errorf("the page lacks %s", part)
		}
	}
	if found := regexp.MustCompile(`<script|\son\w+=|style=|(src|href|action)="(/|https?:)`).FindString(page); found != "" {
		t.Errorf("the page has %s", found)
	}
}

// TestLoginPageHasThePagesColours compares the colours by name with those of
// the page, which is looked at next. The form is shown before anything of that
// may be served, so it has its own copy of the few that it needs.
func TestLoginPageHasThePagesColours(t *testing.T) {
	const tokens = "../../dashboard/src/style/tokens.css"
	data, err := os.ReadFile(tokens)
	if err != nil {
		t.Fatal(err)
	}
	definition := regexp.MustCompile(`(--[a-z0-9-]+): (light-dark\([^)]+\));`)
	page := make(map[string]string)
	for _, found := range definition.FindAllStringSubmatch(string(data), -1) {
		page[found[1]] = found[2]
	}
	own := definition.FindAllStringSubmatch(loginCSS, -1)
	if len(own) < 5 || len(page) < len(own) {
		t.Errorf("the login page has %d colours and %s %d, want more", len(own), tokens, len(page))
	}
	for _, found := range own {
		if page[found[1]] != found[2] {
			t.Errorf("%s is %s, and %q in %s", found[1], found[2], page[found[1]], tokens)
		}
	}
	if colour := regexp.MustCompile(`#[0-9a-f]{3,8}\b|\b(rgb|hsl)a?\(`).FindString(definition.ReplaceAllString(loginCSS, "")); colour != "" {
		t.Errorf("the login page has a colour without a name: %s", colour)
	}
}

// TestTheWayToTheLogin follows a browser's relative addresses, also below an
// Ingress's path that the hub does not know of.
func TestTheWayToTheLogin(t *testing.T) {
	h := newHouse()
	for target, want := range map[string]string{
		"/": "/login", "/?of=pods": "/login?next=%2F%3Fof%3Dpods", "/nodes": "/login?next=%2Fnodes", "/nodes/": "/login?next=%2Fnodes%2F",
		"/a/b/c?d=e": "/login?next=%2Fa%2Fb%2Fc%3Fd%3De", "/a%2Fb": "/login?next=%2Fa%252Fb", "//evil.example": "/login?next=%2F%2Fevil.example",
	} {
		w := h.get(target, "Accept", "text/html,application/xhtml+xml")
		location := w.Header().Get("Location")
		if w.Code != http.StatusSeeOther || strings.HasPrefix(location, "/") {
			t.Errorf("GET %s: %d to %q", target, w.Code, location)
		}
		for _, prefix := range []string{"", "/ops/kubemon"} {
			base, err := url.Parse("https://hub.example" + prefix + target)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := base.Parse(location); err != nil || got.String() != "https://hub.example"+prefix+want {
				t.Errorf("GET %s below %q leads to %v, %v; want %s", target, prefix, got, err, want)
			}
		}
	}
	for _, accept := range []string{"", "*/*", "application/json"} {
		if w := h.get("/", "Accept", accept); w.Code != http.StatusUnauthorized || w.Header().Get("Location") != "" {
			t.Errorf("Accept %q: %d", accept, w.Code)
		}
	}
	if w := h.get(strings.Repeat("/x", maxUp+2), "Accept", "text/html"); w.Code != http.StatusUnauthorized {
		t.Errorf("a path of great depth: %d", w.Code)
	}
}

func TestLocal(t *testing.T) {
	for next, want := range map[string]string{
		"/": "./", "/nodes": "./nodes", "/nodes/a?b=c": "./nodes/a?b=c", "/a%2Fb": "./a%2Fb", "/?x": "./?x=",
		"": "./", "nodes": "./", "https://evil.example/": "./", "//evil.example/": "./", "///evil.example": "./", "//": "./", "/\\evil.example": "./",
		"/../admin": "./", "/%2e%2e/admin": "./", "javascript:alert(1)": "./", "/login": "./", "/logout?x": "./", "/a\r\nSet-Cookie: b": "./", "%": "./",
		"/" + strings.Repeat("a", maxNextBytes): "./",
	} {
		if got := local(next); got != want {
			t.Errorf("local(%q) = %q, want %q", next, got, want)
		}
	}
}

// FuzzLocal wants no place to go but on this host and below this path.
func FuzzLocal(f *testing.F) {
	for _, seed := range []string{"/", "//", "//x", "/\\x", "https://x", "/%5cx", "/a?b#c", "/;x", "/\t/x", "/.%2e/"} {
		f.Add(seed)
	}
	base, err := url.Parse("https://hub.example/ops/login")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, next string) {
		location := local(next)
		to, err := base.Parse(location)
		if err != nil || to.Host != "hub.example" || to.Scheme != "https" || !strings.HasPrefix(to.Path, "/ops/") {
			t.Fatalf("local(%q) = %q leads to %v, %v", next, location, to, err)
		}
		if !strings.HasPrefix(location, "./") || strings.ContainsAny(location, "\r\n\t\\") {
			t.Fatalf("local(%q) = %q", next, location)
		}
	})
}
