package cluster

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"maps"
	"os"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubemon/kubemon/e2e/lab"
)

// A forger signs tokens as the lab's API server does, with its key or another.
type forger struct {
	t   *testing.T
	key *rsa.PrivateKey
	// keyID is what tokens say of their key; the key's own unless it lies.
	keyID string
}

// labForger signs with the lab's own key, so that what it makes differs from a
// real token in what its claims say and in nothing else.
func labForger(t *testing.T) forger {
	t.Helper()
	text, err := os.ReadFile(theLab.SigningKey())
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return newForger(t, parsed.(*rsa.PrivateKey))
}

// otherForger signs with the key of another cluster.
func otherForger(t *testing.T) forger {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return newForger(t, key)
}

// newForger names the key as Kubernetes does: by the hash of its public half.
func newForger(t *testing.T, key *rsa.PrivateKey) forger {
	t.Helper()
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	hash := sha256.Sum256(public)
	return forger{t, key, base64.RawURLEncoding.EncodeToString(hash[:])}
}

// as is the forger with another name for its key.
func (f forger) as(keyID string) forger {
	f.keyID = keyID
	return f
}

// sign makes a token of the viewer's for the audience, with its real UID. The
// claims given replace the usual ones.
func (f forger) sign(audience string, replace map[string]any) string {
	f.t.Helper()
	account, err := kube.CoreV1().ServiceAccounts(lab.Namespace).Get(f.t.Context(), lab.Viewer, metav1.GetOptions{})
	if err != nil {
		f.t.Fatal(err)
	}
	now := time.Now()
	claims := map[string]any{
		"iss": "https://kubernetes.default.svc", "aud": []string{audience}, "sub": "system:serviceaccount:" + lab.Namespace + ":" + lab.Viewer,
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(time.Hour).Unix(),
		"kubernetes.io": map[string]any{"namespace": lab.Namespace, "serviceaccount": map[string]any{"name": lab.Viewer, "uid": account.UID}},
	}
	maps.Copy(claims, replace)
	signed := f.encode(map[string]any{"alg": "RS256", "kid": f.keyID}) + "." + f.encode(claims)
	hash := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(rand.Reader, f.key, crypto.SHA256, hash[:])
	if err != nil {
		f.t.Fatal(err)
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// unsigned makes the same token with "none" for its algorithm.
func (f forger) unsigned(audience string) string {
	f.t.Helper()
	claims := map[string]any{
		"iss": "https://kubernetes.default.svc", "aud": []string{audience},
		"sub": "system:serviceaccount:" + lab.Namespace + ":" + lab.Viewer, "exp": time.Now().Add(time.Hour).Unix(),
	}
	return f.encode(map[string]any{"alg": "none", "kid": f.keyID}) + "." + f.encode(claims) + "."
}

func (f forger) encode(part map[string]any) string {
	f.t.Helper()
	text, err := json.Marshal(part)
	if err != nil {
		f.t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

// tokenOf asks the API server for a token.
func tokenOf(t *testing.T, namespace, account, audience string) string {
	t.Helper()
	token, err := theLab.Token(t.Context(), namespace, account, audience)
	if err != nil {
		t.Fatal(err)
	}
	return token
}
