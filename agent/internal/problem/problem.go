// Package problem writes errors as HTTP answers, in the form of RFC 9457.
package problem

import (
	"encoding/json"
	"net/http"
)

// Write answers with the status, and with detail, which says what was wrong and
// what to do.
func Write(w http.ResponseWriter, status int, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(struct { // the peer may be gone, which is its own affair
		Title  string `json:"title"`
		Status int    `json:"status"`
		Detail string `json:"detail"`
	}{http.StatusText(status), status, detail})
}
