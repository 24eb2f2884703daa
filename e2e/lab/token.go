package lab

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// The audiences of the tokens that kubemon takes, and who the chart lets read.
const (
	HubAudience   = "kubemon-hub"
	AgentAudience = "kubemon-agent"
	Viewer        = "kubemon-viewer"
)

// tokenLife is that of tokens that people and tests get from a lab.
const tokenLife = 3 * time.Hour

// Token returns a token of a service account for an audience, as kubectl create
// token does.
func (l *Lab) Token(ctx context.Context, namespace, account, audience string) (string, error) {
	client, err := l.client()
	if err != nil {
		return "", err
	}
	return createToken(ctx, client, namespace, account, audience)
}

func createToken(ctx context.Context, client kubernetes.Interface, namespace, account, audience string) (string, error) {
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{
		Audiences: []string{audience}, ExpirationSeconds: new(int64(tokenLife / time.Second)),
	}}
	answer, err := client.CoreV1().ServiceAccounts(namespace).CreateToken(ctx, account, request, metav1.CreateOptions{})
	if err != nil {
		return "", fmt.Errorf("create token of %s/%s for %s: %w", namespace, account, audience, err)
	}
	return answer.Status.Token, nil
}

// A Bearer is a client's transport that says with each request who asks. It may
// be used concurrently.
type Bearer struct {
	// Token is asked before each request.
	Token func(context.Context) (string, error)
	// Base carries the requests.
	Base http.RoundTripper
}

// RoundTrip sends a copy of the request with the token.
func (b Bearer) RoundTrip(req *http.Request) (*http.Response, error) {
	token, err := b.Token(req.Context())
	if err != nil {
		return nil, err
	}
	req = req.Clone(req.Context())
	req.Header.Set("Authorization", "Bearer "+token)
	return b.Base.RoundTrip(req)
}

// AsViewer returns a client that asks as the viewer, whose token for that audience
// is created with the first request and used for all.
func (l *Lab) AsViewer(audience string, base http.RoundTripper) *http.Client {
	var mu sync.Mutex
	var kept string
	return &http.Client{Transport: Bearer{Base: base, Token: func(ctx context.Context) (string, error) {
		mu.Lock()
		defer mu.Unlock()
		if kept != "" {
			return kept, nil
		}
		created, err := l.Token(ctx, Namespace, Viewer, audience)
		kept = created
		return created, err
	}}}
}
