package fleet

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"fmt"
	"math/big"
	"net"
	"sync"
	"time"
)

// keys are the agents' own, each made when its agent is first met and signed by
// itself, as real ones are.
type keys struct {
	mu   sync.Mutex
	made map[string]*tls.Certificate // by address
}

func newKeys() *keys { return &keys{made: make(map[string]*tls.Certificate)} }

func (k *keys) certificateFor(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	ip := hello.Conn.LocalAddr().(*net.TCPAddr).IP
	k.mu.Lock()
	defer k.mu.Unlock()
	if certificate := k.made[ip.String()]; certificate != nil {
		return certificate, nil
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(int64(nodeAt(ip)) + 1), Subject: pkix.Name{CommonName: "kubemon-agent"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(48 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	certificate := &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	k.made[ip.String()] = certificate
	return certificate, nil
}

// newToken has the form of a service account token. No cluster has signed it:
// the agents compare it with what they expect.
func newToken() string {
	part := base64.RawURLEncoding.EncodeToString
	claims := fmt.Appendf(nil, `{"sub":"system:serviceaccount:kubemon:kubemon-hub","aud":["kubemon-agent"],"exp":%d}`, time.Now().Add(48*time.Hour).Unix())
	return part([]byte(`{"alg":"ES256","kid":"fleet"}`)) + "." + part(claims) + "." + part([]byte(rand.Text()))
}
