// Package dashboard serves the hub's own page: what the cluster, its nodes and
// its pods use now, and did in the last hour.
//
// The page's source is hub/dashboard; `make page` builds it into dist, which is
// embedded here. It asks the hub's REST as any other client does, knows nothing
// that REST does not say, and needs nothing from elsewhere: the Content Security
// Policy lets it do no more than that.
//
// All of its files are known beforehand, with their compressed forms, so that
// to serve one is to look up its exact name. Their names change with their
// content, so that browsers keep them for good; only index.html is asked for
// each time. It answers for every path of the page, and says in <base> how many
// levels up the hub's root is from there: the page works below any path that a
// proxy puts before the hub's. Two files are about the others: licenses.md has
// the licenses of what the page is made of, and packages.json lists these npm
// packages, for the bill of materials of the hub's image.
package dashboard

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"
)

//go:embed all:dist
var embedded embed.FS

// notBuilt is the answer of a hub that was compiled without its page.
const notBuilt = "The page is not in this hub: it was compiled without `make page` before. The REST API is below /api/v1 all the same."

// A file is one of the page's, in all its codings, ready to be sent.
type file struct {
	contentType, cacheControl string
	// data and etags are by content coding; "" is none.
	data  map[string][]byte
	etags map[string]string
}

// A page is all files by path, and the index by how many levels up the root is.
type page struct {
	files map[string]*file
	index []*file
}

// Handler serves the page. Whatever else is asked for, and every method that
// does not read, is next's to answer.
func Handler(next http.Handler) http.Handler {
	dist, err := fs.Sub(embedded, "dist")
	if err != nil {
		panic(err) // only of a name that is no path
	}
	return handler(dist, next)
}

func handler(dist fs.FS, next http.Handler) http.Handler {
	p := read(dist)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f, ok := p.find(r.URL.EscapedPath())
		switch {
		case !ok || r.Method != http.MethodGet && r.Method != http.MethodHead:
			next.ServeHTTP(w, r)
		case f == nil:
			http.Error(w, notBuilt, http.StatusNotFound)
		default:
			f.serve(w, r)
		}
	})
}

// find returns the file that answers for a path, nil if that was not built.
func (p *page) find(path string) (*file, bool) {
	if f := p.files[path]; f != nil {
		return f, true
	}
	up, ok := levels(path)
	if !ok {
		return nil, false
	}
	if len(p.index) == 0 {
		return nil, true
	}
	return p.index[up], true
}

// maxLevels is how far below the root the page's paths are at most:
// /workloads/{namespace}/{kind}/{name}.
const maxLevels = 3

// levels reports whether a path is the page's, and how many levels up the root
// is from there.
func levels(path string) (up int, ok bool) {
	below, ok := strings.CutPrefix(path, "/")
	first, _, _ := strings.Cut(below, "/")
	switch first {
	case "nodes", "namespaces", "workloads", "pods", "status":
		up = strings.Count(below, "/")
		return up, ok && up <= maxLevels
	}
	return 0, path == "/"
}

func (f *file) serve(w http.ResponseWriter, r *http.Request) {
	coding := negotiate(r.Header.Values("Accept-Encoding"), f.data)
	h := w.Header()
	protect(h)
	h.Set("Content-Type", f.contentType)
	h.Set("Cache-Control", f.cacheControl)
	h.Set("Vary", "Accept-Encoding")
	h.Set("ETag", f.etags[coding])
	if coding != "" {
		h.Set("Content-Encoding", coding)
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.data[coding]))
}

// codings are those that files are kept in, the smallest first, by the ending
// of their names.
var codings = []struct{ name, ending string }{{"br", ".br"}, {"gzip", ".gz"}}

// negotiate returns the smallest coding that is there and is accepted by RFC
// 9110, "" for none. Which of them a client would rather have does not count: it
// costs nothing to send the smallest.
func negotiate(accept []string, data map[string][]byte) string {
	accepted := make(map[string]bool)
	for part := range strings.SplitSeq(strings.Join(accept, ","), ",") {
		name, weight, weighted := strings.Cut(part, ";")
		accepted[strings.ToLower(strings.TrimSpace(name))] = !weighted || isPositive(weight)
	}
	for _, coding := range codings {
		takes, named := accepted[coding.name]
		if !named {
			takes = accepted["*"]
		}
		if takes && data[coding.name] != nil {
			return coding.name
		}
	}
	return ""
}

// isPositive reports whether a weight, such as q=0.5, is one and more than 0.
func isPositive(weight string) bool {
	key, value, _ := strings.Cut(strings.TrimSpace(weight), "=")
	quality, err := strconv.ParseFloat(value, 64)
	return strings.EqualFold(key, "q") && err == nil && quality > 0
}

// read takes all of the built page. It panics if that cannot be read, which
// only a build can cause.
func read(dist fs.FS) *page {
	p := &page{files: make(map[string]*file)}
	err := fs.WalkDir(dist, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || isCompressed(name) || name == "README.md" {
			return err
		}
		data, err := fs.ReadFile(dist, name)
		if err != nil {
			return err
		}
		if name == "index.html" {
			p.index = indexes(data)
			return nil
		}
		p.files["/"+name] = newFile(name, data, dist)
		return nil
	})
	if err != nil {
		panic(err)
	}
	return p
}

func isCompressed(name string) bool {
	for _, coding := range codings {
		if strings.HasSuffix(name, coding.ending) {
			return true
		}
	}
	return false
}

// newFile has the compressed forms that lie beside the file. Those below assets
// have a name of their content.
func newFile(name string, data []byte, dist fs.FS) *file {
	f := plainFile(name, data)
	if strings.HasPrefix(name, "assets/") {
		f.cacheControl = "public, max-age=31536000, immutable"
	}
	for _, coding := range codings {
		if compressed, err := fs.ReadFile(dist, name+coding.ending); err == nil {
			f.add(coding.name, compressed)
		}
	}
	return f
}

// plainFile is asked for again each time, by its ETag.
func plainFile(name string, data []byte) *file {
	f := &file{contentType: contentType(name), cacheControl: "no-cache", data: make(map[string][]byte), etags: make(map[string]string)}
	f.add("", data)
	return f
}

func (f *file) add(coding string, data []byte) {
	f.data[coding] = data
	f.etags[coding] = fmt.Sprintf(`"%x"`, sha256.Sum256(data))
}

// base is what index.html has in its <base>, for a path next to the root.
const base = `href="./"`

// indexes are the index for each number of levels that the root may be up.
func indexes(data []byte) []*file {
	list := make([]*file, 0, maxLevels+1)
	for up := range maxLevels + 1 {
		here := data
		if up > 0 {
			here = bytes.Replace(data, []byte(base), []byte(`href="`+strings.Repeat("../", up)+`"`), 1)
		}
		list = append(list, plainFile("index.html", here))
	}
	return list
}

// contentType is by the name's ending, and does not depend on what the machine
// knows of endings. It panics on one that the build does not make.
func contentType(name string) string {
	types := map[string]string{
		".css": "text/css; charset=utf-8", ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8",
		".json": "application/json", ".md": "text/plain; charset=utf-8", ".svg": "image/svg+xml",
	}
	found, ok := types[path.Ext(name)]
	if !ok {
		panic("the page has a file of an unknown type: " + name)
	}
	return found
}

func protect(h http.Header) {
	h.Set("Content-Security-Policy",
		"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "+
			"frame-ancestors 'none'; base-uri 'self'; form-action 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
}
