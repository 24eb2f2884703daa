// Package dashboard serves the hub's own page: what the cluster, its nodes and
// its pods use now.
//
// The page is three static files and an icon, embedded, without a build step
// and without anything from elsewhere: it works in an air-gapped cluster and
// under any path. It asks the hub's REST as any other client does, once an
// interval, and knows nothing that REST does not say. The Content Security
// Policy lets it do no more than that.
package dashboard

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"fmt"
	"net/http"
	"time"
)

//go:embed page
var page embed.FS

// A file is one of the page's, ready to be sent.
type file struct {
	name string
	data []byte
	etag string
}

// Handler serves the page at / and its parts below /assets/. Whatever else is
// asked for, and every method that does not read, is next's to answer.
func Handler(next http.Handler) http.Handler {
	files := make(map[string]file)
	for path, name := range map[string]string{
		"/":                 "index.html",
		"/assets/app.js":    "app.js",
		"/assets/style.css": "style.css",
		"/assets/icon.svg":  "icon.svg",
	} {
		files[path] = mustRead(name)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f, ok := files[r.URL.Path]
		if !ok || r.Method != http.MethodGet && r.Method != http.MethodHead {
			next.ServeHTTP(w, r)
			return
		}
		protect(w.Header())
		w.Header().Set("ETag", f.etag)
		http.ServeContent(w, r, f.name, time.Time{}, bytes.NewReader(f.data))
	})
}

// mustRead panics if a file is not embedded, which only a build can cause.
func mustRead(name string) file {
	data, err := page.ReadFile("page/" + name)
	if err != nil {
		panic(err)
	}
	return file{name, data, fmt.Sprintf(`"%x"`, sha256.Sum256(data))}
}

func protect(h http.Header) {
	h.Set("Content-Security-Policy",
		"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "+
			"frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-cache") // revalidated by ETag, so an upgrade shows at once
}
