// Package rest answers the hub's REST API, version 1: what the latest round
// says of nodes, pods, namespaces, workloads and the cluster, and how each of
// them did over the last hour.
//
// A request takes one immutable hub.View and is answered from it alone, so
// that all numbers of an answer are of one round; only a window asks for more
// (Reader.History). The package keeps no state and starts nothing. It refuses
// what it does not know: an unknown parameter is an error that names it. Every
// error is an RFC 9457 problem. What can be asked, and what comes back, is
// written down in openapi.yaml, which the package also serves; a test holds
// routes, answers and document together.
//
// Echo is a router here and nothing else: listening, timeouts and shutdown
// belong to the program.
package rest

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"

	"github.com/klauspost/compress/gzhttp"
	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"github.com/kubemon/kubemon/hub"
)

// A Reader has the answers: the latest round's, and the window's.
type Reader interface {
	// View returns hub.ErrNotReady before the first round.
	View() (*hub.View, error)
	// History returns hub.ErrNotFound if the window has nothing of the thing.
	History(v *hub.View, q hub.HistoryQuery) (hub.History, error)
}

// A Config is what New needs. Every field must be set.
type Config struct {
	Reader Reader
	// Selector compiles a Kubernetes label selector. The text of its error is
	// shown to the client.
	Selector func(selector string) (func(labels map[string]string) bool, error)
	// Summarize works a history's values out; NaN is a gap.
	Summarize func(values []float64) hub.Summary
	// Live says why the hub should be restarted, Ready what it still lacks
	// besides the first round; nil if nothing. Clients see the text.
	Live, Ready func() error
	Version     string
	Log         *slog.Logger
}

type server struct{ Config }

// New returns the handler of /api/v1, /healthz, /livez and /readyz. Any other
// path is answered with a 404 problem.
func New(cfg Config) (http.Handler, error) {
	if cfg.Reader == nil || cfg.Selector == nil || cfg.Summarize == nil || cfg.Live == nil || cfg.Ready == nil || cfg.Log == nil {
		return nil, errors.New("rest needs a reader, a selector, a summary, live, ready and a log")
	}
	document, err := openAPI(cfg.Version)
	if err != nil {
		return nil, err
	}
	// A compressed answer is another representation, so its strong ETag differs.
	compress, err := gzhttp.NewWrapper(gzhttp.CompressionLevel(1), gzhttp.MinSize(1024),
		gzhttp.EnableZstd(false), gzhttp.SuffixETag(gzipSuffix))
	if err != nil {
		return nil, fmt.Errorf("set up compression: %w", err)
	}
	s := &server{cfg}
	return compress(s.router(document)), nil
}

func (s *server) router(document []byte) *echo.Echo {
	e := echo.New()
	e.IPExtractor = echo.ExtractIPDirect()
	e.HTTPErrorHandler = s.fail
	e.Pre(protect, middleware.RecoverWithConfig(middleware.RecoverConfig{
		DisableErrorHandler: true,
		LogErrorFunc: func(_ echo.Context, err error, stack []byte) error {
			return fmt.Errorf("handler panicked: %w\n%s", err, stack)
		},
	}), readOnly)
	s.routes(func(path string, h echo.HandlerFunc) {
		e.Match([]string{http.MethodGet, http.MethodHead}, path, h)
	}, document)
	return e
}

// routes has every path that the hub's REST answers.
func (s *server) routes(get func(path string, h echo.HandlerFunc), document []byte) {
	get("/healthz", text("ok\n"))
	get("/livez", s.live)
	get("/readyz", s.ready)

	const v1 = "/api/v1"
	get(v1+"/cluster", s.one(cluster))
	get(v1+"/nodes", s.list("NodeList", hub.KindNode, takesNone, all(nodes)))
	get(v1+"/nodes/:node", s.one(node))
	get(v1+"/nodes/:node/pods", s.list("PodList", hub.KindPod, takesNamespace, within(node, pods)))
	get(v1+"/pods", s.list("PodList", hub.KindPod, takesNamespace|takesNode, all(pods)))
	get(v1+"/workloads", s.list("WorkloadList", hub.KindWorkload, takesNamespace, all(workloads)))
	get(v1+"/namespaces", s.list("NamespaceList", hub.KindNamespace, takesNone, all(namespaces)))

	const ns = v1 + "/namespaces/:namespace"
	get(ns, s.one(namespace))
	get(ns+"/pods", s.list("PodList", hub.KindPod, takesNode, within(namespace, pods)))
	get(ns+"/pods/:pod", s.one(pod))
	get(ns+"/deployments", s.list("DeploymentList", hub.KindWorkload, takesNone, within(namespace, deployments)))
	get(ns+"/deployments/:deployment", s.one(deployment))
	get(ns+"/deployments/:deployment/pods", s.list("PodList", hub.KindPod, takesNode, within(deployment, pods)))
	get(ns+"/workloads", s.list("WorkloadList", hub.KindWorkload, takesNone, within(namespace, workloads)))
	get(ns+"/workloads/:kind/:name", s.one(workload))
	get(ns+"/workloads/:kind/:name/pods", s.list("PodList", hub.KindPod, takesNode, within(workload, pods)))

	get(v1+"/top", s.answer(takesTop, s.top))
	get(v1+"/status", s.answer(takesNone, s.status))
	get(v1+"/openapi.json", fixed(document))
}

// protect sets the headers that keep a browser from taking an answer for
// anything but data.
func protect(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		h := c.Response().Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.Set("Cache-Control", "private, no-cache")
		return next(c)
	}
}

// readOnly refuses every method that is not for reading.
func readOnly(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if m := c.Request().Method; m != http.MethodGet && m != http.MethodHead {
			c.Response().Header().Set(echo.HeaderAllow, "GET, HEAD")
			return newProblem(http.StatusMethodNotAllowed, "the API only reads: it takes GET and HEAD, not %s", m)
		}
		return next(c)
	}
}

func text(body string) echo.HandlerFunc {
	return func(c echo.Context) error { return c.String(http.StatusOK, body) }
}

func (s *server) live(c echo.Context) error {
	if err := s.Live(); err != nil {
		return unavailable(err.Error())
	}
	return c.String(http.StatusOK, "ok\n")
}

func (s *server) ready(c echo.Context) error {
	if _, err := s.Reader.View(); err != nil {
		return err
	}
	if err := s.Ready(); err != nil {
		return unavailable(err.Error())
	}
	return c.String(http.StatusOK, "ok\n")
}

// param returns a path parameter as the client meant it: the router hands out
// the escaped form when the path had to be escaped.
func param(c echo.Context, name string) string {
	value := c.Param(name)
	if c.Request().URL.RawPath == "" {
		return value
	}
	plain, err := url.PathUnescape(value)
	if err != nil {
		return value
	}
	return plain
}
