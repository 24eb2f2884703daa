package main

import (
	"log/slog"
	"net/http"

	"github.com/kubemon/kubemon/hub"
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

// newHandler has all of the hub's paths.
func newHandler(loop *pipeline.Pipeline, frames *window.Window, fleet *fleet, meter *metricsapi.Meter, log *slog.Logger) (http.Handler, error) {
	api, err := rest.New(rest.Config{
		Reader:    answers{loop, frames},
		Selector:  inventory.Selector,
		Summarize: aggregate.Summarize,
		Live:      loop.Live,
		Ready:     fleet.ready,
		Version:   daemon.Version(),
		Log:       log,
	})
	if err != nil {
		return nil, err
	}
	page := dashboard.Handler()
	mux := http.NewServeMux()
	mux.Handle("/{$}", page)
	mux.Handle("/assets/", page)
	mux.Handle("GET /metrics", metricsapi.Handler(loop.View, meter, daemon.Version()))
	mux.Handle("/", api) // which also answers for every unknown path
	return mux, nil
}
