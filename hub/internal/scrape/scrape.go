// Package scrape asks agents for their snapshots over HTTP.
//
// One Round asks every agent of a list once, many at a time, each with its own
// deadline for the whole exchange. One that is not prompt makes room for the
// next, so that however many hang, the others are asked in time. An agent is not
// trusted: its answer must come from itself and not from a redirect, be of the
// right type, of bounded size, decode whole, and be about the node that the
// agent was found on. One that fails fails alone, with an error that a person
// can act on; errors name no port of the hub's own side, so that the same fault
// has the same words in each round, they are a line long and have nothing of the
// hub's token, and each has a word to be counted under (hub.Failure). An agent
// with two addresses is asked at the second where no connection to the first can
// be opened. Otherwise the package retries nothing. It remembers idle
// connections, and the keys that it knows agents by.
package scrape

import (
	"context"
	"errors"
	"iter"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/kubemon/kubemon/hub"
)

// Limits that are not worth a flag.
const (
	concurrency    = 64 // prompt agents asked at a time; more is not faster
	dialTimeout    = 2 * time.Second
	tlsTimeout     = 3 * time.Second
	idleTimeout    = 90 * time.Second // and at least some intervals
	maxHeaderBytes = 16 << 10
	// patience is how long an agent counts among those asked at a time. It is
	// several times what an agent takes; at 64 a time, a thousand that hang
	// delay the others by less than two seconds.
	patience = 100 * time.Millisecond
)

// Config is what New needs.
type Config struct {
	// Timeout is the time for one agent's whole answer.
	Timeout time.Duration
	// Interval is the time between rounds: connections are kept for longer.
	Interval time.Duration
	// UserAgent names the hub and its version.
	UserAgent string
	// Token is what agents are shown over TLS; nil is none.
	Token *Token
	// Trust says whose keys are agents'. Without one, nobody is asked.
	Trust Trust
	// Dial opens connections; nil is TCP.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// A Scraper asks agents. Its methods may be called at the same time.
type Scraper struct {
	client    *http.Client
	dial      func(ctx context.Context, network, address string) (net.Conn, error)
	token     *Token
	peers     peers
	timeout   time.Duration
	userAgent string
	// bodies are read in places of their own: where many agents were slow to
	// connect, their answers come all at once.
	bodies  places
	buffers sync.Pool // of *bytes.Buffer, for bodies
}

// New returns a Scraper with connections of its own: environment variables for
// proxies do not apply to agents, and cookies and redirects are not for them.
func New(c Config) *Scraper {
	if c.Dial == nil {
		c.Dial = (&net.Dialer{}).DialContext
	}
	if c.Trust == nil {
		c.Trust = nobody{}
	}
	s := &Scraper{
		dial:      c.Dial,
		token:     c.Token,
		peers:     peers{trust: c.Trust, known: make(map[string]*peer)},
		timeout:   c.Timeout,
		userAgent: c.UserAgent,
		bodies:    make(places, concurrency),
	}
	s.client = &http.Client{
		Transport: &http.Transport{
			DialContext:            s.dialTarget,
			DialTLSContext:         s.dialTLS,
			DisableCompression:     true,
			MaxIdleConnsPerHost:    1,
			IdleConnTimeout:        max(idleTimeout, 3*c.Interval),
			MaxResponseHeaderBytes: maxHeaderBytes,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return s
}

// Round asks every agent once and yields one Result for each, with its agent's
// place in the list, as they come: what one takes up can go before the next is
// read. It ends when all have answered or their time, or ctx, is over.
func (s *Scraper) Round(ctx context.Context, agents []hub.Agent) iter.Seq2[int, hub.Result] {
	return func(yield func(int, hub.Result) bool) {
		s.peers.attend(agents)
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		answers := make(chan answer)
		go func() {
			defer close(answers)
			s.askAll(ctx, agents, answers)
		}()
		wanted := true
		for a := range answers { // to the end, so that nothing is left running
			if wanted = wanted && yield(a.place, a.result); !wanted {
				cancel()
			}
		}
	}
}

// An answer is one agent's, with its place among those asked.
type answer struct {
	place  int
	result hub.Result
}

func (s *Scraper) askAll(ctx context.Context, agents []hub.Agent, answers chan<- answer) {
	asking := make(places, concurrency)
	// Tasks return no error: one agent must not cancel the others.
	var g errgroup.Group
	for i, agent := range agents {
		leave := asking.take()
		g.Go(func() error {
			defer leave()
			answers <- answer{i, s.ask(ctx, agent)}
			return nil
		})
	}
	_ = g.Wait()
}

// places are for so many at a time, of those who are prompt.
type places chan struct{}

// take waits for a place and returns the function that leaves it. It is left
// by itself after some patience, so that those who hang keep nobody waiting.
func (p places) take() (leave func()) {
	p <- struct{}{}
	free := sync.OnceFunc(func() { <-p })
	late := time.AfterFunc(patience, free)
	return func() {
		late.Stop()
		free()
	}
}

func (s *Scraper) ask(ctx context.Context, agent hub.Agent) hub.Result {
	r := hub.Result{Agent: agent, Started: time.Now()}
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	r.Snapshot, r.Bytes, r.Err = s.fetch(ctx, agent, agent.URL)
	if _, noConnection := errors.AsType[dialError](r.Err); noConnection && agent.Fallback != "" {
		r.Snapshot, r.Bytes, r.Err = s.fetch(ctx, agent, agent.Fallback)
	}
	r.Failure = failureOf(r.Err)
	r.Err = s.presentable(agent, r.Err)
	if r.Err == nil {
		r.Identity = s.peers.answered(agent)
	} else {
		r.Identity = s.peers.identity(agent)
	}
	r.Took = time.Since(r.Started)
	return r
}

// Close closes idle connections.
func (s *Scraper) Close() { s.client.CloseIdleConnections() }
