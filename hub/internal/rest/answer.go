package rest

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/kubemon/kubemon/hub"
)

const apiVersion = "kubemon.io/v1"

// gzipSuffix ends the ETag of a compressed answer.
const gzipSuffix = "-gzip"

// A request is one question to one round.
type request struct {
	http  *http.Request
	view  *hub.View
	query query
	// param returns a name from the path.
	param func(name string) string
}

// answer makes a handler of build, which turns a request into what is encoded
// as JSON. It is the one way to a round: readiness, ETag and the checking of
// parameters are here.
func (s *server) answer(takes takes, build func(*request) (any, error)) echo.HandlerFunc {
	return func(c echo.Context) error {
		view, err := s.Reader.View()
		if err != nil {
			return fmt.Errorf("take the latest round: %w", err)
		}
		tag := etag(view.Round, c.Request())
		if notModified(c, tag) {
			return c.NoContent(http.StatusNotModified)
		}
		q, err := rules{takes: takes, window: view.Round.Window, selector: s.Selector}.parse(c.Request().URL.RawQuery)
		if err != nil {
			return err
		}
		body, err := build(&request{
			http: c.Request(), view: view, query: q,
			param: func(name string) string { return param(c, name) },
		})
		if err != nil {
			return err
		}
		data, err := json.Marshal(body)
		if err != nil {
			return fmt.Errorf("encode answer: %w", err)
		}
		c.Response().Header().Set("ETag", tag)
		return c.Blob(http.StatusOK, echo.MIMEApplicationJSON, append(data, '\n'))
	}
}

// fixed serves a document that changes with the program only.
func fixed(document []byte) echo.HandlerFunc {
	hash := fnv.New64a()
	hash.Write(document)
	tag := fmt.Sprintf(`"%x"`, hash.Sum64())
	return func(c echo.Context) error {
		if _, err := (rules{}).parse(c.Request().URL.RawQuery); err != nil {
			return err
		}
		if notModified(c, tag) {
			return c.NoContent(http.StatusNotModified)
		}
		c.Response().Header().Set("ETag", tag)
		return c.Blob(http.StatusOK, echo.MIMEApplicationJSON, document)
	}
}

// etag is strong: one round of one hub answers one query with the same bytes.
func etag(r *hub.Round, req *http.Request) string {
	hash := fnv.New64a()
	hash.Write([]byte(req.URL.EscapedPath() + "?" + req.URL.RawQuery))
	return fmt.Sprintf(`"%x-%x-%x"`, r.Started.UnixNano(), r.Number, hash.Sum64())
}

// notModified reports whether the client has the answer of that tag, plain or
// compressed; then it also sets the tag that the client has.
func notModified(c echo.Context, tag string) bool {
	compressed := strings.TrimSuffix(tag, `"`) + gzipSuffix + `"`
	for have := range strings.SplitSeq(c.Request().Header.Get("If-None-Match"), ",") {
		have = strings.TrimPrefix(strings.TrimSpace(have), "W/")
		if have == "*" {
			have = tag
		}
		if have == tag || have == compressed {
			c.Response().Header().Set("ETag", have)
			return true
		}
	}
	return false
}

// An entry is an item as a list has it, with its history if that was asked for.
type entry struct {
	*hub.Item
	Series  *series  `json:"series,omitempty"`
	Summary *summary `json:"summary,omitempty"`
}

// A single is an item on its own.
type single struct {
	APIVersion string    `json:"apiVersion"`
	Time       time.Time `json:"time"`
	entry
	*devices
}

// A list is items of one kind. Continue and Total tell of those that a limit
// left out.
type list struct {
	APIVersion      string    `json:"apiVersion"`
	Kind            string    `json:"kind"`
	Time            time.Time `json:"time"`
	IntervalSeconds float64   `json:"intervalSeconds"`
	Items           []entry   `json:"items"`
	Continue        string    `json:"continue,omitempty"`
	Total           *int      `json:"total,omitempty"`
}

func newList(kind string, r *hub.Round) list {
	return list{APIVersion: apiVersion, Kind: kind, Time: r.Time, IntervalSeconds: r.Interval.Seconds(), Items: []entry{}}
}

// devices are what a single node has besides its usage. Without a sample of
// the node they are null: not known, rather than none.
type devices struct {
	Agent       *agentInfo              `json:"agent"`
	Load        []float64               `json:"load"`
	System      []hub.SliceReading      `json:"system"`
	Processes   []hub.ProcessReading    `json:"processes"`
	Disks       []hub.DiskReading       `json:"disks"`
	Network     []hub.InterfaceReading  `json:"network"`
	Filesystems []hub.FilesystemReading `json:"filesystems"`
	Warnings    []string                `json:"warnings"`
}

// agentInfo says which agent read the node, and what it found there.
type agentInfo struct {
	Version    string `json:"version"`
	CgroupMode string `json:"cgroupMode"`
}

func devicesOf(r *hub.Reading) *devices {
	if r == nil {
		return &devices{}
	}
	return &devices{
		Agent:       &agentInfo{Version: r.AgentVersion, CgroupMode: r.Mode},
		Load:        known(r.Host.Load),
		System:      known(r.System),
		Processes:   known(r.Processes),
		Disks:       known(r.Host.Disks),
		Network:     known(r.Host.Network),
		Filesystems: known(r.Host.Filesystems),
		Warnings:    known(r.Warnings),
	}
}

// known makes a list that was read, and is empty, [] and not null.
func known[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
