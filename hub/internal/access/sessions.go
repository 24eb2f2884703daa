package access

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"time"

	"k8s.io/apimachinery/pkg/util/cache"
)

const (
	// maxSession is how long a login lasts at most.
	maxSession = 24 * time.Hour
	// maxSessions bounds how many there are; the one that is not used for longest
	// makes room.
	maxSessions = 1024
	// sessionBytes are a session's name before it is written in base64.
	sessionBytes = 32

	plainCookie = "kubemon"
	// hostCookie is taken by browsers from this very host over TLS only.
	hostCookie = "__Host-kubemon"
)

// sessions are who has logged in: the token that each of them showed, which is
// reviewed with every request as if it came with it. They end with the hub.
type sessions struct {
	tokens *cache.LRUExpireCache // a token by the hash of its session's name
}

func newSessions() *sessions {
	return &sessions{cache.NewLRUExpireCache(maxSessions)}
}

// begin makes a session of a token that ends then, or is zero, and returns its
// cookie.
func (s *sessions) begin(r *http.Request, token string, expires, now time.Time) *http.Cookie {
	var name [sessionBytes]byte
	_, _ = rand.Read(name[:]) // never returns an error
	life := maxSession
	if !expires.IsZero() {
		life = min(life, expires.Sub(now))
	}
	id := base64.RawURLEncoding.EncodeToString(name[:])
	s.tokens.Add(sha256.Sum256([]byte(id)), token, life)
	return cookieFor(r, id, int(life.Seconds()))
}

// token returns that of the session that a request names. named is false if it
// names none; a session that has ended has no token.
func (s *sessions) token(r *http.Request) (token string, named bool) {
	id, named := sessionOf(r)
	if !named {
		return "", false
	}
	value, ok := s.tokens.Get(sha256.Sum256([]byte(id)))
	if !ok {
		return "", true
	}
	token, _ = value.(string)
	return token, true
}

// end forgets the session that a request names, and returns a cookie that makes
// the browser forget it.
func (s *sessions) end(r *http.Request) *http.Cookie {
	if id, named := sessionOf(r); named {
		s.tokens.Remove(sha256.Sum256([]byte(id)))
	}
	return cookieFor(r, "", -1)
}

func (s *sessions) count() int { return len(s.tokens.Keys()) }

// sessionOf returns the name of a session as the request's cookie has it.
func sessionOf(r *http.Request) (id string, named bool) {
	cookies := r.CookiesNamed(cookieName(r))
	if len(cookies) != 1 {
		return "", false
	}
	name, err := base64.RawURLEncoding.Strict().DecodeString(cookies[0].Value)
	if err != nil || len(name) != sessionBytes {
		return "", false
	}
	return cookies[0].Value, true
}

func cookieFor(r *http.Request, id string, seconds int) *http.Cookie {
	return &http.Cookie{
		Name: cookieName(r), Value: id, MaxAge: seconds,
		Path: "/", HttpOnly: true, Secure: overTLS(r), SameSite: http.SameSiteStrictMode,
	}
}

func cookieName(r *http.Request) string {
	if overTLS(r) {
		return hostCookie
	}
	return plainCookie
}

// overTLS reports whether the reader's own connection is over TLS, be it that
// an Ingress ends it. Who says so falsely gets a cookie that works in fewer
// places.
func overTLS(r *http.Request) bool {
	return r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https"
}
