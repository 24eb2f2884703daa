package identity

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/kubemon/kubemon/shared/identity/identitytest"
)

// leaf returns a certificate of that key, or of a new one, with the extensions.
func leaf(t testing.TB, key *ecdsa.PrivateKey, extensions ...pkix.Extension) *x509.Certificate {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), ExtraExtensions: extensions}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestVerifyCertificate(t *testing.T) {
	issuer := identitytest.New(t)
	key := newKey(t)
	own := KeyAudience(leaf(t, key).RawSubjectPublicKeyInfo)
	tests := []struct {
		name, audience string
		life           time.Duration
		want           error
	}{
		{"attested", own, time.Hour, nil},
		{"another key", KeyAudience(leaf(t, newKey(t)).RawSubjectPublicKeyInfo), time.Hour, ErrAudience},
		{"a token for the API server", "https://kubernetes.default.svc", time.Hour, ErrAudience},
		{"expired", own, -2 * time.Minute, ErrExpired},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			extension, err := NewAttestation(issuer.Token(holder, tt.audience, tt.life))
			if err != nil {
				t.Fatal(err)
			}
			got, err := newVerifier(issuer).VerifyCertificate(t.Context(), leaf(t, key, extension))
			if !errors.Is(err, tt.want) || (err == nil) != (got.PodUID == holder.PodUID) {
				t.Errorf("VerifyCertificate = %+v, %v, want %v", got, err, tt.want)
			}
		})
	}
	if _, err := newVerifier(issuer).VerifyCertificate(t.Context(), leaf(t, key)); !errors.Is(err, ErrNotAttested) {
		t.Errorf("without a token: %v, want %v", err, ErrNotAttested)
	}
}

func TestAttestationRefuses(t *testing.T) {
	good, err := NewAttestation("token")
	if err != nil {
		t.Fatal(err)
	}
	octets, err := asn1.Marshal([]byte("token"))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string][]byte{
		"nothing":         nil,
		"another type":    octets,
		"more behind it":  append(good.Value, 0),
		"a wrong length":  {0x16, 0x7f, 't'},
		"other letters":   {0x16, 0x01, 0xff},
		"a huge one":      append([]byte{0x16, 0x82, 0x40, 0x00}, make([]byte, 0x4000)...),
		"a length of -1":  {0x16, 0x88, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
		"a set of tokens": append([]byte{0x31, byte(len(good.Value))}, good.Value...),
	} {
		t.Run(name, func(t *testing.T) {
			token, ok := Attestation(&x509.Certificate{Extensions: []pkix.Extension{{Id: attestationOID(), Value: value}}})
			if ok {
				t.Errorf("Attestation = %q, want none", token)
			}
		})
	}
	if token, ok := Attestation(&x509.Certificate{Extensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 17}}, good}}); !ok || token != "token" {
		t.Errorf("Attestation = %q, %v, want the token", token, ok)
	}
	for _, token := range []string{strings.Repeat("a", MaxTokenBytes+1), "t\xf6ken"} {
		if _, err := NewAttestation(token); !errors.Is(err, ErrMalformed) {
			t.Errorf("NewAttestation: %v, want %v", err, ErrMalformed)
		}
	}
}
