package access

import (
	"crypto/sha256"
	"crypto/subtle"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Headers of an authenticating proxy, by the names that Kubernetes' own use.
const (
	userHeader   = "X-Remote-User"
	groupHeader  = "X-Remote-Group"
	secretHeader = "X-Kubemon-Proxy-Secret"
)

// Bounds of what a proxy says of one reader.
const (
	maxNameBytes = 1 << 10
	maxGroups    = 1000
)

// everybody is the group of all whom the API server knows.
const everybody = "system:authenticated"

// A proxy knows readers itself, and says who they are in headers. Where a
// request comes from proves nothing: port-forwards and sidecars come from
// loopback too.
type proxy struct {
	secret func() (string, error) // nil if there is none
	log    *audit
}

// reader returns whom the proxy names. named is false of a request that is not
// from a proxy, or of nobody.
func (p proxy) reader(r *http.Request) (reader Reader, named bool, err error) {
	names := r.Header.Values(userHeader)
	if len(names) == 0 || !p.proven(r) {
		return Reader{}, false, nil
	}
	groups := r.Header.Values(groupHeader)
	if len(names) > 1 || len(groups) > maxGroups || slices.ContainsFunc(slices.Concat(names, groups), isNoName) {
		return Reader{}, true, malformed("the proxy's %s and %s headers do not name one reader", userHeader, groupHeader)
	}
	groups = slices.Clone(groups)
	if !slices.Contains(groups, everybody) {
		groups = append(groups, everybody)
	}
	return Reader{Name: names[0], Groups: groups}, true, nil
}

// proven reports whether a request is from the proxy: by a client certificate
// that TLS has verified, which the hub asks for only where it has a proxy's CA,
// or by the secret.
func (p proxy) proven(r *http.Request) bool {
	if r.TLS != nil && len(r.TLS.VerifiedChains) > 0 {
		return true
	}
	sent := r.Header.Values(secretHeader)
	if p.secret == nil || len(sent) != 1 {
		return false
	}
	secret, err := p.secret()
	if err != nil {
		p.log.write(r.Context(), slog.LevelWarn, "proxy's secret not read", "err", err)
		return false
	}
	a, b := sha256.Sum256([]byte(sent[0])), sha256.Sum256([]byte(secret)) // so that not even the length takes time
	return secret != "" && subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

func isNoName(name string) bool {
	return name == "" || len(name) > maxNameBytes || !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl)
}

// isCredential reports whether a header is for this package alone: what it says
// has been heard, or was not to be believed.
func isCredential(header string) bool {
	return header == "Authorization" || header == "Cookie" || header == secretHeader || strings.HasPrefix(header, "X-Remote-")
}
