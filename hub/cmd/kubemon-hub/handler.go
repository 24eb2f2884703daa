package main

import (
	"log/slog"
	"net/http"

	"github.com/kubemon/kubemon/hub"
	"github.com/kubemon/kubemon/hub/internal/access"
	"github.com/kubemon/kubemon/hub/internal/aggregate"
	"github.com/kubemon/kubemon/hub/internal/dashboard"
	"github.com/kubemon/kubemon/hub/internal/inventory"
	"github.com/kubemon/kubemon/hub/internal/metricsapi"
	"github.com/kubemon/kubemon/hub/internal/pipeline"
	"github.com/kubemon/kubemon/hub/internal/rest"
	"github.com/kubemon/kubemon/hub/internal/window"
	"github.com/kubemon/kubemon/shared/daemon"
)

// answers are the latest round's, from the pipeline, and the window's.
type answers struct {
	*pipeline.Pipeline
	kept *window.Window
}

func (a answers) History(v *hub.View, q hub.HistoryQuery) (hub.History, error) {
	return aggregate.History(v, a.kept, q)
}

// newHandler has all of the hub's paths, for its readers. What never ends by
// itself ends when stopping is closed.
func newHandler(loop *pipeline.Pipeline, frames *window.Window, fleet *fleet, readers readers, meter *metricsapi.Meter, stopping <-chan struct{}, log *slog.Logger) (http.Handler, error) {
	api, err := rest.New(rest.Config{
		Reader:   answers{loop, frames},
		Selector: inventory.Selector,
		Auth:     readers.auth,
		Scope:    readers.Scope,
		ReaderOf: readers.ReaderOf,
		Restrict: aggregate.Restrict,
		Live:     loop.Live,
		Ready:    fleet.ready,
		Stopping: stopping,
		Answered: meter.Answered,
		Version:  daemon.Version(),
		Log:      log,
	})
	if err != nil {
		return nil, err
	}
	page := dashboard.Handler(api) // whatever is neither page nor metrics is for REST to answer, or to refuse
	metrics := access.NeedNodes(readers.Scope, metricsapi.Handler(loop.View, meter, daemon.Version()))
	return readers.Around(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if reader, known := readers.ReaderOf(r); known {
			daemon.KeepConnectionOf(r.Context(), reader)
		}
		// No http.ServeMux: it redirects paths that are not clean, where REST has
		// an answer that says what is wrong.
		if r.URL.Path == "/metrics" && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
			metrics.ServeHTTP(w, r)
			return
		}
		page.ServeHTTP(w, r)
	})), nil
}
