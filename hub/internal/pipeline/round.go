package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/kubemon/kubemon/hub"
)

// errNoAgent is the fault of a node that the API server has and discover not.
var errNoAgent = errors.New("no agent on this node")

// expect begins a round: whoever has, or had, an agent is expected in it, and
// was in those that were skipped before it.
func (p *Pipeline) expect(skipped int) {
	p.reconcile()
	for _, n := range p.nodes {
		if n.outcomes == nil {
			n.expect(0, p.rounds())
		} else {
			n.expect(skipped, p.rounds())
		}
	}
}

// rounds is how many the window has.
func (p *Pipeline) rounds() int { return int(p.Window / p.Interval) }

// round asks every agent once, in the time until next.
func (p *Pipeline) round(ctx context.Context, slot int, next time.Time) {
	<-p.turn // nothing else works until those who are well are published
	p.began = time.Now()
	p.now = p.line.at(slot, p.began.Sub(p.started), p.began.Round(0))
	p.pulse.Store(new(p.began))
	p.kept, p.keeps, p.summed = make(map[string]*hub.Frame), 0, -1
	well := p.pick(func(n *node) bool { return n.present && n.missed == 0 })
	lost := p.pick(func(n *node) bool { return n.present && n.missed > 0 })
	absent := p.pick(func(n *node) bool { return !n.present })

	p.ask(ctx, next, well, p.missRound)
	for _, n := range absent {
		p.change(n, func() { p.missRound(n, errNoAgent) })
	}
	p.settle(ctx)
	p.turn <- struct{}{}
	if len(lost) > 0 {
		p.ask(ctx, next, lost, p.missRound)
		p.settle(ctx)
	}
}

// settle publishes what is known, unless the hub stops: then it is half a round.
func (p *Pipeline) settle(ctx context.Context) {
	if ctx.Err() == nil {
		p.publish()
	}
}

// visit asks some nodes outside the rounds, and reports whether it did. A fault
// is noted, but a node that does not answer has missed no round.
func (p *Pipeline) visit(ctx context.Context, next time.Time, nodes []*node) bool {
	if len(nodes) == 0 || time.Until(next) < time.Second {
		return false // the round is near enough
	}
	p.ask(ctx, next, nodes, func(n *node, err error) { n.fault(err, time.Now()) })
	p.settle(ctx)
	return true
}

// reconcile makes p.nodes what discover shows now, and reports whether any is
// gone. A node without its agent stays while the API server has the node.
func (p *Pipeline) reconcile() (gone bool) {
	for _, n := range p.nodes {
		n.present = false
	}
	for _, agent := range p.Agents.Agents() {
		key := agentKey(agent)
		n := p.nodes[key]
		if n == nil {
			n = newNode(agent, time.Now())
			p.nodes[key], p.byName[n.state.Node] = n, n
		}
		n.present = true
		n.asked = n.asked && !n.isAnotherChance(agent)
		n.state.Agent = agent
	}
	inventory := p.Names.Inventory()
	for key, n := range p.nodes {
		n.asked = n.asked && n.present
		if !n.present && !slices.ContainsFunc(inventory.Nodes, func(o *hub.Node) bool { return o.Name == n.state.Node }) {
			delete(p.nodes, key)
			p.forgetName(n)
			gone = true
			p.Log.Info("node is gone", "node", n.state.Node)
		}
	}
	return gone
}

// pick returns the nodes that match, in a stable order.
func (p *Pipeline) pick(match func(*node) bool) []*node {
	var picked []*node
	for _, n := range p.nodes {
		if match(n) {
			picked = append(picked, n)
		}
	}
	slices.SortFunc(picked, func(a, b *node) int {
		return cmp.Or(cmp.Compare(a.state.Node, b.state.Node), cmp.Compare(a.state.Agent.URL, b.state.Agent.URL))
	})
	return picked
}

// ask asks the nodes' agents and takes what they answer before until; failed
// is called for each node without a new sample. If the hub stops meanwhile, a
// missing answer means nothing and is dropped.
func (p *Pipeline) ask(ctx context.Context, until time.Time, nodes []*node, failed func(*node, error)) {
	bounded, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	agents := make([]hub.Agent, len(nodes))
	for i, n := range nodes {
		n.asked = true
		agents[i] = n.state.Agent
	}
	inventory := sync.OnceValue(p.Names.Inventory) // as late as the first answer
	for i, result := range p.Scraper.Round(bounded, agents) {
		if ctx.Err() != nil {
			return
		}
		n := nodes[i]
		n.state.Identity = result.Identity
		p.change(n, func() {
			if err := p.take(n, &result, inventory()); err != nil {
				failed(n, err)
			}
		})
		p.Meter.Asked(&result)
	}
}

// take makes a sample the node's latest, and keeps it.
func (p *Pipeline) take(n *node, r *hub.Result, inventory *hub.Inventory) error {
	if r.Err != nil {
		return r.Err
	}
	if other := p.nodeNamed(r.Snapshot.Node); other != nil && other != n {
		r.Failure = hub.FailureConflict
		return fmt.Errorf("get %s: answers for node %q, as does the agent at %s",
			r.Agent.URL, r.Snapshot.Node, other.state.Agent.URL)
	}
	reading, err := n.compare(r.Snapshot)
	if err != nil {
		r.Failure = hub.FailureNotNewer
		return fmt.Errorf("get %s: %w", r.Agent.URL, err)
	}
	frame := p.Attribute(reading, inventory, p.now)
	p.rename(n, reading.Node)
	n.take(r, reading)
	if err := p.Store.Keep(frame); err != nil {
		p.Log.Error("frame not kept", "node", n.state.Node, "err", err)
		return nil
	}
	p.kept[frame.Node] = frame.Summands()
	p.keeps++
	n.stored(time.Now())
	return nil
}

// sum keeps the sums of the round as far as it is known, if they are others
// than those that were kept before. One that cannot be kept costs no other.
func (p *Pipeline) sum(view *hub.View) {
	if p.summed == p.keeps {
		return
	}
	var frames []*hub.Frame
	for _, node := range slices.Sorted(maps.Keys(p.kept)) { // floats add up the same each time
		frames = append(frames, p.kept[node])
	}
	var errs []error
	for _, sums := range p.Sum(view, frames) {
		errs = append(errs, p.Store.KeepSums(&sums))
	}
	if err := errors.Join(errs...); err != nil {
		p.Log.Error("sums not kept", "err", err)
	}
	p.summed = p.keeps
}

// nodeNamed returns the node that has this name: by what discover says, or by
// what the agent of a static address said last. One that is down has no claim to
// it: its machine may have another address now.
func (p *Pipeline) nodeNamed(name string) *node {
	if n := p.nodes[name]; n != nil {
		return n
	}
	if n := p.byName[name]; n != nil && (n.last == nil || n.missed < 2) {
		return n
	}
	return nil
}

// rename gives the node a name that is its own, or that one has which is down:
// that is then told by its address.
func (p *Pipeline) rename(n *node, name string) {
	before := p.byName[name]
	if before == n {
		return
	}
	p.forgetName(n)
	p.byName[name] = n
	if before != nil {
		before.state.Node = hostOf(before.state.Agent.URL)
		p.byName[before.state.Node] = before
	}
}

// forgetName makes the node's name free for another.
func (p *Pipeline) forgetName(n *node) {
	if p.byName[n.state.Node] == n {
		delete(p.byName, n.state.Node)
	}
}

func (p *Pipeline) missRound(n *node, err error) { n.miss(err, time.Now()) }

// change runs f and logs what it changed about the node's state.
func (p *Pipeline) change(n *node, f func()) {
	before := n.state.Status
	f()
	after := n.state.Status
	if before.State == after.State && before.Reason == after.Reason {
		return
	}
	level := slog.LevelInfo
	if after.Reason != "" {
		level = slog.LevelWarn
	}
	p.Log.Log(context.Background(), level, "node changed",
		"node", n.state.Node, "from", before.State, "to", after.State, "reason", after.Reason)
}

// publish replaces the View by one of the nodes as they are now. Their sums are
// kept first, so that the history of what the View shows goes as far.
func (p *Pipeline) publish() {
	p.number++
	round := &hub.Round{
		Number: p.number, Time: p.now,
		Interval: p.Interval, Window: p.Window, Started: p.started,
		Inventory: p.Names.Inventory(), Kept: p.Kept(), Replay: p.replayState(),
	}
	for _, n := range p.pick(func(*node) bool { return true }) {
		round.Nodes = append(round.Nodes, n.stateAt(p.began))
	}
	view := p.Answer(round)
	p.sum(view)
	p.view.Store(view)
	p.published.ring()
}
