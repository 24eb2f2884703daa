package rest

import (
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"github.com/kubemon/kubemon/hub"
)

// A pick takes a list out of a round.
type pick func(r *request) ([]*hub.Item, error)

func nodes(v *hub.View) []*hub.Item      { return v.Nodes }
func pods(v *hub.View) []*hub.Item       { return v.Pods }
func namespaces(v *hub.View) []*hub.Item { return v.Namespaces }
func workloads(v *hub.View) []*hub.Item  { return v.Workloads }

func deployments(v *hub.View) []*hub.Item {
	return only(v.Workloads, func(item *hub.Item) bool { return item.Kind == "Deployment" })
}

// containers makes an item of each pod's each container, as top ranks them.
func containers(v *hub.View) []*hub.Item {
	var items []*hub.Item
	for _, p := range v.Pods {
		for _, c := range p.Containers {
			items = append(items, &hub.Item{
				Kind: "Container", Namespace: p.Namespace, Pod: p.Name, Name: c.Name, UID: c.ID,
				Node: p.Node, Owner: p.Owner, Status: p.Status,
				Usage: c.Usage, Requests: c.Requests, Limits: c.Limits, Unavailable: c.Unavailable,
			})
		}
	}
	return items
}

// all picks everything.
func all(from func(*hub.View) []*hub.Item) pick {
	return func(r *request) ([]*hub.Item, error) { return from(r.view), nil }
}

// within picks what belongs to the thing in the path, which must exist.
func within(of func(*request) thing, from func(*hub.View) []*hub.Item) pick {
	return func(r *request) ([]*hub.Item, error) {
		whole := of(r)
		if _, err := r.find(whole); err != nil {
			return nil, err
		}
		return only(from(r.view), whole.holds), nil
	}
}

// only returns the items that keep says yes to, in a list of its own.
func only(items []*hub.Item, keep func(*hub.Item) bool) []*hub.Item {
	var kept []*hub.Item
	for _, item := range items {
		if keep(item) {
			kept = append(kept, item)
		}
	}
	return kept
}

// list answers with a list; each is what one of its items is.
func (s *server) list(kind string, each hub.Kind, extra takes, from pick) echo.HandlerFunc {
	return s.answer(takesHistory|takesPage|extra, func(r *request) (any, error) {
		items, err := from(r)
		if err != nil {
			return nil, err
		}
		if items, err = r.filter(items); err != nil {
			return nil, err
		}
		l := newList(kind, r.view.Round)
		page, err := r.page(&l, items)
		if err != nil {
			return nil, err
		}
		for _, p := range page {
			e := entry{Item: p.item}
			if r.query.window > 0 {
				if err := s.addHistory(r, &e, thingOf(each, p.item)); err != nil {
					return nil, err
				}
			}
			l.Items = append(l.Items, e)
		}
		return l, nil
	})
}

// filter applies the parameters that choose among the items. A namespace or a
// node that does not exist is an error: an empty list would hide a typing
// mistake.
func (r *request) filter(items []*hub.Item) ([]*hub.Item, error) {
	for _, whole := range []thing{
		{kind: hub.KindNamespace, name: r.query.namespace},
		{kind: hub.KindNode, name: r.query.node},
	} {
		if whole.name == "" {
			continue
		}
		if _, err := r.find(whole); err != nil {
			return nil, err
		}
		items = only(items, whole.holds)
	}
	if matches := r.query.matches; matches != nil {
		items = only(items, func(item *hub.Item) bool { return matches(item.Labels) })
	}
	return items, nil
}

// page puts the items in order and cuts the part out that the request asks
// for. It notes in l how to go on.
func (r *request) page(l *list, items []*hub.Item) ([]placed, error) {
	q := r.query
	page := q.sort.arrange(items)
	id := listID(r.http)
	if q.limit > 0 {
		l.Total = new(len(page))
	}
	if q.after != nil {
		if q.after.List != id {
			return nil, badParameter("continue", "is of another list; it takes what the answer before had, with the same path, sort and filters")
		}
		start, found := slices.BinarySearchFunc(page, q.after.position, func(p placed, after position) int {
			return q.sort.compare(p.position, after)
		})
		if found {
			start++
		}
		page = page[start:]
	}
	if q.limit == 0 || len(page) <= q.limit {
		return page, nil
	}
	page = page[:q.limit]
	var err error
	l.Continue, err = cursor{position: page[q.limit-1].position, List: id}.token()
	return page, err
}

// topList is a list that says what it is ranked by.
type topList struct {
	list
	By string `json:"by"`
}

// top answers with the biggest of one kind. What has no number is left out.
func (s *server) top(r *request) (any, error) {
	kind, items := topItems(r.query.of, r.view)
	by := order{by: r.query.by, descending: true}
	ranked := by.arrange(only(items, func(item *hub.Item) bool { return by.by.value(item) != nil }))
	l := newList(kind, r.view.Round)
	l.Total = new(len(ranked))
	for _, p := range ranked[:min(len(ranked), r.query.limit)] {
		l.Items = append(l.Items, entry{Item: p.item})
	}
	return topList{l, r.query.by.name}, nil
}

func topItems(of topic, v *hub.View) (kind string, items []*hub.Item) {
	switch of {
	case topContainers:
		return "ContainerList", containers(v)
	case topNodes:
		return "NodeList", v.Nodes
	case topNamespaces:
		return "NamespaceList", v.Namespaces
	case topWorkloads:
		return "WorkloadList", v.Workloads
	}
	return "PodList", v.Pods
}

// one answers with a single thing. With a window it also answers for what is
// gone, as long as its history is kept.
func (s *server) one(of func(*request) thing) echo.HandlerFunc {
	return s.answer(takesHistory, func(r *request) (any, error) {
		t := of(r)
		item, err := r.find(t)
		if err != nil && r.query.window == 0 {
			return nil, err
		}
		answer := single{APIVersion: apiVersion, Time: r.view.Round.Time, entry: entry{Item: item}}
		if r.query.window > 0 {
			if err := s.addHistory(r, &answer.entry, t); err != nil {
				return nil, err
			}
		}
		if answer.Item == nil {
			return nil, err
		}
		if t.kind == hub.KindNode {
			answer.devices = devicesOf(answer.Reading)
		}
		return answer, nil
	})
}

// notFound says which thing there is not, and whether asking for its history
// may help.
func (r *request) notFound(t thing) *problem {
	p := newProblem(http.StatusNotFound, "there is no %s", t)
	if r.query.window > 0 {
		p.Detail += " and there was none in the last " + r.query.window.String()
	} else if t.kind != hub.KindNamespace {
		p.Detail += "; the history of one that is gone can still be asked for with window, up to " + r.view.Round.Window.String()
	}
	return p
}
