package certificate

import (
	"context"
	"crypto/x509"
	"fmt"
	"log/slog"
	"time"

	"github.com/kubemon/kubemon/shared/identity"
)

// soonest is when a token is replaced at the earliest, whatever it says.
const soonest = time.Minute

// Attest gets a token of the server's own service account for the audience,
// and when it expires.
type Attest func(ctx context.Context, audience string) (token string, expires time.Time, err error)

// NewAttested makes keys with certificates in which a token says whose the key
// is. Another pair comes when 80 % of the token's life are over, and after a day
// at the latest.
//
// It begins with a self-signed certificate that holds no token, so that the
// server can answer while nobody attests; Run gets the first token.
func NewAttested(name string, attest Attest, log *slog.Logger) (*Keeper, error) {
	plain, err := newKey()
	if err != nil {
		return nil, err
	}
	now := time.Now()
	first, err := sign(name, plain, now.Add(life+spare), now) // and renew it at once
	if err != nil {
		return nil, err
	}
	k := &Keeper{log: log, issue: func(ctx context.Context) (issued, error) { return issueAttested(ctx, name, attest) }}
	k.current.Store(&first)
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
