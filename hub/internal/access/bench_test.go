package access

import (
	"crypto/rand"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// BenchmarkGate is what a request costs at the gate, of somebody known and of
// strangers whose tokens meet the limit.
func BenchmarkGate(b *testing.B) {
	h := newHouse()
	gate := h.Around(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	known := h.api.hubToken(b, time.Hour)
	h.api.may = may("pods shop")
	for name, token := range map[string]func() string{
		"known":    func() string { return known },
		"stranger": func() string { return known + rand.Text() },
		"none":     func() string { return "" },
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				r := httptest.NewRequest(http.MethodGet, "/api/v1/pods", nil)
				if t := token(); t != "" {
					r.Header.Set("Authorization", "Bearer "+t)
				}
				gate.ServeHTTP(httptest.NewRecorder(), r)
			}
		})
	}
}
