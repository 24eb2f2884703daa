// Package identity tells who holds a service account token of a cluster, and
// whose a TLS key is, without asking the cluster.
//
// A Kubernetes API server issues service account tokens as JWTs (RFC 7519) and
// publishes the keys that it signs with as a JWKS (RFC 7517), at
// /openid/v1/jwks. A [Verifier] gets these keys by a function that it is given,
// keeps them, also while the API server is away, and checks tokens with them:
//
//	verifier := identity.NewVerifier(identity.Config{Issuer: issuer, Fetch: fetch, Log: log})
//	go verifier.Run(ctx)
//	claims, err := verifier.Verify(ctx, token, "kubemon-agent")
//
// The same tokens vouch for TLS keys, so that no certificate authority is
// needed. A server asks the API server for a token of its own service account,
// bound to its own pod, for an audience that names its key ([KeyAudience]), and
// puts it into its certificate ([NewAttestation]). A client that meets the
// certificate in a handshake, which proves that the peer has the key, finds in
// it whose the key is ([Verifier.VerifyCertificate]).
//
// What is said of a token is decided in the order of what it costs: its size
// and form, then audience and times, then issuer and key, then the signature. No error has
// any part of a token in it. The package logs nothing about tokens, only when
// keys could not be had.
package identity

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/json"
	"github.com/go-jose/go-jose/v4/jwt"
)

// MaxTokenBytes is the size of the longest token that is looked at.
const MaxTokenBytes = 8 << 10

// leeway is how far the clocks of the issuer and of this machine may be apart.
// It is what the API server itself grants.
const leeway = time.Minute

// What may be wrong with a token. Each is what errors.Is finds in the errors
// of this package.
var (
	ErrMalformed       = errors.New("the token is no signed service account token of at most 8 KiB")
	ErrIssuer          = errors.New("the token is of another issuer")
	ErrAudience        = errors.New("the token is for another audience")
	ErrExpired         = errors.New("the token has expired")
	ErrNotYet          = errors.New("the token is not valid yet")
	ErrUnknownKey      = errors.New("the token is signed with a key that the cluster does not publish")
	ErrSignature       = errors.New("the signature of the token is wrong")
	ErrKeysUnavailable = errors.New("the keys of the cluster could not be had yet")
	// ErrNotAttested is of certificates that hold no token.
	ErrNotAttested = errors.New("the certificate holds no token that vouches for its key")
)

// algorithms are those that an API server signs tokens with, see KEP-740. None
// of them takes a secret for a key.
var algorithms = []jose.SignatureAlgorithm{jose.RS256, jose.ES256, jose.ES384, jose.ES512}

// Claims are what a token says. What follows Expiry is empty where the token
// is not of a service account, or not bound to a pod.
type Claims struct {
	Issuer    string // "iss"
	Subject   string // "sub", of a service account system:serviceaccount:NAMESPACE:NAME
	Audiences []string
	NotBefore time.Time // zero: since ever
	Expiry    time.Time

	Namespace      string
	ServiceAccount string
	PodName        string
	PodUID         string
	Node           string // of the pod, since Kubernetes 1.29
}

// payload is the JSON of the claims, see
// https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#bound-service-account-tokens.
type payload struct {
	jwt.Claims
	Kubernetes struct {
		Namespace      string    `json:"namespace"`
		ServiceAccount reference `json:"serviceaccount"`
		Pod            reference `json:"pod"`
		Node           reference `json:"node"`
	} `json:"kubernetes.io"`
}

type reference struct {
	Name string `json:"name"`
	UID  string `json:"uid"`
}

// Peek returns the claims of a token whose signature nobody has checked. It is
// for a token that comes from a trusted place, such as the program's own. The
// error is [ErrMalformed].
func Peek(token string) (Claims, error) {
	_, claims, err := parse(token)
	return claims, err
}

// parse reads a token: a compact JWS (RFC 7515) of three parts, signed with one
// of the algorithms and a key that is named, with claims that end.
func parse(token string) (*jose.JSONWebSignature, Claims, error) {
	if !compact(token) || strings.Count(token, ".") != 2 {
		return nil, Claims{}, ErrMalformed
	}
	signed, err := jose.ParseSignedCompact(token, algorithms)
	if err != nil || signed.Signatures[0].Protected.KeyID == "" {
		return nil, Claims{}, ErrMalformed // the cause would quote the token
	}
	var p payload
	// This decoder refuses names that come twice, and takes them letter by letter.
	if err := json.Unmarshal(signed.UnsafePayloadWithoutVerification(), &p); err != nil || p.Expiry == nil {
		return nil, Claims{}, ErrMalformed
	}
	return signed, p.claims(), nil
}

// compact reports whether the text has the length and the letters of a token:
// base64url (RFC 4648, section 5), and dots between parts.
func compact(text string) bool {
	return len(text) <= MaxTokenBytes && !strings.ContainsFunc(text, foreign)
}

func foreign(r rune) bool {
	letter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
	return !letter && (r < '0' || '9' < r) && r != '-' && r != '_' && r != '.'
}

func (p payload) claims() Claims {
	return Claims{
		Issuer:         p.Issuer,
		Subject:        p.Subject,
		Audiences:      p.Audience,
		NotBefore:      p.NotBefore.Time(),
		Expiry:         p.Expiry.Time(),
		Namespace:      p.Kubernetes.Namespace,
		ServiceAccount: p.Kubernetes.ServiceAccount.Name,
		PodName:        p.Kubernetes.Pod.Name,
		PodUID:         p.Kubernetes.Pod.UID,
		Node:           p.Kubernetes.Node.Name,
	}
}

// check holds the claims against what is expected of them at that time.
func (c Claims) check(audience string, now time.Time) error {
	switch {
	case !slices.Contains(c.Audiences, audience):
		return ErrAudience
	case now.After(c.Expiry.Add(leeway)):
		return ErrExpired
	case now.Before(c.NotBefore.Add(-leeway)):
		return ErrNotYet
	}
	return nil
}
