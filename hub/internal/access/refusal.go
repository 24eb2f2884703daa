package access

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/kubemon/kubemon/hub"
)

// A refusal is why a request does not pass. Its text is for the client, and
// has nothing of what the request showed.
type refusal struct {
	result     string // for counting and the log
	status     int
	detail     string
	retryAfter time.Duration
}

func (r *refusal) Error() string { return r.detail }

// Unwrap says of what could not be asked that it may be asked again.
func (r *refusal) Unwrap() error {
	if r.status == http.StatusServiceUnavailable {
		return hub.ErrUnavailable
	}
	return nil
}

// Refusals that have one text each.
var (
	errNobody = &refusal{result: "none", status: http.StatusUnauthorized,
		detail: "the hub does not know who asks: send a token as \"Authorization: Bearer TOKEN\", or log in at /login"}
	errExpired = &refusal{result: "expired", status: http.StatusUnauthorized,
		detail: "the token has expired; get a new one"}
	errRejected = &refusal{result: "rejected", status: http.StatusUnauthorized,
		detail: "the API server does not accept the token, neither for the hub nor for itself"}
	errSession = &refusal{result: "session", status: http.StatusUnauthorized,
		detail: "the session has ended; log in again"}
	errOver = &refusal{result: "over", status: http.StatusServiceUnavailable, retryAfter: time.Second,
		detail: "the reader of this long request is no longer known; ask anew"}
	errBusy = &refusal{result: "limited", status: http.StatusServiceUnavailable, retryAfter: 2 * time.Second,
		detail: "too many unknown tokens at once; ask again in a moment"}
	errMany = &refusal{result: "limited", status: http.StatusServiceUnavailable, retryAfter: 2 * time.Second,
		detail: "there are too many rights to ask the API server for at once; ask again in a moment"}
	errEarly = &refusal{result: "early", status: http.StatusServiceUnavailable, retryAfter: 2 * time.Second,
		detail: "it is not known yet which namespaces there are; ask again in a moment"}
	errUnasked = &refusal{result: "unasked", status: http.StatusServiceUnavailable, retryAfter: 10 * time.Second,
		detail: "the API server does not let the hub ask who may read what; the hub's log says more"}
	errAway = &refusal{result: "away", status: http.StatusServiceUnavailable, retryAfter: 10 * time.Second,
		detail: "the API server cannot be asked who may read what; ask again in a moment"}
)

func malformed(format string, args ...any) error {
	return &refusal{result: "malformed", status: http.StatusUnauthorized, detail: fmt.Sprintf(format, args...)}
}

func forbidden(format string, args ...any) *refusal {
	return &refusal{result: "forbidden", status: http.StatusForbidden, detail: fmt.Sprintf(format, args...)}
}

// rightless is the result of who is known and may see nothing.
const rightless = "rightless"

func withoutRights(reader Reader) *refusal {
	return &refusal{result: rightless, status: http.StatusForbidden,
		detail: fmt.Sprintf("%s may list neither nodes nor the pods of any namespace in the cluster, and sees what he may list; ask for one of these rights", reader.Name)}
}

// A problem is an error as RFC 9457 has it.
type problem struct {
	Type     string `json:"type"`
	Title    string `json:"title"`
	Status   int    `json:"status"`
	Detail   string `json:"detail"`
	Instance string `json:"instance"`
}

// write answers with the refusal as an RFC 9457 problem.
func (r *refusal) write(w http.ResponseWriter, request *http.Request) {
	r.header(w.Header())
	body, err := json.Marshal(problem{"about:blank", http.StatusText(r.status), r.status, r.detail, request.URL.EscapedPath()})
	if err != nil {
		body = []byte("{}") // strings and a number always marshal
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(r.status)
	_, _ = w.Write(append(body, '\n')) // a client that left needs no answer
}

// header says by RFC 6750 what is asked for, and when to come again.
func (r *refusal) header(h http.Header) {
	if r.status == http.StatusUnauthorized {
		challenge := `Bearer realm="kubemon"`
		if r != errNobody {
			challenge += `, error="invalid_token"`
		}
		h.Set("WWW-Authenticate", challenge)
	}
	if r.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(r.retryAfter.Seconds())))
	}
}

// protect sets the headers that keep a browser from taking an answer for more
// than it is. An answer may allow itself more; without a word of its own it is
// data, for the one who asked, now.
func protect(h http.Header) {
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}
