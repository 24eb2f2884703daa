package rest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/kubemon/kubemon/hub"
)

// Times of the events.
const (
	// heartbeat is sent when there is nothing to say, so that proxies keep the
	// connection and a client that is gone is noticed.
	heartbeat = 15 * time.Second
	// eventTime is how long a client may take to read one event.
	eventTime = 10 * time.Second
	// subscription is how long one lasts. The client comes back by itself, and
	// one that does not read has filled little of the kernel's buffers.
	subscription = 30 * time.Minute
	// goodbye is how long a client may take to read that there is no more. It
	// is short, as the hub may be waiting for it to stop.
	goodbye = time.Second
	// comeBack is when a client asks again after its connection has ended.
	comeBack = 5 * time.Second
)

// A tick tells that there is another round.
type tick struct {
	Number          uint64    `json:"number"`
	Time            time.Time `json:"time"`
	IntervalSeconds float64   `json:"intervalSeconds"`
	// WindowSeconds is how far back answers go; not all who listen may read status.
	WindowSeconds float64 `json:"windowSeconds"`
	// Nodes counts them by state; nil for who may not see nodes.
	Nodes map[string]int `json:"nodes,omitzero"`
	// ETag begins the ETags of all the round's answers.
	ETag string `json:"etag"`
}

func tickOf(v *hub.View, nodes bool) tick {
	t := tick{
		Number: v.Round.Number, Time: v.Round.Time, ETag: roundTag(v.Round),
		IntervalSeconds: v.Round.Interval.Seconds(), WindowSeconds: v.Round.Window.Seconds(),
	}
	if !nodes {
		return t
	}
	t.Nodes = map[string]int{hub.StateOK: 0, hub.StateStale: 0, hub.StateDown: 0, hub.StateUnsupported: 0, hub.StatePending: 0}
	for _, node := range v.Nodes {
		t.Nodes[node.Status.State]++
	}
	return t
}

// announcement keeps the texts of the latest round's event, which are the same
// for all who are told: one with nodes, and one for who may not see them. It
// holds no view.
type announcement struct {
	mu    sync.Mutex
	tag   string          // of the round
	texts map[bool][]byte // by whether they have nodes
}

// of returns the event of a view, and its id.
func (a *announcement) of(v *hub.View, nodes bool) (text []byte, tag string, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	tag = roundTag(v.Round)
	if a.tag != tag {
		a.tag, a.texts = tag, make(map[bool][]byte)
	}
	if text := a.texts[nodes]; text != nil {
		return text, tag, nil
	}
	data, err := json.Marshal(tickOf(v, nodes))
	if err != nil {
		return nil, "", fmt.Errorf("encode event: %w", err)
	}
	a.texts[nodes] = fmt.Appendf(nil, "event: round\nid: %s\ndata: %s\n\n", tag, data)
	return a.texts[nodes], tag, nil
}

// events tells a client of each round as it is published. Nothing is queued:
// who reads slowly is told of the latest round next, and who does not read
// loses the connection. Rounds never wait.
func (s *server) events(c echo.Context) error {
	if _, err := (rules{}).parse(c.Request().URL.RawQuery); err != nil {
		return err
	}
	if _, err := s.scope(c.Request()); err != nil {
		return err
	}
	leave, err := s.subscribers.enter(s.ReaderOf(c.Request()))
	if err != nil {
		return err
	}
	defer leave()
	h := c.Response().Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // nginx would keep events back
	c.Response().WriteHeader(http.StatusOK)
	if c.Request().Method == http.MethodHead {
		return nil
	}
	stream := stream{http.NewResponseController(c.Response()), c.Response()}
	defer stream.leave()
	return s.tell(c.Request(), stream)
}

// tell sends events until the client, the hub or the subscription ends.
func (s *server) tell(r *http.Request, to stream) error {
	told := r.Header.Get("Last-Event-ID")
	end := time.NewTimer(subscription)
	defer end.Stop()
	quiet := time.NewTicker(heartbeat)
	defer quiet.Stop()
	text := fmt.Appendf(nil, "retry: %d\n\n", comeBack.Milliseconds())
	for {
		published := s.Reader.Published() // before the view: none is missed
		if view, err := s.Reader.View(); err == nil && roundTag(view.Round) != told {
			scope, err := s.scope(r) // it may have changed, or ended
			if err != nil {
				return err
			}
			event, tag, err := s.latest.of(view, scope.Nodes)
			if err != nil {
				return err
			}
			text, told = append(text, event...), tag
		}
		if len(text) > 0 {
			if err := to.send(text); err != nil {
				return err
			}
		}
		select {
		case <-published:
			text = nil
		case <-quiet.C:
			text = []byte(":\n\n")
		case <-end.C:
			return nil
		case <-s.Stopping:
			return nil
		case <-r.Context().Done():
			return nil
		}
	}
}

// A stream is an answer that goes on.
type stream struct {
	*http.ResponseController
	body http.ResponseWriter
}

// leave bounds what the server still writes.
func (s stream) leave() { _ = s.SetWriteDeadline(time.Now().Add(goodbye)) } // else the last event's holds

// send writes text and lets it leave, in the time there is for an event.
func (s stream) send(text []byte) error {
	if err := limitWriting(s.ResponseController, eventTime); err != nil {
		return err
	}
	if _, err := s.body.Write(text); err != nil {
		return ended(err)
	}
	return ended(s.Flush())
}
