package access

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"strings"
)

const (
	// maxLoginBytes bounds the form.
	maxLoginBytes = 32 << 10
	// maxNextBytes bounds where a login leads to, and maxUp how deep below the
	// hub's root a request may be that is led to the login.
	maxNextBytes = 2 << 10
	maxUp        = 64
)

//go:embed page/login.html
var loginHTML string

//go:embed page/login.css
var loginCSS string

// A loginPage is the form that takes a token. It has no script and asks for
// nothing, and all its addresses are relative: it works below any path.
//
// Its few holes are filled without html/template, which calls methods by name:
// then the linker keeps all methods of everything, and the hub is twice as big.
type loginPage struct{ audience, policy string }

func newLoginPage(audience string) *loginPage {
	style := sha256.Sum256([]byte(loginCSS))
	return &loginPage{
		audience: audience,
		policy: fmt.Sprintf("default-src 'none'; style-src 'sha256-%s'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
			base64.StdEncoding.EncodeToString(style[:])),
	}
}

// write answers with the page. message says what was wrong before, if anything,
// as HTML.
func (p *loginPage) write(w http.ResponseWriter, status int, to way, message string) {
	invalid := ""
	if message != "" {
		message = `<p class="message" role="alert" id="message">` + message + "</p>\n"
		invalid = ` aria-describedby="message"`
	}
	if status == http.StatusUnauthorized {
		invalid += ` aria-invalid="true"`
	}
	holes := strings.NewReplacer("{{style}}", loginCSS, "{{message}}", message, "{{invalid}}", invalid, "{{action}}", to.up+"login",
		"{{next}}", html.EscapeString(to.next), "{{audience}}", html.EscapeString(p.audience))
	w.Header().Set("Content-Security-Policy", p.policy)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, holes.Replace(loginHTML)) // a client that left needs no answer
}

// writeLater answers a browser whose reader cannot be let in just now, whoever
// he is, with the page and a link that asks again.
func (p *loginPage) writeLater(w http.ResponseWriter, refused *refusal, to way) {
	refused.header(w.Header())
	p.write(w, refused.status, to, fmt.Sprintf(`Nobody can be let in just now: %s. <a href="%s">Try again</a>`,
		html.EscapeString(refused.detail), html.EscapeString(to.login())))
}

// showLogin answers with the form, or leads on who passes already. Who is known
// and may see nothing is told so, and may log in as somebody else.
func (g *Gate) showLogin(w http.ResponseWriter, r *http.Request) {
	to := way{next: r.URL.Query().Get("next")}
	_, _, err := g.admit(r)
	refused, _ := errors.AsType[*refusal](err)
	switch {
	case err == nil:
		lead(w, local(to.next))
	case refused != nil && refused.result == rightless:
		g.login.write(w, refused.status, to, html.EscapeString("The page is not for you: "+refused.detail+"."))
	case refused != nil && refused.status == http.StatusServiceUnavailable:
		g.login.writeLater(w, refused, to)
	default:
		g.login.write(w, http.StatusOK, to, "")
	}
}

// logIn begins a session if the form has a token that is good.
func (g *Gate) logIn(w http.ResponseWriter, r *http.Request) {
	token, next, err := g.form(w, r)
	if err == nil {
		err = checkToken(token)
	}
	var reader Reader
	if err == nil {
		reader, _, err = g.tokens.reader(r.Context(), token, r.RemoteAddr)
	}
	if err == nil {
		_, err = g.scopeOf(r.Context(), reader)
	}
	if err != nil {
		refused := g.account(r, err)
		refused.header(w.Header())
		g.login.write(w, refused.status, way{next: next}, html.EscapeString("That did not work: "+refused.detail+"."))
		return
	}
	g.meter.Authenticated("login")
	g.sessions.end(r)        // of the same browser, whose cookie is replaced
	claims, _ := peek(token) // which it passed just now
	http.SetCookie(w, g.sessions.begin(r, reader, token, claims.expires))
	lead(w, local(next))
}

// form reads a login. Its error is a refusal.
func (g *Gate) form(w http.ResponseWriter, r *http.Request) (token, next string, err error) {
	if g.origin.Check(r) != nil {
		return "", "", &refusal{result: "origin", status: http.StatusForbidden, detail: "the login came from another site's page"}
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxLoginBytes)
	if err := r.ParseForm(); err != nil {
		if _, big := errors.AsType[*http.MaxBytesError](err); big {
			return "", "", &refusal{result: "malformed", status: http.StatusRequestEntityTooLarge,
				detail: fmt.Sprintf("the form has more than %d bytes", maxLoginBytes)}
		}
		return "", "", &refusal{result: "malformed", status: http.StatusBadRequest, detail: "the form cannot be read"}
	}
	return strings.TrimSpace(r.PostForm.Get("token")), r.PostForm.Get("next"), nil
}

// logOut ends the session, and leads to the login page.
func (g *Gate) logOut(w http.ResponseWriter, r *http.Request) {
	if g.origin.Check(r) != nil {
		forbidden("the logout came from another site's page").write(w, r)
		return
	}
	http.SetCookie(w, g.sessions.end(r))
	w.Header().Set("Clear-Site-Data", `"cache"`) // answers that the browser keeps to ask for changes
	lead(w, "login")
}

// lead answers with the way to a relative address. http.Redirect would make it
// an absolute path, which is wrong below an Ingress's path.
func lead(w http.ResponseWriter, location string) {
	w.Header().Set("Location", location)
	w.WriteHeader(http.StatusSeeOther)
}

// local returns where a login leads to, relative to /login: to next if that is
// a path of the hub, else to the page. It always begins with "./", after which
// no browser looks for another host.
func local(next string) string {
	const root = "./"
	u, err := url.Parse(next)
	if err != nil || len(next) > maxNextBytes || !strings.HasPrefix(u.Path, "/") || strings.HasPrefix(next, "//") ||
		u.Scheme != "" || u.Host != "" || u.User != nil {
		return root
	}
	if strings.Contains(u.Path, "..") || strings.ContainsAny(next, "\\\r\n") || u.Path == "/login" || u.Path == "/logout" {
		return root
	}
	location := "." + u.EscapedPath()
	if u.RawQuery != "" {
		location += "?" + u.Query().Encode()
	}
	return location
}

// wantsPage reports whether a person waits for the answer, in a browser.
func wantsPage(r *http.Request) bool {
	return (r.Method == http.MethodGet || r.Method == http.MethodHead) && strings.Contains(r.Header.Get("Accept"), "text/html")
}

// A way leads from a request to the login page, relative to what was asked for,
// and back to that.
type way struct {
	// up leads to the hub's root: "", or "../" for each level.
	up string
	// next is where to go on, below the root.
	next string
}

// wayFrom is the way from what a request asks for. ok is false for what no page
// is at.
func wayFrom(r *http.Request) (to way, ok bool) {
	path := r.URL.EscapedPath()
	up := strings.Count(path, "/") - 1
	if !strings.HasPrefix(path, "/") || up > maxUp {
		return way{}, false
	}
	next := path
	if r.URL.RawQuery != "" {
		next += "?" + r.URL.RawQuery
	}
	return way{strings.Repeat("../", up), next}, true
}

// login is the login page's address.
func (to way) login() string {
	if to.next == "" || to.next == "/" || len(to.next) > maxNextBytes {
		return to.up + "login"
	}
	return to.up + "login?next=" + url.QueryEscape(to.next)
}
