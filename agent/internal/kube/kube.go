// Package kube makes the calls to the Kubernetes API server that an agent may
// make, and is all of the agent that talks to anybody:
//
//	GET  /openid/v1/jwks                                         the keys to check tokens with
//	GET  /.well-known/openid-configuration                       who issues the tokens
//	POST /api/v1/namespaces/{ns}/serviceaccounts/{name}/token    a token that attests a TLS key
//
// The keys may be had from a file or from another server instead ([KeysIn],
// [API.KeysAt]). It sends the pod's own service account token to the API server,
// and to nobody else. Token and CA certificate are files that the kubelet renews, and are read
// for each call: there are a few a day. Calls take ten seconds at most, follow
// no redirect, go through no proxy, and their answers are bounded.
package kube

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/kubemon/kubemon/shared/identity"
)

const (
	callTimeout    = 10 * time.Second
	maxHeaderBytes = 64 << 10
	maxFileBytes   = 1 << 20
	// tokenLife is what is asked for. The API server may give less, or more.
	tokenLife = 24 * time.Hour
)

// An API is the API server of the agent's own cluster.
type API struct {
	base   string // https://host:port
	folder string
}

// New returns the API server at that host and port, as the environment of a pod
// has them in KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT. folder is
// where the pod's token and ca.crt are.
func New(host, port, folder string) *API {
	return &API{base: "https://" + net.JoinHostPort(host, port), folder: folder}
}

// OwnToken returns the token of the pod's service account, as it is now.
func (a *API) OwnToken() (string, error) {
	body, err := readFile(filepath.Join(a.folder, "token"))
	if err != nil {
		return "", err
	}
	return strings.TrimSpace(string(body)), nil
}

// tokenRequest is authentication.k8s.io/v1 TokenRequest, as far as needed.
type tokenRequest struct {
	APIVersion string             `json:"apiVersion"`
	Kind       string             `json:"kind"`
	Spec       tokenRequestSpec   `json:"spec"`
	Status     tokenRequestStatus `json:"status,omitzero"`
}

type tokenRequestSpec struct {
	Audiences         []string        `json:"audiences"`
	ExpirationSeconds int64           `json:"expirationSeconds"`
	BoundObjectRef    objectReference `json:"boundObjectRef"`
}

type objectReference struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Name       string `json:"name"`
	UID        string `json:"uid"`
}

type tokenRequestStatus struct {
	Token               string    `json:"token"`
	ExpirationTimestamp time.Time `json:"expirationTimestamp"`
}

// Attest asks for a token of the pod's own service account, bound to the pod,
// for that audience, and says when it expires. Which pod that is, it reads in
// the pod's own token.
func (a *API) Attest(ctx context.Context, audience string) (token string, expires time.Time, err error) {
	own, err := a.self()
	if err != nil {
		return "", time.Time{}, err
	}
	request, err := json.Marshal(tokenRequest{
		APIVersion: "authentication.k8s.io/v1", Kind: "TokenRequest",
		Spec: tokenRequestSpec{
			Audiences: []string{audience}, ExpirationSeconds: int64(tokenLife / time.Second),
			BoundObjectRef: objectReference{APIVersion: "v1", Kind: "Pod", Name: own.PodName, UID: own.PodUID},
		},
	})
	if err != nil {
		return "", time.Time{}, err
	}
	path := "/api/v1/namespaces/" + url.PathEscape(own.Namespace) + "/serviceaccounts/" + url.PathEscape(own.ServiceAccount) + "/token"
	body, err := a.call(ctx, http.MethodPost, path, request)
	if err != nil {
		return "", time.Time{}, err
	}
	var answer tokenRequest
	if err := json.Unmarshal(body, &answer); err != nil || answer.Status.Token == "" || answer.Status.ExpirationTimestamp.IsZero() {
		return "", time.Time{}, errors.New("request a token: the answer is no TokenRequest with a status") // the cause may quote it
	}
	return answer.Status.Token, answer.Status.ExpirationTimestamp, nil
}

// self is what the pod's own token says.
func (a *API) self() (identity.Claims, error) {
	token, err := a.OwnToken()
	if err != nil {
		return identity.Claims{}, err
	}
	own, err := identity.Peek(token)
	if err != nil {
		return identity.Claims{}, fmt.Errorf("read %s: %w", filepath.Join(a.folder, "token"), err)
	}
	if own.PodName == "" || own.PodUID == "" || own.Namespace == "" || own.ServiceAccount == "" {
		return identity.Claims{}, fmt.Errorf("read %s: it is not bound to a pod, as a projected token is", filepath.Join(a.folder, "token"))
	}
	return own, nil
}

// call sends one request with the pod's token and returns the body of a good
// answer.
func (a *API) call(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	token, err := a.OwnToken()
	if err != nil {
		return nil, err
	}
	ca, err := readFile(filepath.Join(a.folder, "ca.crt"))
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(ca) {
		return nil, fmt.Errorf("read %s: there is no certificate in it", filepath.Join(a.folder, "ca.crt"))
	}
	request, err := http.NewRequestWithContext(ctx, method, a.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Content-Type", "application/json")
	return send(request, roots)
}

// send sends a request to who has a certificate of one of the roots.
func send(request *http.Request, roots *x509.CertPool) ([]byte, error) {
	client := &http.Client{
		Timeout:       callTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{ // without Proxy: the environment's does not count
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots},
			DisableKeepAlives:      true,
			MaxResponseHeaderBytes: maxHeaderBytes,
		},
	}
	request.Header.Set("Accept", "application/json, application/jwk-set+json")
	response, err := client.Do(request)
	if err != nil {
		return nil, err // it names method and address
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, identity.MaxKeysBytes+1))
	switch what := request.Method + " " + request.URL.Redacted(); {
	case err != nil:
		return nil, fmt.Errorf("%s: read answer: %w", what, err)
	case len(body) > identity.MaxKeysBytes:
		return nil, fmt.Errorf("%s: the answer has more than %d bytes", what, identity.MaxKeysBytes)
	case response.StatusCode/100 != 2:
		return nil, fmt.Errorf("%s: %s%s", what, response.Status, reason(body))
	}
	return body, nil
}

// reason is the message of a Kubernetes Status, as far as it is one.
func reason(body []byte) string {
	var status struct {
		Kind    string `json:"kind"`
		Message string `json:"message"`
	}
	if err := json.Unmarshal(body, &status); err != nil || status.Kind != "Status" || status.Message == "" {
		return ""
	}
	return fmt.Sprintf(": %.300q", status.Message)
}

// readFile reads a small file.
func readFile(name string) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	body, err := io.ReadAll(io.LimitReader(file, maxFileBytes+1))
	if err != nil {
		return nil, err
	}
	if len(body) == 0 || len(body) > maxFileBytes {
		return nil, fmt.Errorf("read %s: %d bytes, want 1 to %d", name, len(body), maxFileBytes)
	}
	return body, nil
}
