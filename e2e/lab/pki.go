package lab

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"time"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// certificateLife is longer than any lab; a lab's keys die with its folder.
const certificateLife = 10 * 365 * 24 * time.Hour

// An authority signs certificates.
type authority struct {
	certificate *x509.Certificate
	key         crypto.Signer
	pem         []byte
}

// A pair is a certificate and its key, both as PEM.
type pair struct{ certificate, key []byte }

func newAuthority(name string) (authority, error) {
	template := &x509.Certificate{
		Subject:               pkix.Name{CommonName: name},
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		IsCA:                  true,
		BasicConstraintsValid: true,
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return authority{}, fmt.Errorf("make key of %s: %w", name, err)
	}
	der, err := sign(template, template, key.Public(), key)
	if err != nil {
		return authority{}, fmt.Errorf("sign %s: %w", name, err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return authority{}, fmt.Errorf("parse %s: %w", name, err)
	}
	return authority{certificate, key, encodePEM("CERTIFICATE", der)}, nil
}

// sign fills in serial number and times and signs the certificate.
func sign(template, parent *x509.Certificate, public crypto.PublicKey, signer crypto.Signer) ([]byte, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	template.SerialNumber = serial
	template.NotBefore = time.Now().Add(-time.Hour)
	template.NotAfter = time.Now().Add(certificateLife)
	return x509.CreateCertificate(rand.Reader, template, parent, public, signer)
}

// client issues a certificate by which a user of some groups is known.
func (a authority) client(user string, groups ...string) (pair, error) {
	return a.issue(&x509.Certificate{
		Subject:     pkix.Name{CommonName: user, Organization: groups},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
}

// server issues a certificate for a server under some names and addresses.
func (a authority) server(name string, names []string, addresses []net.IP) (pair, error) {
	return a.issue(&x509.Certificate{
		Subject:     pkix.Name{CommonName: name},
		DNSNames:    names,
		IPAddresses: addresses,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	})
}

func (a authority) issue(template *x509.Certificate) (pair, error) {
	name := template.Subject.CommonName
	template.KeyUsage = x509.KeyUsageDigitalSignature
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return pair{}, fmt.Errorf("make key of %s: %w", name, err)
	}
	der, err := sign(template, a.certificate, key.Public(), a.key)
	if err != nil {
		return pair{}, fmt.Errorf("sign certificate of %s: %w", name, err)
	}
	keyPEM, err := encodeKey(key)
	if err != nil {
		return pair{}, fmt.Errorf("encode key of %s: %w", name, err)
	}
	return pair{encodePEM("CERTIFICATE", der), keyPEM}, nil
}

// serviceAccountKey makes the key that signs service-account tokens. It is an
// RSA key, as it is in most clusters, so that who verifies tokens meets one.
func serviceAccountKey() (private, public []byte, err error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, nil, fmt.Errorf("make service account key: %w", err)
	}
	private, err = encodeKey(key)
	if err != nil {
		return nil, nil, fmt.Errorf("encode service account key: %w", err)
	}
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return nil, nil, fmt.Errorf("encode service account key: %w", err)
	}
	return private, encodePEM("PUBLIC KEY", der), nil
}

func encodeKey(key crypto.Signer) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return encodePEM("PRIVATE KEY", der), nil
}

func encodePEM(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// kubeconfig renders the file with which the holder of a client certificate
// reaches the API server at a URL.
func kubeconfig(server string, authorityPEM []byte, user pair) ([]byte, error) {
	const name = "lab"
	return clientcmd.Write(clientcmdapi.Config{
		Clusters:       map[string]*clientcmdapi.Cluster{name: {Server: server, CertificateAuthorityData: authorityPEM}},
		AuthInfos:      map[string]*clientcmdapi.AuthInfo{name: {ClientCertificateData: user.certificate, ClientKeyData: user.key}},
		Contexts:       map[string]*clientcmdapi.Context{name: {Cluster: name, AuthInfo: name}},
		CurrentContext: name,
	})
}

// users are those of the lab's control plane and nodes, by the name of their
// kubeconfig. The names and groups are the ones Kubernetes' own roles know.
func users() map[string][]string {
	all := map[string][]string{
		"admin":              {"lab-admin", "system:masters"},
		"controller-manager": {"system:kube-controller-manager"},
		"scheduler":          {"system:kube-scheduler"},
		"kube-proxy":         {"system:kube-proxy"},
	}
	for n := 1; n <= MaxNodes; n++ {
		all[nodeName(n)] = []string{"system:node:" + nodeName(n), "system:nodes"}
	}
	return all
}

// makeIdentities writes every key, certificate and kubeconfig of the lab into
// its folder pki, unless they are there.
func (l *Lab) makeIdentities() error {
	if _, err := os.Stat(l.Kubeconfig()); err == nil {
		return nil
	}
	ca, err := newAuthority("kubemon-lab-ca")
	if err != nil {
		return err
	}
	files := map[string][]byte{"ca.crt": ca.pem}
	if err := addServerFiles(files, ca); err != nil {
		return err
	}
	for name, identity := range users() {
		client, err := ca.client(identity[0], identity[1:]...)
		if err != nil {
			return err
		}
		if files[name+".kubeconfig"], err = kubeconfig(apiServerURL, ca.pem, client); err != nil {
			return fmt.Errorf("render kubeconfig of %s: %w", name, err)
		}
		if name != "admin" {
			continue
		}
		fromHost := "https://" + l.ports.apiServer().String()
		if files["host.kubeconfig"], err = kubeconfig(fromHost, ca.pem, client); err != nil {
			return fmt.Errorf("render kubeconfig for the host: %w", err)
		}
	}
	return l.writeFiles("pki", files)
}

// addServerFiles adds what the API server itself needs: its certificate, the
// key of service-account tokens, and the identity by which aggregated API
// servers know it (the front proxy, an authority of its own).
func addServerFiles(files map[string][]byte, ca authority) error {
	server, err := ca.server("kube-apiserver",
		[]string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"},
		[]net.IP{net.ParseIP(controlPlaneAddress), net.ParseIP(apiServiceAddress), net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return err
	}
	frontProxy, err := newAuthority("kubemon-lab-front-proxy-ca")
	if err != nil {
		return err
	}
	proxyClient, err := frontProxy.client("front-proxy-client")
	if err != nil {
		return err
	}
	private, public, err := serviceAccountKey()
	if err != nil {
		return err
	}
	files["apiserver.crt"], files["apiserver.key"] = server.certificate, server.key
	files["front-proxy-ca.crt"] = frontProxy.pem
	files["front-proxy-client.crt"], files["front-proxy-client.key"] = proxyClient.certificate, proxyClient.key
	files["sa.key"], files["sa.pub"] = private, public
	return nil
}
