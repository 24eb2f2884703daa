package rest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"
	"weak"

	"github.com/labstack/echo/v4"

	"github.com/kubemon/kubemon/hub"
)

// oneView is a Reader of one view, without a window.
type oneView struct {
	Reader
	view *hub.View
}

func (r oneView) View() (*hub.View, error) { return r.view, nil }

// viewOfPods has pods of one container each.
func viewOfPods(count int) *hub.View {
	view := testView(1)
	for i := range count {
		usage := hub.NewUsage()
		usage.Values[hub.CPUMillicores] = float64(i)
		view.Pods = append(view.Pods, &hub.Item{
			Kind: "Pod", Namespace: "shop", Name: fmt.Sprintf("web-%04d", i), Usage: &usage,
			Containers: []*hub.ContainerItem{{Name: "web", Usage: &usage}},
		})
	}
	return view
}

// TestAnswersToTopAreCounted asks for the biggest of everything, in many
// lengths: what is made for one answer alone is counted with it, and takes no
// more memory than that.
func TestAnswersToTopAreCounted(t *testing.T) {
	for query, ofItems := range map[string]bool{
		"of=containers":                  false,
		"of=containers&fields=name,node": false,
		"of=pods&fields=name,node":       false,
		"of=pods":                        true,
	} {
		_, schemas, err := openAPI("")
		if err != nil {
			t.Fatal(err)
		}
		s := &server{Config: Config{Reader: oneView{view: viewOfPods(300)}, Scope: func(*http.Request) (hub.Scope, error) { return hub.Everything(), nil }}, schemas: schemas, work: newGate("answers", 1, patience)}
		top := s.top()
		sent, held := 0, 0
		for limit := 1; limit <= 300; limit += 20 {
			w := httptest.NewRecorder()
			target := fmt.Sprintf("/api/v1/top?%s&limit=%d", query, limit)
			if err := top(echo.New().NewContext(httptest.NewRequest(http.MethodGet, target, nil), w)); err != nil {
				t.Fatal(err)
			}
			sent += w.Body.Len()
		}
		kept := s.rounds.latest
		for _, m := range kept.answers {
			for _, piece := range m.value.pieces {
				held += cap(piece)
			}
		}
		if counted := kept.bytes; !ofItems && (counted < sent || counted < held*3/4) || ofItems && counted > sent/10 {
			t.Errorf("%s: %d bytes of answers are held in %d, and counted as %d", query, sent, held, counted)
		}
	}
}

// TestASupersededRoundIsLetGo wants nothing to hold a round, or its view, once
// the next is asked for.
func TestASupersededRoundIsLetGo(t *testing.T) {
	var r rounds
	view := viewOfPods(10)
	old, oldView := weak.Make(r.of(view)), weak.Make(view)
	latest := r.of(testView(2))
	view = nil
	runtime.GC()
	if old.Value() != nil || oldView.Value() != nil {
		t.Error("the round before is still in memory")
	}
	if r.latest != latest {
		t.Error("the latest round is not kept")
	}
	runtime.KeepAlive(&r)
}

// TestAnEventIsMadeOnceARound compares the bytes' place and not what they say.
func TestAnEventIsMadeOnceARound(t *testing.T) {
	var a announcement
	first, second := viewOfPods(0), testView(2)
	text, tag, err := a.of(first, true)
	again, _, errAgain := a.of(first, true)
	if err != nil || errAgain != nil || tag != roundTag(first.Round) || &again[0] != &text[0] {
		t.Errorf("the event of %s, %v, is made again, %v", tag, err, errAgain)
	}
	next, nextTag, err := a.of(second, true)
	if err != nil || nextTag == tag || string(next) == string(text) {
		t.Errorf("the next round's event is %s, %v", next, err)
	}
}
