package kube

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"

	"github.com/kubemon/kubemon/shared/identity"
)

// Keys fetches the keys that the cluster signs tokens with.
func (a *API) Keys(ctx context.Context) ([]byte, error) {
	return a.call(ctx, http.MethodGet, "/openid/v1/jwks", nil)
}

// Issuer says who issues the cluster's tokens now: what the API server publishes
// (OpenID Connect Discovery 1.0), or, where it does not say, who has issued the
// pod's own token, which is renewed each hour and so an hour behind at most.
func (a *API) Issuer(ctx context.Context) (string, error) {
	body, err := a.call(ctx, http.MethodGet, "/.well-known/openid-configuration", nil)
	if err != nil {
		return a.OwnIssuer()
	}
	var published struct{ Issuer string }
	if err := json.Unmarshal(body, &published); err != nil || published.Issuer == "" {
		return a.OwnIssuer()
	}
	return published.Issuer, nil
}

// OwnIssuer says who has issued the pod's own token.
func (a *API) OwnIssuer() (string, error) {
	token, err := a.OwnToken()
	if err != nil {
		return "", err
	}
	own, err := identity.Peek(token)
	if err != nil {
		return "", fmt.Errorf("read %s: %w", filepath.Join(a.folder, "token"), err)
	}
	return own.Issuer, nil
}

// KeysIn returns a function that reads keys from a file.
func KeysIn(file string) func(context.Context) ([]byte, error) {
	return func(context.Context) ([]byte, error) { return readFile(file) }
}

// KeysAt returns a function that fetches keys from an https URL: with the pod's
// token if that is the API server, else as nobody. There the machine's
// certificate authorities count, and the cluster's.
func (a *API) KeysAt(url string) func(context.Context) ([]byte, error) {
	if path, ok := strings.CutPrefix(url, a.base+"/"); ok {
		return func(ctx context.Context) ([]byte, error) { return a.call(ctx, http.MethodGet, "/"+path, nil) }
	}
	return func(ctx context.Context) ([]byte, error) {
		roots, err := a.publicRoots()
		if err != nil {
			return nil, err
		}
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return nil, err
		}
		return send(request, roots)
	}
}

// publicRoots are the machine's authorities and, in a pod, the cluster's.
func (a *API) publicRoots() (*x509.CertPool, error) {
	roots, err := x509.SystemCertPool()
	if err != nil {
		return nil, fmt.Errorf("read the machine's certificate authorities: %w", err)
	}
	if ca, err := readFile(filepath.Join(a.folder, "ca.crt")); err == nil { // else this is no pod
		roots.AppendCertsFromPEM(ca)
	}
	return roots, nil
}
