package kube

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kubemon/kubemon/shared/certificate"
	"github.com/kubemon/kubemon/shared/identity/identitytest"
)

var pod = identitytest.Holder{
	Namespace: "kubemon", ServiceAccount: "kubemon-agent",
	Pod: "kubemon-agent-x7", PodUID: "22222222-2222-4222-8222-222222222222", Node: "node1",
}

// start runs an API server and returns what an agent has of it: its own token
// and the server's CA in a folder.
func start(t *testing.T, handler http.HandlerFunc) (api *API, server *httptest.Server, token string) {
	t.Helper()
	server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		handler(w, r)
	}))
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError) // of refused handshakes
	server.StartTLS()
	t.Cleanup(server.Close)
	folder := t.TempDir()
	token = identitytest.New(t).Token(pod, "https://kubernetes.default.svc", time.Hour)
	write(t, folder, "token", token+"\n")
	write(t, folder, "ca.crt", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})))
	address, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	return New(address.Hostname(), address.Port(), folder), server, token
}

func write(t *testing.T, folder, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestAttest(t *testing.T) {
	expires := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	var got map[string]any
	var path, authorization string
	api, _, own := start(t, func(w http.ResponseWriter, r *http.Request) {
		path, authorization = r.Method+" "+r.URL.Path, r.Header.Get("Authorization")
		if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
			t.Error(err)
		}
		w.WriteHeader(http.StatusCreated)
		io.WriteString(w, `{"kind":"TokenRequest","status":{"token":"a.b.c","expirationTimestamp":"2026-11-23T00:00:00Z"}}`)
	})
	token, until, err := api.Attest(t.Context(), "kubemon-agent-tls:x")
	if err != nil || token != "a.b.c" || !until.Equal(expires) {
		t.Errorf("Attest = %q, %s, %v", token, until, err)
	}
	if path != "POST /api/v1/namespaces/kubemon/serviceaccounts/kubemon-agent/token" || authorization != "Bearer "+own {
		t.Errorf("asked for %s", path)
	}
	want := map[string]any{
		"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
		"spec": map[string]any{
			"audiences": []any{"kubemon-agent-tls:x"}, "expirationSeconds": float64(86400),
			"boundObjectRef": map[string]any{"apiVersion": "v1", "kind": "Pod", "name": pod.Pod, "uid": pod.PodUID},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
}

// TestKeys fetches them, also with a token that the kubelet has renewed.
func TestKeys(t *testing.T) {
	var seen []string
	api, _, own := start(t, func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.Method+" "+r.URL.Path+" "+r.Header.Get("Authorization"))
		io.WriteString(w, `{"keys":[]}`)
	})
	for _, token := range []string{own, "renewed"} {
		write(t, api.folder, "token", token)
		body, err := api.Keys(t.Context())
		if err != nil || string(body) != `{"keys":[]}` {
			t.Errorf("Keys = %s, %v", body, err)
		}
	}
	if diff := cmp.Diff([]string{"GET /openid/v1/jwks Bearer " + own, "GET /openid/v1/jwks Bearer renewed"}, seen); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

// TestIssuer asks who issues tokens. Where nobody says so, the pod's own token does.
func TestIssuer(t *testing.T) {
	for name, tt := range map[string]struct {
		status       int
		answer, want string
	}{
		"published":     {200, `{"issuer":"https://new.example","jwks_uri":"https://x"}`, "https://new.example"},
		"not published": {404, `{}`, identitytest.URL},
		"not for us":    {403, `{"kind":"Status"}`, identitytest.URL},
		"nobody":        {200, `{"issuer":""}`, identitytest.URL},
		"a number":      {200, `{"issuer":7}`, identitytest.URL},
		"a page":        {200, `<html>`, identitytest.URL},
	} {
		api, _, _ := start(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/.well-known/openid-configuration" {
				t.Errorf("asked for %s", r.URL)
			}
			w.WriteHeader(tt.status)
			io.WriteString(w, tt.answer)
		})
		if got, err := api.Issuer(t.Context()); err != nil || got != tt.want {
			t.Errorf("%s: Issuer = %q, %v; want %q", name, got, err, tt.want)
		}
	}
	api, server, _ := start(t, nil)
	server.Close()
	write(t, api.folder, "token", "secret")
	if _, err := api.Issuer(t.Context()); err == nil || strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), api.folder) {
		t.Errorf("Issuer: %v, want an error that names the file", err)
	}
}

// TestCallsRefuse has answers that are not taken. No error may have the pod's
// token in it, nor one that was answered.
func TestCallsRefuse(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a redirect is followed") }))
	t.Cleanup(elsewhere.Close)
	tests := []struct {
		name   string
		answer http.HandlerFunc
		want   string
	}{
		{"forbidden", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(403)
			io.WriteString(w, `{"kind":"Status","message":"it may not"}`)
		}, `403 Forbidden: "it may not"`},
		{"a page", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(502); io.WriteString(w, "<html>secret") }, "502 Bad Gateway"},
		{"redirect", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere.URL, 302) }, "302 Found"},
		{"endless", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, strings.Repeat(" ", 1<<20)) }, "more than 262144"},
		{"no token", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `{"status":{}}`) }, "no TokenRequest"},
		{"no time", func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, `{"status":{"token":"secret","expirationTimestamp":"secret"}}`)
		}, "no TokenRequest"},
		{"no JSON", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "secret") }, "no TokenRequest"},
		{"long headers", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X", strings.Repeat("a", 100<<10)) }, "exceeded"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			api, _, own := start(t, tt.answer)
			_, _, err := api.Attest(t.Context(), "kubemon-agent-tls:x")
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("Attest: %v, want %q", err, tt.want)
			}
			if strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), own) {
				t.Errorf("there is a token in the error: %v", err)
			}
		})
	}
}

func TestCallsEnd(t *testing.T) {
	release := make(chan struct{})
	api, server, _ := start(t, func(http.ResponseWriter, *http.Request) { <-release })
	t.Cleanup(server.CloseClientConnections)
	t.Cleanup(func() { close(release) })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := api.Keys(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Keys: %v, want %v", err, context.DeadlineExceeded)
	}
}

// TestFilesOfThePod has a folder that lacks something.
func TestFilesOfThePod(t *testing.T) {
	unbound := identitytest.Holder{Namespace: "kubemon", ServiceAccount: "kubemon-agent"}
	tests := []struct {
		name, file, text string
		want             string
	}{
		{"no bound token", "token", identitytest.New(t).Token(unbound, "api", time.Hour), "not bound to a pod"},
		{"something for a token", "token", "secret", "no signed service account token"},
		{"an empty token", "token", "", "0 bytes"},
		{"a huge token", "token", strings.Repeat("a", maxFileBytes+1), "1048577 bytes"},
		{"something for a CA", "ca.crt", "secret", "no certificate"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			api, _, _ := start(t, func(http.ResponseWriter, *http.Request) { t.Error("the API server is asked") })
			write(t, api.folder, tt.file, tt.text)
			_, _, err := api.Attest(t.Context(), "kubemon-agent-tls:x")
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), filepath.Join(api.folder, tt.file)) || strings.Contains(err.Error(), "secret") {
				t.Errorf("Attest: %v, want %q and the file", err, tt.want)
			}
		})
	}
}

// TestTheTokenStaysInTheCluster fetches keys from elsewhere, by URL and by file.
func TestTheTokenStaysInTheCluster(t *testing.T) {
	var seen []string
	answer := func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.URL.Path+" "+r.Header.Get("Authorization"))
		io.WriteString(w, "{}")
	}
	api, server, own := start(t, answer)
	for _, keys := range []func(context.Context) ([]byte, error){api.KeysAt(server.URL + "/keys"), New("127.0.0.1", "1", api.folder).KeysAt(server.URL + "/keys")} {
		if body, err := keys(t.Context()); err != nil || string(body) != "{}" {
			t.Errorf("keys = %s, %v", body, err)
		}
	}
	if diff := cmp.Diff([]string{"/keys Bearer " + own, "/keys "}, seen); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	write(t, api.folder, "jwks", "{}")
	if body, err := KeysIn(filepath.Join(api.folder, "jwks"))(t.Context()); err != nil || string(body) != "{}" {
		t.Errorf("KeysIn = %s, %v", body, err)
	}
	if _, err := KeysIn(filepath.Join(api.folder, "gone"))(t.Context()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("KeysIn: %v, want %v", err, os.ErrNotExist)
	}
}

// TestAServerOfAnotherAuthority has somebody else answer at the address.
func TestAServerOfAnotherAuthority(t *testing.T) {
	api, _, _ := start(t, func(http.ResponseWriter, *http.Request) { t.Error("the request arrives") })
	keeper, err := certificate.NewSelfSigned("kubernetes", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	shown, err := keeper.TLSConfig().GetCertificate(nil)
	if err != nil {
		t.Fatal(err)
	}
	write(t, api.folder, "ca.crt", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: shown.Certificate[0]})))
	if _, err := api.Keys(t.Context()); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("Keys: %v, want the certificate refused", err)
	}
}
