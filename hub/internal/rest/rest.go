// Package rest answers the hub's REST API, version 1: what the latest round
// says of nodes, pods, namespaces, workloads and the cluster, and how each of
// them did over the last hour.
//
// A request takes one immutable hub.View and is answered from it alone, so
// that all numbers of an answer are of one round; only a window asks for more
// (Reader.History). It sees of the view what its reader may see (Config.Scope):
// what is cut says so, and what lies beyond is refused by a 403 that names the
// missing right, whether or not there is such a thing. Who the reader is has
// been found out before. It refuses what it does not know: an unknown parameter
// is an error that names it. Every error is an RFC 9457 problem. What can be
// asked, and what comes back, is written down in openapi.yaml, which the
// package also serves; a test holds routes, answers and document together.
//
// What a request goes through:
//
//	Reader.View, Scope ─▶ ETag: 304? ─▶ round: made before? ─▶ parse ─▶ gate ─▶ build ─▶ body ─▶ coding ─▶ delivery
//	                                      └─ items: each one's JSON, made once a round ──┘
//
// Readers of equal scope share bytes and ETags, others never do; the JSON of an
// item is the same for all who may see it.
// Bytes are kept for one round only, within bounds. Work is bounded by gates:
// what does not fit is refused with a 503 and not queued without end.
//
// Echo is a router here and nothing else: listening, timeouts and shutdown
// belong to the program.
package rest

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

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
	// Published returns a channel that is closed when View next changes.
	Published() <-chan struct{}
}

// A Config is what New needs. Every field must be set.
type Config struct {
	Reader Reader
	// Selector compiles a Kubernetes label selector. The text of its error is
	// shown to the client.
	Selector func(selector string) (func(labels map[string]string) bool, error)
	// Auth is how readers are known, for people: "token" or "none".
	Auth string
	// Scope is what the reader of a request may see. If that cannot be found out
	// now, the error is hub.ErrUnavailable, and its text is shown to the client.
	Scope func(*http.Request) (hub.Scope, error)
	// ReaderOf returns a key of the reader of a request, which has no other
	// meaning, so that no reader takes what there is for all. known is false where
	// nobody is asked who he is.
	ReaderOf func(*http.Request) (key string, known bool)
	// Restrict returns of a view what is in the scope, with that as its Scope.
	// It is asked once a round for each scope of many readers.
	Restrict func(*hub.View, hub.Scope) *hub.View
	// Live says why the hub should be restarted, Ready what it still lacks
	// besides the first round; nil if nothing. Clients see the text.
	Live, Ready func() error
	// Stopping is closed when the hub begins to stop: what never ends by itself
	// ends then.
	Stopping <-chan struct{}
	// Answered is told of each request when it has been answered: the route
	// that matched, or "none", the status, and how long it took. The status is
	// 499 if the client left before the answer was written.
	Answered func(route string, status int, took time.Duration)
	Version  string
	Log      *slog.Logger
}

type server struct {
	Config
	schemas map[string]any // of the document
	rounds  rounds
	packers packers
	// work is making answers and compressing them, histories making those
	// with a window, which decode some hundred kilobytes for each item.
	work, histories *gate
	// sending are answers that are not kept, on their way to clients that may
	// be slow.
	sending     budget
	subscribers subscribers
	latest      announcement
}

// Bounds of what goes on at once.
const (
	maxWork        = 16
	maxHistoryWork = 4
	patience       = 2 * time.Second
	maxSending     = 64 << 20 // bytes
	maxSubscribers = 256
	maxOfOneReader = 16 // subscribers
)

// New returns the handler of /api/v1, /healthz, /livez and /readyz. Any other
// path is answered with a 404 problem.
func New(cfg Config) (http.Handler, error) {
	if cfg.Reader == nil || cfg.Selector == nil || cfg.Live == nil || cfg.Ready == nil || cfg.Stopping == nil || cfg.Answered == nil || cfg.Log == nil {
		return nil, errors.New("rest needs a reader, a selector, live, ready, stopping, answered and a log")
	}
	if cfg.Auth == "" || cfg.Scope == nil || cfg.ReaderOf == nil || cfg.Restrict == nil {
		return nil, errors.New("rest needs to know who may see what: auth, scope, readerOf and restrict")
	}
	document, schemas, err := openAPI(cfg.Version)
	if err != nil {
		return nil, err
	}
	s := &server{
		Config: cfg, schemas: schemas,
		work:        newGate("answers", maxWork, patience),
		histories:   newGate("answers with a window", maxHistoryWork, patience),
		sending:     budget{most: maxSending},
		subscribers: subscribers{of: make(map[string]int)},
	}
	return s.router(document), nil
}

// names are what fields may choose from in answers of that schema.
func (s *server) names(schema string) fields {
	return namesOf(map[string]any{"$ref": "#/components/schemas/" + schema}, s.schemas)
}

func (s *server) router(document []byte) *echo.Echo {
	e := echo.New()
	e.IPExtractor = echo.ExtractIPDirect()
	e.HTTPErrorHandler = s.fail
	e.Pre(s.account, protect, middleware.RecoverWithConfig(middleware.RecoverConfig{
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

const (
	v1         = "/api/v1"
	eventsPath = v1 + "/events"
)

// routes has every path that the hub's REST answers.
func (s *server) routes(get func(path string, h echo.HandlerFunc), document []byte) {
	get("/healthz", text("ok\n"))
	get("/livez", s.live)
	get("/readyz", s.ready)

	get(v1+"/cluster", s.one(hub.KindCluster, cluster))
	get(v1+"/nodes", s.list("NodeList", hub.KindNode, takesNone, allNodes))
	get(v1+"/nodes/:node", s.one(hub.KindNode, node))
	get(v1+"/nodes/:node/pods", s.list("PodList", hub.KindPod, takesNamespace, within(node, pods)))
	get(v1+"/pods", s.list("PodList", hub.KindPod, takesNamespace|takesNode, all(pods)))
	get(v1+"/workloads", s.list("WorkloadList", hub.KindWorkload, takesNamespace, all(workloads)))
	get(v1+"/namespaces", s.list("NamespaceList", hub.KindNamespace, takesNone, all(namespaces)))

	const ns = v1 + "/namespaces/:namespace"
	get(ns, s.one(hub.KindNamespace, namespace))
	get(ns+"/pods", s.list("PodList", hub.KindPod, takesNode, within(namespace, pods)))
	get(ns+"/pods/:pod", s.one(hub.KindPod, pod))
	get(ns+"/deployments", s.list("DeploymentList", hub.KindWorkload, takesNone, within(namespace, deployments)))
	get(ns+"/deployments/:deployment", s.one(hub.KindWorkload, deployment))
	get(ns+"/deployments/:deployment/pods", s.list("PodList", hub.KindPod, takesNode, within(deployment, pods)))
	get(ns+"/workloads", s.list("WorkloadList", hub.KindWorkload, takesNone, within(namespace, workloads)))
	get(ns+"/workloads/:kind/:name", s.one(hub.KindWorkload, workload))
	get(ns+"/workloads/:kind/:name/pods", s.list("PodList", hub.KindPod, takesNode, within(workload, pods)))

	get(v1+"/top", s.top())
	get(v1+"/status", s.answer(rules{}, s.status))
	get(eventsPath, s.events)
	get(v1+"/openapi.json", s.fixed(document))
}

// account turns an error into its answer and tells how long answering took. How
// long events go on says nothing.
func (s *server) account(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		began := time.Now()
		err := next(c)
		if err != nil {
			s.fail(err, c)
		}
		status := c.Response().Status
		if isGone(err, c.Request()) {
			status = statusGone
		}
		if c.Path() != eventsPath {
			s.Answered(cmp.Or(c.Path(), "none"), status, time.Since(began))
		}
		return nil
	}
}

// protect sets the headers that keep a browser from taking an answer for
// anything but data.
func protect(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		h := c.Response().Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.Set("Cache-Control", "no-store") // unless an answer says otherwise
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
