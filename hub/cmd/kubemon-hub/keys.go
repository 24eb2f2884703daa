package main

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"k8s.io/client-go/rest"

	"github.com/kubemon/kubemon/shared/identity"
)

// clusterKeys checks what the cluster has signed. It needs the right to get
// /openid/v1/jwks, and from outside of a cluster /.well-known/openid-configuration,
// which the ClusterRole system:service-account-issuer-discovery gives to every
// service account.
type clusterKeys struct {
	issuer   func(context.Context) (string, error)
	fetch    func(context.Context) ([]byte, error)
	log      *slog.Logger
	verifier *identity.Verifier // once known is closed
	known    chan struct{}
}

// newClusterKeys asks nothing yet: the hub may start before the API server.
func newClusterKeys(client *rest.Config, api rest.Interface, log *slog.Logger) *clusterKeys {
	k := &clusterKeys{
		issuer: func(ctx context.Context) (string, error) { return publishedIssuer(ctx, api) },
		fetch:  func(ctx context.Context) ([]byte, error) { return getRaw(ctx, api, "/openid/v1/jwks") },
		log:    log,
		known:  make(chan struct{}),
	}
	if file := client.BearerTokenFile; file != "" {
		k.issuer = func(ctx context.Context) (string, error) { return ownIssuer(file) }
	}
	return k
}

// issuerPause is between attempts to learn the issuer.
const issuerPause = 5 * time.Second

// Run learns who the issuer is, and keeps its keys fresh until ctx ends.
func (k *clusterKeys) Run(ctx context.Context) error {
	told := ""
	for {
		issuer, err := k.issuer(ctx)
		if err == nil {
			k.verifier = identity.NewVerifier(identity.Config{Issuer: issuer, Fetch: k.fetch, Log: k.log})
			close(k.known)
			k.verifier.Run(ctx)
			return nil
		}
		if err.Error() != told && ctx.Err() == nil {
			told = err.Error()
			k.log.Warn("agents' keys cannot be checked: the cluster's token issuer is not known", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(issuerPause):
		}
	}
}

// VerifyCertificate waits for the issuer, as long as ctx lets it.
func (k *clusterKeys) VerifyCertificate(ctx context.Context, leaf *x509.Certificate) (identity.Claims, error) {
	select {
	case <-k.known:
		return k.verifier.VerifyCertificate(ctx, leaf)
	case <-ctx.Done():
		return identity.Claims{}, fmt.Errorf("%w: nor is it known who issues them", identity.ErrKeysUnavailable)
	}
}

// ownIssuer is that of the hub's own token, which comes from the same cluster.
func ownIssuer(file string) (string, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("read the pod's service account: %w", err)
	}
	claims, err := identity.Peek(strings.TrimSpace(string(content)))
	if err != nil {
		return "", fmt.Errorf("read the pod's service account: %w", err)
	}
	return claims.Issuer, nil
}

// publishedIssuer is what the cluster says of itself, by OpenID Connect
// Discovery 1.0.
func publishedIssuer(ctx context.Context, api rest.Interface) (string, error) {
	body, err := getRaw(ctx, api, "/.well-known/openid-configuration")
	if err != nil {
		return "", err
	}
	var configuration struct{ Issuer string }
	if err := json.Unmarshal(body, &configuration); err != nil {
		return "", fmt.Errorf("read the cluster's openid-configuration: %w", err)
	}
	if configuration.Issuer == "" {
		return "", errors.New("read the cluster's openid-configuration: it names no issuer")
	}
	return configuration.Issuer, nil
}

func getRaw(ctx context.Context, api rest.Interface, path string) ([]byte, error) {
	body, err := api.Get().AbsPath(path).SetHeader("Accept", "application/jwk-set+json, application/json").DoRaw(ctx)
	if err != nil {
		return nil, fmt.Errorf("get %s of the API server: %w", path, err)
	}
	return body, nil
}
