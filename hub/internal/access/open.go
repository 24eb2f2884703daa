package access

import (
	"fmt"
	"net"
	"net/http"
	"strings"

	"github.com/kubemon/kubemon/hub"
)

// Open lets everybody pass who reaches the hub. On loopback that is who is on
// this machine, and no page of elsewhere that a browser here has open: a request
// must name this machine in its Host header, which a name of elsewhere that was
// bent to point here does not.
type Open struct {
	host     string
	loopback bool
}

// NewOpen returns the Open of a hub that listens on that host and port.
func NewOpen(listen string) (*Open, error) {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return nil, fmt.Errorf("split the address %q: %w", listen, err)
	}
	return &Open{host: host, loopback: isLoopback(host)}, nil
}

// Around returns next for those who may pass, which are told by a header that
// nobody is asked who they are.
func (o *Open) Around(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		protect(w.Header())
		w.Header().Set("X-Kubemon-Auth", "none")
		if o.loopback && !o.isHere(r.Host) {
			forbidden("the hub listens on loopback only and is localhost or an address such as 127.0.0.1, not what the Host header says").write(w, r)
			return
		}
		next.ServeHTTP(w, withoutCredentials(r))
	})
}

// Scope is everything, of everybody.
func (o *Open) Scope(*http.Request) (hub.Scope, error) { return hub.Everything(), nil }

// ReaderOf returns nobody: the reader of no request is known.
func (o *Open) ReaderOf(*http.Request) (key string, known bool) { return "", false }

func (o *Open) isHere(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = strings.TrimSuffix(strings.TrimPrefix(hostport, "["), "]")
	}
	return isLoopback(host) || strings.EqualFold(host, o.host)
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}
