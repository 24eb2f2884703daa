// Kubemon-hub asks every kubemon-agent for its snapshot, works out what nodes,
// pods, containers, namespaces and workloads use, keeps the last hour in
// memory, and answers over REST and with a page.
//
//	kubemon-hub [flags]
//	kubemon-hub --agents http://127.0.0.1:10290
//	curl http://127.0.0.1:8080/api/v1/nodes
//
// # Paths
//
//	GET /                      the page
//	GET /api/v1/…              the REST API; /api/v1/openapi.json describes it
//	GET /metrics               the hub about itself, in Prometheus' text format
//	GET /healthz, /livez       200 while the hub works
//	GET /readyz                200 once there is something to answer with
//
//	GET, POST /login           for a browser: takes a token, gives a session
//	POST /logout               ends it
//
// Errors are application/problem+json.
//
// # Readers
//
// With --auth=token nobody reads who is not known, the page and its parts
// included; open are only the login, and healthz, livez and readyz without a
// word more than whether all is well. The cluster says who a reader is, by a
// TokenReview of
//
//   - a token for the audience of --auth-audience, or an ordinary one:
//     Authorization: Bearer TOKEN
//   - the token that was given at /login, as long as its session lasts: until the
//     token ends, a day at most
//
// or an authenticating proxy does, by the headers X-Remote-User and
// X-Remote-Group, which count only with its proof: a client certificate of
// --proxy-auth-ca-file, which is for nobody else, or the header
// X-Kubemon-Proxy-Secret with what is in --proxy-auth-secret-file.
//
// What readers see is what they may list, by SubjectAccessReviews: nodes, the
// status and /metrics with "list nodes", a namespace with "list pods" in it. A
// reader of some namespaces gets lists and sums of those, which say so. The
// cluster's word counts for two minutes (whose a token is) and five (what may be
// listed; 30 s if not), and is kept while the API server cannot be asked: a
// token until it ends, one that does not say when for an hour. For all this the
// hub may create tokenreviews and subjectaccessreviews.
//
// With --auth=none nobody is asked, so the hub listens on loopback only, where
// it takes no Host header but this machine's, or --allow-unauthenticated says
// otherwise in words.
//
// # The fleet
//
// In a cluster the hub finds the agents behind a headless service, and names
// what they report from the API server. It needs to list and watch
// EndpointSlices in its own namespace, and pods, nodes, namespaces,
// Deployments, ReplicaSets, StatefulSets, DaemonSets, Jobs and CronJobs
// everywhere. With --agents it asks the given addresses, and no cluster is
// needed; pods then have the names that the agents found on their nodes.
//
// With --events, which is the default, it tells by Events on the Nodes which
// agents attach, go silent and return. For that it needs to create and patch
// events in the namespace "default", where those of Nodes lie; without that right
// it works as well, and tells nothing.
//
// # Agents' keys and the hub's token
//
// Agents are shown a token (--agent-token-file), by which they know the hub. It
// goes over TLS only, and only to a peer whose key is taken for the agent's.
// --agent-trust says when it is:
//
//	pinned    the pod, or the address in --agents, had it at first contact; a
//	          container that has restarted may have another
//	attested  the certificate holds a token of the cluster for the agents'
//	          service account, that pod, that node and that key. The hub gets
//	          the cluster's keys by /openid/v1/jwks, and from outside of it the
//	          issuer by /.well-known/openid-configuration
//	ca        an authority of --agent-ca-file has certified it for
//	          --agent-server-name
//
// Any other peer is sent nothing and counted as "identity"; /api/v1/status says
// why, and with which keys. A hub that is restarted pins anew.
//
// # The API server
//
// The hub starts, scrapes and answers while the API server cannot be reached.
// What it does not know then it says in /api/v1/status.
//
// The last hour is in memory only. Agents keep some minutes themselves, and a
// hub that starts asks them for those after its second round and fills in the
// rounds before its first; "replay" in /api/v1/status says how far.
//
// # Flags
//
// -h lists them with their defaults. Each has an environment variable, which
// counts when the flag is not given: KUBEMON_HUB_LISTEN for --listen.
//
//	--listen             address to listen on: :8080 with --auth=token, else
//	                     127.0.0.1:8080. With --auth=none anybody who reaches it
//	                     may read everything, so it must be a loopback address
//	                     unless --allow-unauthenticated is given
//	--auth               token or none, see above; none is the default
//	--auth-audience      what tokens for the hub are made for, kubemon-hub
//	--proxy-auth-ca-file, --proxy-auth-secret-file
//	                     what an authenticating proxy proves itself by; read
//	                     again as they change
//	--tls                what the hub's own port speaks: off (the default, where
//	                     a port-forward or an Ingress encrypts), self-signed, or
//	                     files, all of them TLS 1.3
//	--tls-cert-file, --tls-key-file
//	                     with files: the pair, PEM, read again as it changes
//	--agents             addresses of agents, separated by commas, instead of a
//	                     cluster's; or beside one, with --kubeconfig
//	--kubeconfig         how to reach a cluster from outside of it
//	--agent-service      name of the agents' headless service
//	--namespace          its namespace; by default the hub's own
//	--agent-token-file   the token that agents are shown; it is read again as
//	                     it changes, and what it said last is used until that
//	                     expires
//	--agent-trust        pinned (the default), attested or ca
//	--agent-ca-file      with ca: the authorities' certificates, PEM, read again
//	                     as they change
//	--agent-server-name  with ca: what the agents' certificates are for
//	--agent-service-account
//	                     with attested: the agents' service account in the
//	                     namespace of their service, and by default of its name
//	--events             tell the cluster of its agents by Events on its Nodes;
//	                     without a cluster there is nobody to tell
//	--interval           time between rounds, at least 1s
//	--window             how far back answers go, at most 1h and at least one
//	                     interval
//	--window-max-bytes   what those may take up in memory, at least 1048576:
//	                     when it is reached, the oldest go first, and
//	                     /api/v1/status says so. 0, the default, is half of
//	                     GOMEMLIMIT, or no bound where that is not set
//	--scrape-timeout     time for one agent's answer, at most the interval
//
// # Signals, output, exit codes
//
// SIGTERM and SIGINT end the hub after open requests, at most ten seconds. The
// log goes to standard error. The exit code is 0 when the hub was asked to
// stop, 1 when it could not run, 2 when a flag or variable is wrong.
package main

import (
	"context"
	"log/slog"
	"net"
	"os"

	"golang.org/x/sync/errgroup"
	"k8s.io/klog/v2"

	"github.com/kubemon/kubemon/hub/internal/aggregate"
	"github.com/kubemon/kubemon/hub/internal/metricsapi"
	"github.com/kubemon/kubemon/hub/internal/pipeline"
	"github.com/kubemon/kubemon/hub/internal/scrape"
	"github.com/kubemon/kubemon/hub/internal/window"
	"github.com/kubemon/kubemon/shared/daemon"
)

const program = "kubemon-hub"

// maxConnections is how many readers may be connected at once, twice as many as
// may listen for events.
const maxConnections = 512

func main() {
	// Most of the heap is the window, which lives for an hour and has next to no
	// pointers: collecting twice as often costs little, and half as much garbage
	// lies beside it.
	daemon.SetGCPercent(50, os.LookupEnv)
	os.Exit(daemon.Main(program, os.Stdout, os.Stderr, func(ctx context.Context, log *slog.Logger) error {
		klog.SetSlogLogger(log) // what client-go says goes to the same log
		return run(ctx, log, os.Args[1:], os.LookupEnv, func(net.Addr) {})
	}))
}

// run is the program: it reads the configuration, connects the stages of the
// flow, listens, and runs them until ctx ends. ready is told the address once
// requests are taken.
func run(ctx context.Context, log *slog.Logger, args []string, lookupEnv func(string) (string, bool), ready func(net.Addr)) error {
	config, err := parse(args, lookupEnv)
	if err != nil {
		return err
	}
	fleet, err := findFleet(config, log)
	if err != nil {
		return err
	}
	frames, err := window.Open(config.window, config.windowBound())
	if err != nil {
		return err
	}
	defer frames.Close()
	muteHTTP()
	scraper := scrape.New(scrape.Config{
		Timeout: config.scrapeTimeout, Interval: config.interval, UserAgent: program + "/" + daemon.Version(),
		Token: config.asking.token(log), Trust: fleet.trust,
	})
	defer scraper.Close()
	meter := metricsapi.NewMeter()
	loop := newLoop(config, fleet, scraper, frames, meter, log)
	g, ctx := errgroup.WithContext(ctx)
	if config.events {
		fleet.tell(loop.View, meter, log)
	}
	readers, err := newReaders(config.readers, fleet, meter, log)
	if err != nil {
		return err
	}
	handler, err := newHandler(loop, frames, fleet, readers, meter, ctx.Done(), log)
	if err != nil {
		return err
	}
	encryption, renew, err := newTLS(config.tls, config.readers.proxyCAFile, log)
	if err != nil {
		return err
	}
	server := daemon.Server{Handler: handler, Log: log, TLS: encryption, MaxConnections: maxConnections}
	listener, err := daemon.Listen(ctx, config.readers.listen)
	if err != nil {
		return err
	}
	log.Info("listening", "address", listener.Addr(), "version", daemon.Version(), "config", config)
	ready(listener.Addr())

	for _, watch := range fleet.watches {
		g.Go(func() error { return watch(ctx) })
	}
	g.Go(func() error { loop.Run(ctx); return nil })
	g.Go(func() error { renew(ctx); return nil })
	g.Go(func() error { return server.Serve(ctx, listener) })
	return g.Wait()
}

// newLoop connects the stages of the flow.
func newLoop(c config, fleet *fleet, scraper *scrape.Scraper, frames *window.Window, meter *metricsapi.Meter, log *slog.Logger) *pipeline.Pipeline {
	return pipeline.New(pipeline.Config{
		Agents: fleet.agents, Scraper: scraper, Past: scraper, Names: fleet.names, Named: fleet.ready,
		Store: frames, Kept: frames.Status, Meter: meter,
		Attribute: aggregate.Attribute, Sum: aggregate.Sum, Answer: aggregate.Answer,
		Interval: c.interval, Window: c.window, Log: log,
	})
}
