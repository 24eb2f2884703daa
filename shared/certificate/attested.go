package certificate

import (
	"context"
	"crypto/x509"
	"fmt"
	"log/slog"
	"time"

	"github.com/kubemon/kubemon/shared/identity"
)

const (
	// soonest is when a token is replaced at the earliest, whatever it says.
	soonest = time.Minute
	// patience is for the first token: who asks a server that has just started
	// should not meet a key that nobody attested.
	patience = 5 * time.Second
)

// Attest gets a token of the server's own service account for the audience,
// and when it expires.
type Attest func(ctx context.Context, audience string) (token string, expires time.Time, err error)

// NewAttested makes keys with certificates in which a token says whose the key
// is. Another pair comes when 80 % of the token's life are over, and after a day
// at the latest.
//
// It waits a few seconds for the first token. If there is none, it begins with
// a self-signed certificate that holds no token, so that the server can answer
// while nobody attests, and Run tries on.
func NewAttested(ctx context.Context, name string, attest Attest, log *slog.Logger) (*Keeper, error) {
	k := &Keeper{log: log, issue: func(ctx context.Context) (issued, error) { return issueAttested(ctx, name, attest) }}
	first, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := k.take(first)
	if err == nil {
		return k, nil
	}
	k.failures.Add(1)
	log.Warn("nobody attests the TLS key yet: the certificate does not say whose it is", "err", err)
	key, err := newKey()
	if err != nil {
		return nil, err
	}
	now := time.Now()
	plain, err := sign(name, key, now.Add(life+spare), now.Add(shortestBackoff))
	if err != nil {
		return nil, err
	}
	k.current.Store(&plain)
	return k, nil
}

// issueAttested makes a key and has it attested. The certificate expires with
// its token.
func issueAttested(ctx context.Context, name string, attest Attest) (issued, error) {
	key, err := newKey()
	if err != nil {
		return issued{}, err
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return issued{}, fmt.Errorf("encode a public key: %w", err)
	}
	start := time.Now()
	token, expires, err := attest(ctx, identity.KeyAudience(public))
	if err != nil {
		return issued{}, fmt.Errorf("attest a TLS key: %w", err)
	}
	extension, err := identity.NewAttestation(token)
	if err != nil {
		return issued{}, fmt.Errorf("attest a TLS key: %w", err)
	}
	whole := min(life, expires.Sub(start))
	return sign(name, key, expires, start.Add(max(whole*4/5, soonest)), extension)
}
