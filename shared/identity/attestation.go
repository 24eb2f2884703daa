package identity

import (
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
)

// keyAudience begins the audience of a token that vouches for a TLS key.
const keyAudience = "kubemon-agent-tls:"

// KeyAudience is the audience of a token that vouches for the TLS key whose
// SubjectPublicKeyInfo (RFC 5280, DER) this is. It names the key by its SHA-256.
// No other receiver takes tokens for such an audience.
func KeyAudience(subjectPublicKeyInfo []byte) string {
	sum := sha256.Sum256(subjectPublicKeyInfo)
	return keyAudience + base64.RawURLEncoding.EncodeToString(sum[:])
}

// attestationOID names the extension of a certificate that holds a token. The
// arc below 1.2.840.113556.1.8000.2554 is for anybody who has drawn a GUID,
// which is the rest, here 7e1d2b34-9c5f-4a61-b803-d24f6a9e51c7.
func attestationOID() asn1.ObjectIdentifier {
	return asn1.ObjectIdentifier{1, 2, 840, 113556, 1, 8000, 2554, 0x7e1d, 0x2b34, 0x9c5f, 0x4a61, 0xb803, 0xd24f6a, 0x9e51c7}
}

// NewAttestation returns the extension of a certificate that holds the token, as
// an IA5String. It is not critical: who does not know it, such as curl, may
// ignore it. The error is [ErrMalformed].
func NewAttestation(token string) (pkix.Extension, error) {
	if !compact(token) {
		return pkix.Extension{}, ErrMalformed
	}
	value, err := asn1.MarshalWithParams(token, "ia5")
	if err != nil {
		return pkix.Extension{}, ErrMalformed // the cause may quote it
	}
	return pkix.Extension{Id: attestationOID(), Value: value}, nil
}

// Attestation returns the token that the certificate holds; ok is false where
// it holds none, or something else in its place. The token is not checked.
func Attestation(certificate *x509.Certificate) (token string, ok bool) {
	oid := attestationOID()
	for _, extension := range certificate.Extensions { // x509 refuses two of one kind
		if extension.Id.Equal(oid) {
			return ia5String(extension.Value)
		}
	}
	return "", false
}

func ia5String(der []byte) (text string, ok bool) {
	var value asn1.RawValue
	rest, err := asn1.Unmarshal(der, &value)
	if err != nil || len(rest) > 0 || value.Class != asn1.ClassUniversal || value.Tag != asn1.TagIA5String || value.IsCompound {
		return "", false
	}
	text = string(value.Bytes)
	return text, compact(text)
}
