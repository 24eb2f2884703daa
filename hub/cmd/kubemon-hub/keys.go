package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"k8s.io/client-go/rest"

	"github.com/kubemon/kubemon/shared/identity"
)

// clusterKeys checks what the cluster has signed. It needs the right to get
// /openid/v1/jwks, and from outside of a cluster /.well-known/openid-configuration,
// which the ClusterRole system:service-account-issuer-discovery gives to every
// service account.
type clusterKeys struct{ *identity.Verifier }

// newClusterKeys asks nothing yet: the hub may start before the API server. Who
// issues the tokens is asked again and again, for a cluster may change that.
func newClusterKeys(client *rest.Config, api rest.Interface, log *slog.Logger) clusterKeys {
	issuer := func(ctx context.Context) (string, error) { return publishedIssuer(ctx, api) }
	if file := client.BearerTokenFile; file != "" {
		issuer = func(context.Context) (string, error) { return ownIssuer(file) }
	}
	return clusterKeys{identity.NewVerifier(identity.Config{
		FindIssuer: issuer,
		Fetch:      func(ctx context.Context) ([]byte, error) { return getRaw(ctx, api, "/openid/v1/jwks") },
		Log:        log,
	})}
}

// Run keeps the keys, and who issues tokens, fresh until ctx ends.
func (k clusterKeys) Run(ctx context.Context) error {
	k.Verifier.Run(ctx)
	return nil
}

// ownIssuer is that of the hub's own token, which comes from the same cluster and
// is renewed within the hour.
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
