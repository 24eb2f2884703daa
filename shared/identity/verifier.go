package identity

import (
	"context"
	"crypto/x509"
	"log/slog"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Config is what a [Verifier] needs.
type Config struct {
	// Issuer is what "iss" of every token must be. It may be empty where there is
	// a FindIssuer: then no token is good until that has found one.
	Issuer string
	// FindIssuer says who the cluster's issuer is now, which may change. It is
	// asked before each Fetch, in its time, and when a token is of another one.
	// The issuer before counts for a day more. Nil: the issuer stays Issuer.
	FindIssuer func(context.Context) (string, error)
	// Fetch gets the cluster's keys, a JWKS. It is called by one goroutine at
	// a time, and its context ends after fetchTimeout.
	Fetch func(context.Context) ([]byte, error)
	Log   *slog.Logger
}

// A Verifier checks tokens of one cluster. Its methods may be called
// concurrently.
type Verifier struct{ keys *keys }

// NewVerifier returns a verifier that has no keys yet: [Verifier.Run], or the
// first token, gets them.
func NewVerifier(c Config) *Verifier {
	return &Verifier{newKeys(c)}
}

// Run gets the keys now and about once an hour, sooner after a failure, until
// ctx ends.
func (v *Verifier) Run(ctx context.Context) { v.keys.run(ctx) }

// Verify returns the claims of a token that the issuer has signed for that
// audience and that is valid now. Its error is one of the errors of this
// package that say what is wrong with a token.
//
// A token whose key or issuer is not known makes Verify ask for both anew, and
// callers wait for that as long as ctx lets them: [ErrKeysUnavailable] if it ends
// first. That is not done more often than each ten seconds, and each minute while
// it brings nothing new, however many such tokens there are.
func (v *Verifier) Verify(ctx context.Context, token, audience string) (Claims, error) {
	signed, claims, err := parse(token)
	if err != nil {
		return Claims{}, err
	}
	if err := claims.check(audience, time.Now()); err != nil {
		return Claims{}, err
	}
	if err := v.keys.issued(ctx, claims.Issuer); err != nil {
		return Claims{}, err
	}
	header := signed.Signatures[0].Protected
	candidates, err := v.keys.named(ctx, header.KeyID)
	if err != nil {
		return Claims{}, err
	}
	for _, key := range candidates {
		if fits(key, header) && verified(signed, key) {
			return claims, nil
		}
	}
	return Claims{}, ErrSignature
}

// VerifyCertificate returns the claims of the token that the certificate holds
// and that vouches for its key, in the way of [Verifier.Verify]. It is for the
// leaf of a handshake, in which the peer has proved that it has the key. The
// error is [ErrNotAttested] when the certificate holds none.
func (v *Verifier) VerifyCertificate(ctx context.Context, leaf *x509.Certificate) (Claims, error) {
	token, ok := Attestation(leaf)
	if !ok {
		return Claims{}, ErrNotAttested
	}
	return v.Verify(ctx, token, KeyAudience(leaf.RawSubjectPublicKeyInfo))
}

// fits reports whether the key may be used for what the token's header says: a
// key that names its algorithm is for that alone.
func fits(key jose.JSONWebKey, header jose.Header) bool {
	return key.Algorithm == "" || key.Algorithm == header.Algorithm
}

func verified(signed *jose.JSONWebSignature, key jose.JSONWebKey) bool {
	_, err := signed.Verify(key.Key)
	return err == nil
}
