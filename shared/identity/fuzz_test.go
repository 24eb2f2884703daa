package identity

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"testing"
	"time"

	"github.com/kubemon/kubemon/shared/identity/identitytest"
)

// FuzzVerify holds that no text but the issuer's own tokens is taken, and that
// whatever is refused is refused with an error of the package that repeats none
// of it.
func FuzzVerify(f *testing.F) {
	issuer := identitytest.New(f)
	good := issuer.Token(holder, audience, 24*time.Hour)
	v := newVerifier(issuer)
	if _, err := v.Verify(f.Context(), good, audience); err != nil {
		f.Fatal(err)
	}
	f.Add("")
	f.Add("..")
	f.Add(good)
	f.Add("eyJhbGciOiJub25lIiwia2lkIjoia2V5MCJ9.eyJleHAiOjF9.")
	f.Add("eyJhbGciOiJFUzI1NiIsImtpZCI6ImtleTAifQ.eyJleHAiOjl9.AAAA")
	known := []error{ErrMalformed, ErrIssuer, ErrAudience, ErrExpired, ErrNotYet, ErrUnknownKey, ErrSignature}
	f.Fuzz(func(t *testing.T, token string) {
		_, err := v.Verify(t.Context(), token, audience)
		if err == nil {
			if token != good {
				t.Fatalf("taken: %q", token)
			}
			return
		}
		for _, sentinel := range known {
			if errors.Is(err, sentinel) && err.Error() == sentinel.Error() {
				return
			}
		}
		t.Fatalf("refused with %v", err)
	})
}

// FuzzAttestation holds that an extension either holds a token, which makes the
// same extension again, or none.
func FuzzAttestation(f *testing.F) {
	extension, err := NewAttestation("eyJhbGciOiJFUzI1NiJ9.e30.c2ln")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(extension.Value)
	f.Add([]byte{})
	f.Add([]byte{0x16, 0x88, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, value []byte) {
		token, ok := Attestation(&x509.Certificate{Extensions: []pkix.Extension{{Id: attestationOID(), Value: value}}})
		if !ok {
			return
		}
		again, err := NewAttestation(token)
		if err != nil || string(again.Value) != string(value) {
			t.Fatalf("%q of %x makes %x, %v", token, value, again.Value, err)
		}
	})
}

// FuzzKeys holds that whatever answers for the API server gives usable keys or
// an error.
func FuzzKeys(f *testing.F) {
	body, err := identitytest.NewRSA(f).Fetch(f.Context())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(body)
	f.Add([]byte(`{"keys":[{"kty":"EC","crv":"P-256","kid":"a","x":"AA","y":"AA"}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		set, err := parseKeys(body)
		if (err == nil) != (set != nil && len(set.Keys) > 0) {
			t.Fatalf("parseKeys = %v, %v", set, err)
		}
	})
}
