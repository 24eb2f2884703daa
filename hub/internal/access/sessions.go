package access

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	// maxSession is how long a login lasts at most.
	maxSession = 24 * time.Hour
	// maxSessions bounds how many there are, maxOfReader how many of them are one
	// reader's, and maxOfToken how many began with one token: who has too many
	// ends none but his own. The one that is not used for longest makes room.
	maxSessions = 1024
	maxOfReader = 64
	maxOfToken  = 8
	// sessionBytes are a session's name before it is written in base64.
	sessionBytes = 32

	plainCookie = "kubemon"
	// hostCookie is taken by browsers from this very host over TLS only.
	hostCookie = "__Host-kubemon"
)

// sessions are who has logged in: the token that each of them showed, which is
// reviewed with every request as if it came with it. They end with the hub.
type sessions struct {
	mu   sync.Mutex
	open map[sessionKey]*session
}

// A sessionKey is the hash of a session's name.
type sessionKey [sha256.Size]byte

// A session is owned by the mutex of its sessions.
type session struct {
	reader, token string
	// local is true of one that began on the hub's own loopback, as by a
	// port-forward. Browsers send the cookie to every other port of that host.
	local     bool
	used, end time.Time
}

func newSessions() *sessions { return &sessions{open: make(map[sessionKey]*session)} }

// begin makes a session of a reader's token that ends then, or is zero, and
// returns its cookie.
func (s *sessions) begin(r *http.Request, reader Reader, token string, expires time.Time) *http.Cookie {
	var name [sessionBytes]byte
	_, _ = rand.Read(name[:]) // never returns an error
	now, life := time.Now(), maxSession
	if !expires.IsZero() {
		life = min(life, expires.Sub(now))
	}
	id := base64.RawURLEncoding.EncodeToString(name[:])
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tidy(now)
	s.makeRoom(maxOfToken, func(o *session) bool { return o.token == token })
	s.makeRoom(maxOfReader, func(o *session) bool { return o.reader == reader.Name })
	s.makeRoom(maxSessions, func(*session) bool { return true })
	s.open[keyOf(id)] = &session{reader: reader.Name, token: token, local: isLocal(r), used: now, end: now.Add(life)}
	return cookieFor(r, id, int(life.Seconds()))
}

// tidy drops what has ended. It is called with mu held, as is makeRoom.
func (s *sessions) tidy(now time.Time) {
	maps.DeleteFunc(s.open, func(_ sessionKey, o *session) bool { return !now.Before(o.end) })
}

// makeRoom ends of the sessions that are meant the one that is not used for
// longest, if there are so many.
func (s *sessions) makeRoom(most int, meant func(*session) bool) {
	var oldest sessionKey
	count := 0
	for key, o := range s.open {
		if !meant(o) {
			continue
		}
		if count == 0 || o.used.Before(s.open[oldest].used) {
			oldest = key
		}
		count++
	}
	if count >= most {
		delete(s.open, oldest)
	}
}

// token returns that of the session that a request names. named is false if it
// names none; a session that has ended has no token, and neither has one of
// loopback that is named from elsewhere.
func (s *sessions) token(r *http.Request) (token string, named bool) {
	id, named := sessionOf(r)
	if !named {
		return "", false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	o, now := s.open[keyOf(id)], time.Now()
	if o == nil || !now.Before(o.end) || o.local && !isLocal(r) {
		return "", true
	}
	o.used = now
	return o.token, true
}

// end forgets the session that a request names, and returns a cookie that makes
// the browser forget it.
func (s *sessions) end(r *http.Request) *http.Cookie {
	if id, named := sessionOf(r); named {
		s.mu.Lock()
		delete(s.open, keyOf(id))
		s.mu.Unlock()
	}
	return cookieFor(r, "", -1)
}

// count is how many sessions there are.
func (s *sessions) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tidy(time.Now())
	return len(s.open)
}

func keyOf(id string) sessionKey { return sha256.Sum256([]byte(id)) }

// isLocal reports whether a request comes from the hub's own loopback.
func isLocal(r *http.Request) bool {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	return err == nil && isLoopback(host)
}

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
	outermost, _, _ := strings.Cut(r.Header.Get("X-Forwarded-Proto"), ",")
	return r.TLS != nil || strings.EqualFold(strings.TrimSpace(outermost), "https")
}
