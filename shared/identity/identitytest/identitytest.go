// Package identitytest issues service account tokens for tests, as an API
// server does: signed JWTs, bound to a pod or not, and the JWKS to check them
// with.
//
//	issuer := identitytest.New(t)
//	token := issuer.Token(identitytest.Holder{Namespace: "kubemon", ServiceAccount: "kubemon-hub"}, "kubemon-agent", time.Hour)
//	verifier := identity.NewVerifier(identity.Config{Issuer: identitytest.URL, Fetch: issuer.Fetch, Log: log})
package identitytest

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// URL is the issuer that all of them are, so that two differ by their keys
// alone.
const URL = "https://kubernetes.default.svc.cluster.local"

// An Issuer signs tokens. Its methods may be called concurrently.
type Issuer struct {
	t testing.TB

	mu      sync.Mutex // held to look at, or change, what is below it
	keys    []signer   // the last one signs
	err     error      // of Fetch
	fetches int
}

type signer struct {
	id        string
	key       crypto.Signer
	algorithm jose.SignatureAlgorithm
}

// New returns an issuer with one ECDSA key.
func New(t testing.TB) *Issuer {
	i := &Issuer{t: t}
	i.Rotate()
	return i
}

// NewRSA returns an issuer with one RSA key, as most clusters have.
func NewRSA(t testing.TB) *Issuer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return &Issuer{t: t, keys: []signer{{"rsa", key, jose.RS256}}}
}

// Rotate makes the issuer sign with a new key. It still publishes the others.
func (i *Issuer) Rotate() {
	i.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		i.t.Fatal(err)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keys = append(i.keys, signer{"key" + strconv.Itoa(len(i.keys)), key, jose.ES256})
}

// Fail makes Fetch return err, until it is nil again.
func (i *Issuer) Fail(err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.err = err
}

// Fetches is how often Fetch was called.
func (i *Issuer) Fetches() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.fetches
}

// Fetch returns the issuer's keys as a JWKS.
func (i *Issuer) Fetch(context.Context) ([]byte, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.fetches++
	if i.err != nil {
		return nil, i.err
	}
	var set jose.JSONWebKeySet
	for _, s := range i.keys {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: s.key.Public(), KeyID: s.id, Algorithm: string(s.algorithm), Use: "sig"})
	}
	return json.Marshal(set)
}

// A Holder is whose a token is. Without a pod's name it is not bound to one.
type Holder struct {
	Namespace, ServiceAccount string
	Pod, PodUID, Node         string
}

// Token returns a token that is valid from now on for so long.
func (i *Issuer) Token(of Holder, audience string, life time.Duration) string {
	i.t.Helper()
	return i.Sign(Claims(of, audience, life))
}

// Claims are those of such a token, for tests that change them.
func Claims(of Holder, audience string, life time.Duration) map[string]any {
	now := time.Now()
	bound := map[string]any{
		"namespace":      of.Namespace,
		"serviceaccount": map[string]string{"name": of.ServiceAccount, "uid": "5e7f0f5c-0000-4000-8000-000000000001"},
	}
	if of.Pod != "" {
		bound["pod"] = map[string]string{"name": of.Pod, "uid": of.PodUID}
		bound["node"] = map[string]string{"name": of.Node, "uid": "5e7f0f5c-0000-4000-8000-000000000002"}
	}
	return map[string]any{
		"iss": URL, "aud": []string{audience}, "sub": "system:serviceaccount:" + of.Namespace + ":" + of.ServiceAccount,
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(life).Unix(), "kubernetes.io": bound,
	}
}

// Sign returns a token with those claims, or with that text in their place.
func (i *Issuer) Sign(claims any) string {
	i.t.Helper()
	text, raw := claims.(string)
	body := []byte(text)
	if !raw {
		var err error
		if body, err = json.Marshal(claims); err != nil {
			i.t.Fatal(err)
		}
	}
	i.mu.Lock()
	last := i.keys[len(i.keys)-1]
	i.mu.Unlock()
	key := jose.SigningKey{Algorithm: last.algorithm, Key: jose.JSONWebKey{Key: last.key, KeyID: last.id}}
	with, err := jose.NewSigner(key, nil)
	if err != nil {
		i.t.Fatal(err)
	}
	signed, err := with.Sign(body)
	if err != nil {
		i.t.Fatal(err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		i.t.Fatal(err)
	}
	return token
}
