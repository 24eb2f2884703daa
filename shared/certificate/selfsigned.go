package certificate

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"log/slog"
	"time"
)

const (
	// life is between a certificate and the next.
	life = 24 * time.Hour
	// spare is for how much longer a certificate is valid, for a machine that
	// could not renew it in time, and how far clocks may be apart.
	spare = 24 * time.Hour
)

// NewSelfSigned makes a key, which stays, and signs a certificate with it each
// day. name is what the certificate says that it is of; nobody checks it.
func NewSelfSigned(name string, log *slog.Logger) (*Keeper, error) {
	key, err := newKey()
	if err != nil {
		return nil, err
	}
	k := &Keeper{log: log, issue: func(context.Context) (issued, error) {
		now := time.Now()
		return sign(name, key, now.Add(life+spare), now.Add(life))
	}}
	return k, k.take(context.Background())
}

func newKey() (*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a TLS key: %w", err)
	}
	return key, nil
}

// sign makes a certificate of the key, signed with the key.
func sign(name string, key *ecdsa.PrivateKey, expires, renew time.Time, extensions ...pkix.Extension) (issued, error) {
	template := &x509.Certificate{ // CreateCertificate draws its serial number
		Subject:               pkix.Name{CommonName: name},
		DNSNames:              []string{name},
		NotBefore:             time.Now().Add(-spare),
		NotAfter:              expires,
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
		ExtraExtensions:       extensions,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return issued{}, fmt.Errorf("sign a certificate: %w", err)
	}
	return issued{&tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, expires, renew}, nil
}
