package cluster

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/kubemon/kubemon/e2e/lab"
)

// apiAudience is that of the tokens that the lab's API server takes itself.
const apiAudience = "https://kubernetes.default.svc"

// request sends a request without following redirects, with these headers and
// nobody's token.
func request(ctx context.Context, method, target string, header map[string]string, body string) (status int, got http.Header, text string, err error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, target, strings.NewReader(body))
	if err != nil {
		return 0, nil, "", err
	}
	for name, value := range header {
		req.Header.Set(name, value)
	}
	client := *http.DefaultClient
	if strings.HasPrefix(target, "https:") { // an agent, in the lab's network
		client = *theLab.HTTPClient()
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := client.Do(req)
	if err != nil {
		return 0, nil, "", err
	}
	defer resp.Body.Close()
	defer client.CloseIdleConnections()
	answer, err := io.ReadAll(resp.Body)
	return resp.StatusCode, resp.Header, string(answer), err
}

// statusFor is the status of a GET with a token, or without if it is empty.
func statusFor(t *testing.T, target, token string) (status int, body string) {
	t.Helper()
	header := map[string]string{}
	if token != "" {
		header["Authorization"] = "Bearer " + token
	}
	status, _, body, err := request(t.Context(), http.MethodGet, target, header, "")
	if err != nil {
		t.Fatalf("GET %s: %v", target, err)
	}
	return status, body
}

// TestWhoMayRead shows hub and agent what people and attackers have.
func TestWhoMayRead(t *testing.T) {
	apply(t, strangerManifest, nil)
	own, other := labForger(t), otherForger(t)
	past, future := time.Now().Add(-2*time.Minute).Unix(), time.Now().Add(10*time.Minute).Unix()
	expired := map[string]any{"exp": past, "nbf": past - 600, "iat": past - 600}
	for _, test := range []struct {
		name       string
		token      func(audience string) string
		hub, agent int
	}{
		{"a token for it", func(a string) string { return tokenOf(t, lab.Namespace, lab.Viewer, a) }, 200, 200},
		{"one that the test signed as the cluster does", func(a string) string { return own.sign(a, nil) }, 200, 200},
		{"no token", func(string) string { return "" }, 401, 401},
		{"no JWT", func(string) string { return "let-me-in" }, 401, 401},
		{"a token for the other one", func(a string) string {
			return tokenOf(t, lab.Namespace, lab.Viewer, map[string]string{lab.HubAudience: lab.AgentAudience, lab.AgentAudience: lab.HubAudience}[a])
		}, 401, 401},
		{"a token for the API server", func(string) string { return tokenOf(t, lab.Namespace, lab.Viewer, apiAudience) }, 200, 401},
		{"an expired token", func(a string) string { return own.sign(a, expired) }, 401, 401},
		{"a token of later", func(a string) string { return own.sign(a, map[string]any{"nbf": future}) }, 401, 401},
		{"a token of another issuer", func(a string) string { return own.sign(a, map[string]any{"iss": "https://elsewhere.example"}) }, 401, 401},
		{"another cluster's token", func(a string) string { return other.sign(a, nil) }, 401, 401},
		{"another cluster's token under this one's key ID", func(a string) string { return other.as(own.keyID).sign(a, nil) }, 401, 401},
		{"an unsigned token", func(a string) string { return own.unsigned(a) }, 401, 401},
		{"somebody else of the cluster", func(a string) string { return tokenOf(t, "strangers", "stranger", a) }, 403, 403},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, asked := range []struct {
				url, audience string
				want          int
			}{
				{theLab.HubURL() + "/api/v1/nodes", lab.HubAudience, test.hub},
				{agentURL(1) + "/snapshot", lab.AgentAudience, test.agent},
			} {
				status, body := statusFor(t, asked.url, test.token(asked.audience))
				if status != asked.want || status != 200 && strings.Contains(body, "node1") {
					t.Errorf("GET %s: %d, want %d:\n%.300s", asked.url, status, asked.want, body)
				}
			}
		})
	}
}

// strangerManifest is somebody without rights.
const strangerManifest = `
apiVersion: v1
kind: Namespace
metadata: {name: strangers}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: stranger, namespace: strangers}
`

// TestOpenPathsSayNothing: probes are answered without facts, everything else not
// at all.
func TestOpenPathsSayNothing(t *testing.T) {
	for target, want := range map[string]int{
		theLab.HubURL() + "/healthz": 200, theLab.HubURL() + "/livez": 200, theLab.HubURL() + "/readyz": 200,
		theLab.HubURL() + "/metrics": 401, theLab.HubURL() + "/": 401, theLab.HubURL() + "/api/v1/openapi.json": 401,
		theLab.HubURL() + "/api/v1/events": 401, theLab.HubURL() + "/nowhere": 401,
		agentURL(1) + "/healthz": 200, agentURL(1) + "/metrics": 401, agentURL(1) + "/snapshots": 401,
		agentURL(1) + "/": 401, agentURL(1) + "/nowhere": 401, agentURL(1) + "/debug/pprof/": 401,
	} {
		status, body := statusFor(t, target, "")
		if status != want || status == 200 && strings.TrimSpace(body) != "ok" {
			t.Errorf("GET %s: %d, want %d and nothing but ok:\n%.300s", target, status, want, body)
		}
	}
}

// oneNamespaceManifest is somebody who may list the pods of loads.
const oneNamespaceManifest = `
apiVersion: v1
kind: ServiceAccount
metadata: {name: reader, namespace: loads}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader, namespace: loads}
rules: [{apiGroups: [""], resources: [pods], verbs: [list]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reader, namespace: loads}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects: [{kind: ServiceAccount, name: reader, namespace: loads}]
`

// scoped is what an answer says of how much of the whole it is.
type scoped struct {
	Items []item
	Scope *struct{ Namespaces []string }
	Pods  struct{ Count int }
}

// TestReaderOfOneNamespace reads as somebody with the right to list the pods of
// one namespace: what is answered has these alone, and says so.
func TestReaderOfOneNamespace(t *testing.T) {
	awaitPod(t, "burn-")
	apply(t, oneNamespaceManifest, nil)
	token := tokenOf(t, "loads", "reader", lab.HubAudience)
	eventually(t, time.Minute, "the reader's rights", func() error {
		if status, body := statusFor(t, theLab.HubURL()+"/api/v1/namespaces/loads/pods", token); status != 200 {
			return fmt.Errorf("%d %.200s", status, body)
		}
		return nil
	})
	for path, want := range map[string]int{
		"/api/v1/namespaces/loads": 200, "/api/v1/namespaces/loads/pods/bare?window=60": 200, "/api/v1/namespaces/loads/deployments/burn/pods": 200,
		"/api/v1/nodes": 403, "/api/v1/nodes/node1": 403, "/api/v1/nodes/node1/pods": 403, "/api/v1/status": 403, "/metrics": 403,
		"/api/v1/namespaces/shop": 403, "/api/v1/namespaces/shop/pods": 403, "/api/v1/namespaces/nowhere/pods": 403,
		"/api/v1/namespaces/shop/deployments/web": 403, "/api/v1/pods?namespace=shop": 403, "/api/v1/top?of=nodes": 403,
	} {
		status, body := statusFor(t, theLab.HubURL()+path, token)
		if status != want || status == 403 && strings.Contains(body, "cpuMillicores") {
			t.Errorf("GET %s: %d, want %d:\n%.300s", path, status, want, body)
		}
	}
	for _, path := range []string{"/api/v1/pods", "/api/v1/namespaces", "/api/v1/workloads", "/api/v1/top?of=pods&by=memory", "/api/v1/cluster"} {
		checkScoped(t, path, token)
	}
	if status, _ := statusFor(t, agentURL(1)+"/snapshot", tokenOf(t, "loads", "reader", lab.AgentAudience)); status != 403 {
		t.Errorf("an agent answers the reader with %d, want 403", status)
	}
}

// checkScoped wants an answer to be about namespace loads and to say so.
func checkScoped(t *testing.T, path, token string) {
	t.Helper()
	status, body := statusFor(t, theLab.HubURL()+path, token)
	if status != 200 {
		t.Errorf("GET %s: %d %.300s", path, status, body)
		return
	}
	got := decodeAs[scoped](t, body)
	if got.Scope == nil || len(got.Scope.Namespaces) != 1 || got.Scope.Namespaces[0] != "loads" {
		t.Errorf("GET %s does not say that it is about loads alone: scope %+v", path, got.Scope)
	}
	if len(got.Items) == 0 && got.Pods.Count == 0 {
		t.Errorf("GET %s has nothing: %.300s", path, body)
	}
	for _, i := range got.Items {
		if i.Namespace != "loads" && i.Name != "loads" {
			t.Errorf("GET %s shows %s %s/%s", path, i.Kind, i.Namespace, i.Name)
		}
	}
	for _, foreign := range []string{`"shop"`, `"kube-system"`, `"kubemon"`} {
		if strings.Contains(body, foreign) {
			t.Errorf("GET %s names %s:\n%.500s", path, foreign, body)
		}
	}
}

// TestLogin logs in as a browser does, reads, and logs out.
func TestLogin(t *testing.T) {
	hub := theLab.HubURL()
	do := func(method, path string, header map[string]string, body string) (int, http.Header, string) {
		t.Helper()
		status, got, text, err := request(t.Context(), method, hub+path, header, body)
		if err != nil {
			t.Fatal(err)
		}
		return status, got, text
	}
	page := map[string]string{"Accept": "text/html"}
	if status, header, _ := do("GET", "/", page, ""); status != http.StatusSeeOther || !strings.HasPrefix(header.Get("Location"), "login") {
		t.Errorf("the page without a session: %d to %q, want 303 to the login", status, header.Get("Location"))
	}
	status, header, text := do("GET", "/login", page, "")
	if policy := header.Get("Content-Security-Policy"); status != 200 || !strings.Contains(text, "<form") || !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
		t.Errorf("the login page: %d, policy %q:\n%.300s", status, policy, text)
	}
	form := map[string]string{"Content-Type": "application/x-www-form-urlencoded"}
	token := tokenOf(t, lab.Namespace, lab.Viewer, lab.HubAudience)
	bad := otherForger(t).sign(lab.HubAudience, nil)
	if status, header, text := do("POST", "/login", form, url.Values{"token": {bad}}.Encode()); status != 401 || header.Get("Set-Cookie") != "" || strings.Contains(text, bad) {
		t.Errorf("a login with another cluster's token: %d, cookie %q; want 401, none, and the token not shown", status, header.Get("Set-Cookie"))
	}
	foreign := map[string]string{"Content-Type": form["Content-Type"], "Sec-Fetch-Site": "cross-site"}
	if status, header, _ := do("POST", "/login", foreign, url.Values{"token": {token}}.Encode()); status != 403 || header.Get("Set-Cookie") != "" {
		t.Errorf("a login from another site: %d, want 403 and no cookie", status)
	}
	status, header, _ = do("POST", "/login", form, url.Values{"token": {token}}.Encode())
	cookie := checkCookie(t, status, header)
	session := map[string]string{"Cookie": cookie, "Accept": "text/html"}
	if status, header, text := do("GET", "/", session, ""); status != 200 || !strings.Contains(strings.ToLower(text), "<!doctype html>") || header.Get("Content-Security-Policy") == "" {
		t.Errorf("the page with a session: %d, policy %q", status, header.Get("Content-Security-Policy"))
	}
	if status, _, _ := do("GET", "/api/v1/nodes", session, ""); status != 200 {
		t.Errorf("nodes with a session: %d", status)
	}
	if status, header, _ := do("POST", "/logout", session, ""); status != http.StatusSeeOther || !strings.Contains(header.Get("Set-Cookie"), "Max-Age=0") {
		t.Errorf("logout: %d, cookie %q; want 303 and the cookie gone", status, header.Get("Set-Cookie"))
	}
	if status, _, _ := do("GET", "/api/v1/nodes", map[string]string{"Cookie": cookie}, ""); status != 401 {
		t.Errorf("nodes with a session that has ended: %d, want 401", status)
	}
}

// checkCookie wants a session's cookie that no script and no other site gets, and
// returns it as a browser sends it.
func checkCookie(t *testing.T, status int, header http.Header) string {
	t.Helper()
	set := header.Get("Set-Cookie")
	for _, want := range []string{"HttpOnly", "SameSite=Strict", "Path=/", "Max-Age="} {
		if !strings.Contains(set, want) {
			t.Errorf("the session's cookie has no %s: %d %q", want, status, set)
		}
	}
	if status != http.StatusSeeOther || strings.Contains(set, "eyJ") {
		t.Fatalf("login: %d with cookie %q; want 303, and no token in the cookie", status, set)
	}
	name, _, _ := strings.Cut(set, ";")
	return name
}
