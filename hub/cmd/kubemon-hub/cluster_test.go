package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	authnv1 "k8s.io/api/authentication/v1"
	authzv1 "k8s.io/api/authorization/v1"
	"k8s.io/client-go/kubernetes/scheme"
)

// Tokens that a cluster knows.
const (
	adminToken = "token-of-an-admin-for-the-hub"
	devToken   = "token-of-a-developer-without-nodes"
	guestToken = "token-of-a-guest-without-rights"
)

// A cluster is an API server that knows three readers and nothing else.
type cluster struct {
	url     string
	away    atomic.Bool
	reviews atomic.Int64
}

func newCluster(t *testing.T) *cluster {
	c := &cluster{}
	c.url = serve(t, c.answer)
	return c
}

func (c *cluster) answer(w http.ResponseWriter, r *http.Request) {
	if c.away.Load() {
		http.Error(w, "not now", http.StatusServiceUnavailable)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil || r.Method != http.MethodPost {
		http.NotFound(w, r)
		return
	}
	c.reviews.Add(1)
	object, _, err := scheme.Codecs.UniversalDeserializer().Decode(body, nil, nil)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	switch review := object.(type) {
	case *authnv1.TokenReview:
		name, known := map[string]string{adminToken: "admin", devToken: "dev", guestToken: "guest"}[review.Spec.Token]
		review.Status = authnv1.TokenReviewStatus{Authenticated: known && len(review.Spec.Audiences) == 1, User: authnv1.UserInfo{Username: name}, Audiences: review.Spec.Audiences}
		review.APIVersion, review.Kind = "authentication.k8s.io/v1", "TokenReview"
	case *authzv1.SubjectAccessReview:
		review.Status.Allowed = review.Spec.User == "admin" || review.Spec.User == "dev" && review.Spec.ResourceAttributes.Resource == "pods"
		review.APIVersion, review.Kind = "authorization.k8s.io/v1", "SubjectAccessReview"
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(object)
}

// kubeconfig is how to reach the cluster.
func (c *cluster) kubeconfig(t *testing.T) string {
	file := filepath.Join(t.TempDir(), "kubeconfig")
	text := fmt.Sprintf("apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters: [{name: c, cluster: {server: '%s'}}]\ncontexts: [{name: c, context: {cluster: c, namespace: watch}}]\n", c.url)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// startGuarded runs a hub that asks who its readers are, and returns its address
// once an admin can read a node.
func startGuarded(t *testing.T, c *cluster, args ...string) string {
	address := start(t, append([]string{"--auth=token", "--events=false", "--kubeconfig", c.kubeconfig(t), "--agents", agent(t, "node1")}, args...)...)
	host := strings.TrimPrefix(address, "http://")
	if !slices.Contains(args, "--tls=self-signed") && !strings.Contains(strings.Join(args, " "), "--tls=files") {
		waitForNode(t, host)
	}
	return host
}

func waitForNode(t *testing.T, host string) {
	for {
		_, body := send(t, host, "GET /api/v1/nodes HTTP/1.1", "Authorization: Bearer "+adminToken)
		if strings.Contains(body, `"node1"`) {
			return
		}
		select {
		case <-t.Context().Done():
			t.Fatalf("no node: %s", body)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// send writes a request as it is, which no client would leave so, and returns
// the answer's status and what there is of its body.
func send(t *testing.T, host, line string, headers ...string) (status int, body string) {
	t.Helper()
	conn, err := net.Dial("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	request := line + "\r\nHost: hub\r\nConnection: close\r\n" + strings.Join(append(headers, "", ""), "\r\n")
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	defer response.Body.Close()
	data, _ := io.ReadAll(io.LimitReader(response.Body, 4096)) // an answer to HEAD has none
	return response.StatusCode, string(data)
}
