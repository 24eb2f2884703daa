package kube

import (
	"context"
	"crypto/x509"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
)

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
