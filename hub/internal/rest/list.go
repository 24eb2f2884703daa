package rest

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
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
				Usage: c.Usage, Requests: c.Requests, Limits: c.Limits, Ratios: c.Ratios, Unavailable: c.Unavailable, Labels: p.Labels,
			})
		}
	}
	return items
}

// all picks everything that the reader may see.
func all(from func(*hub.View) []*hub.Item) pick {
	return func(r *request) ([]*hub.Item, error) { return from(r.view), nil }
}

// allNodes picks the nodes, for who may see them.
func allNodes(r *request) ([]*hub.Item, error) {
	if err := r.allowNodes("the list of nodes"); err != nil {
		return nil, err
	}
	return r.view.Nodes, nil
}

// within picks what belongs to the thing in the path, which the reader may see
// and which must exist.
func within(of func(*request) thing, from func(*hub.View) []*hub.Item) pick {
	return func(r *request) ([]*hub.Item, error) {
		whole := of(r)
		if err := r.allow(whole); err != nil {
			return nil, err
		}
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
	r := rules{takes: takesHistory | takesOrder | takesSelector | takesFields | extra, names: s.names(kind)["items"]}
	return s.answer(r, func(r *request) (*body, error) {
		items, err := from(r)
		if err != nil {
			return nil, err
		}
		if items, err = r.filter(items); err != nil {
			return nil, err
		}
		l := newList(kind, r.view)
		page, err := r.page(&l, items)
		if err != nil {
			return nil, err
		}
		if r.query.window == 0 {
			return r.listBody(&l, page)
		}
		entries, err := s.entries(r, each, page)
		if err != nil {
			return nil, err
		}
		return l.body(0, entries)
	})
}

// entries are the items with their histories, with commas between them.
func (s *server) entries(r *request, each hub.Kind, page []placed) ([]byte, error) {
	var b []byte
	for i, p := range page {
		e := entry{Item: p.item}
		if err := s.addHistory(r, &e, thingOf(each, p.item)); err != nil {
			return nil, err
		}
		b, _ = r.query.fields.cut(comma(b, i), e.json())
	}
	return b, nil
}

// listBody has the items as they are in this round, in the pieces that are
// kept of it.
func (r *request) listBody(l *list, page []placed) (*body, error) {
	if r.query.fields != nil {
		return l.body(0, r.items.cut(page, r.query.fields))
	}
	pieces := r.items.list(page)
	ofItems := 0
	for _, piece := range pieces {
		ofItems += len(piece)
	}
	return l.body(ofItems, pieces...)
}

// filter applies the parameters that choose among the items. A namespace or a
// node that does not exist is an error: an empty list would hide a typing
// mistake. Who may not see nodes gets the pods that say the node's name, if
// there are any, and is not told whether there is such a node.
func (r *request) filter(items []*hub.Item) ([]*hub.Item, error) {
	if whole := (thing{kind: hub.KindNamespace, name: r.query.namespace}); whole.name != "" {
		if err := r.allow(whole); err != nil {
			return nil, err
		}
		if _, err := r.find(whole); err != nil {
			return nil, err
		}
		items = only(items, whole.holds)
	}
	if whole := (thing{kind: hub.KindNode, name: r.query.node}); whole.name != "" {
		if _, err := r.find(whole); r.view.Scope.Nodes && err != nil {
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
			return nil, badParameter("continue", "is of another list; it takes what the answer before had, with the same path and other parameters; only limit and fields may change")
		}
		start, found := slices.BinarySearchFunc(page, q.after.placed(), q.sort.compare)
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
	l.Continue, err = cursorAt(page[q.limit-1], id).token()
	return page, err
}

// top answers with the biggest of one kind. What has no number is left out.
func (s *server) top() echo.HandlerFunc {
	r := rules{takes: takesTop | takesSelector | takesNamespace | takesNode | takesFields, names: s.names("Top")["items"]}
	return s.answer(r, func(r *request) (*body, error) {
		if r.query.of == topNodes {
			if err := r.allowNodes("the list of nodes"); err != nil {
				return nil, err
			}
		}
		kind, items := topItems(r.query.of, r.view)
		items, err := r.filter(items)
		if err != nil {
			return nil, err
		}
		by := order{by: r.query.by, descending: true}
		ranked := by.arrange(only(items, func(item *hub.Item) bool { return !math.IsNaN(by.by.value(item)) }))
		l := newList(kind, r.view)
		l.Total, l.By = new(len(ranked)), r.query.by.name
		page := ranked[:min(len(ranked), r.query.limit)]
		if r.query.of == topContainers { // these items are made for this answer alone
			return l.body(0, r.items.cut(page, r.query.fields))
		}
		return r.listBody(&l, page)
	})
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
func (s *server) one(kind hub.Kind, of func(*request) thing) echo.HandlerFunc {
	r := rules{takes: takesHistory | takesFields, names: s.names(string(kind) + "Answer")}
	return s.answer(r, func(r *request) (*body, error) {
		t := of(r)
		if err := r.allow(t); err != nil {
			return nil, err
		}
		item, missing := r.find(t)
		if missing != nil && r.query.window == 0 {
			return nil, missing
		}
		e := entry{Item: item, alone: true}
		if r.query.window > 0 {
			if err := s.addHistory(r, &e, t); err != nil {
				return nil, err
			}
		}
		if e.Item == nil {
			return nil, missing
		}
		return r.single(&e, t)
	})
}

// single is an item on its own, a node's with its devices.
func (r *request) single(e *entry, t thing) (*body, error) {
	heading := heading{APIVersion: apiVersion, Time: r.view.Round.Time}
	if t.kind == hub.KindCluster && !r.view.Scope.IsEverything() {
		heading.Scope = &r.view.Scope
	}
	head, err := json.Marshal(heading)
	if err != nil {
		return nil, fmt.Errorf("encode heading of %s: %w", t, err)
	}
	data := join(head, e.json())
	if t.kind == hub.KindNode {
		devices, err := json.Marshal(devicesOf(e.Reading))
		if err != nil {
			return nil, fmt.Errorf("encode devices of %s: %w", t, err)
		}
		data = join(data, devices)
	}
	wanted := r.query.fields
	if wanted != nil {
		wanted = maps.Clone(wanted)
		wanted["apiVersion"], wanted["kind"], wanted["time"], wanted["scope"] = nil, nil, nil, nil
	}
	return newBody(0, append(wanted.cutItem(nil, data), '\n')), nil
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
