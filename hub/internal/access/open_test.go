package access

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestOpenIsForThisMachine(t *testing.T) {
	tests := []struct {
		listen, host string
		status       int
	}{
		{"127.0.0.1:8080", "127.0.0.1:8080", 200}, {"127.0.0.1:8080", "localhost:9999", 200}, {"127.0.0.1:8080", "LOCALHOST", 200},
		{"127.0.0.1:8080", "[::1]:8080", 200}, {"127.0.0.1:8080", "[::1]", 200}, {"127.0.0.1:8080", "127.9.9.9", 200},
		{"127.0.0.1:8080", "evil.example", 403}, {"127.0.0.1:8080", "evil.example:8080", 403}, {"127.0.0.1:8080", "127.0.0.1.evil.example", 403},
		{"127.0.0.1:8080", "localhost.evil.example", 403}, {"127.0.0.1:8080", "", 403}, {"127.0.0.1:8080", "10.0.0.1", 403},
		{"localhost:8080", "evil.example", 403}, {"[::1]:8080", "evil.example", 403},
		{":8080", "evil.example", 200}, {"10.0.0.1:8080", "hub.example", 200},
	}
	for _, tt := range tests {
		open, err := NewOpen(tt.listen)
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Host = tt.host
		w := httptest.NewRecorder()
		open.Around(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})).ServeHTTP(w, r)
		if w.Code != tt.status || w.Header().Get("X-Kubemon-Auth") != "none" {
			t.Errorf("Host %q on %s: status %d, want %d", tt.host, tt.listen, w.Code, tt.status)
		}
		if scope, err := open.Scope(r); err != nil || !scope.IsEverything() {
			t.Errorf("scope: %+v, %v", scope, err)
		}
	}
	if _, err := NewOpen("8080"); err == nil {
		t.Error("an address without a port is taken")
	}
}
