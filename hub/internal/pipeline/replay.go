package pipeline

import (
	"context"
	"errors"
	"maps"
	"time"

	"github.com/kubemon/kubemon/hub"
)

// A Past asks agents for the snapshots that they kept; scrape's does.
type Past interface {
	Past(context.Context, []hub.PastQuery) []hub.Past
}

const (
	// passRounds is how many past rounds are filled at a time: what agents kept
	// of them is held meanwhile, for all nodes.
	passRounds = 10
	// passWork is how many bytes the snapshots of a pass may have that a node's
	// agent sends: what the biggest real node has, sampled ten times as often as
	// the rounds are.
	passWork = 128 << 20
	// namesRounds is for how many rounds a replay waits for the pods' names.
	namesRounds = 6
)

// A replay fills the rounds before the hub's first with what agents kept: a few
// rounds at a time, the latest first. What is filled goes the way of every
// round, from delta to the Store, but is neither published nor counted as
// asked. A round of the hub's own is never touched.
type replay struct {
	*Config
	// turn has one value: whoever took it works. A round takes it until it is
	// published, the replay for one node at a time.
	turn chan struct{}
	// line is the hub's own as it began: slot 0 is the first round, and those
	// before it have negative ones.
	line  timeline
	nodes []*pastNode
	// samples counts those of each round that was filled.
	samples map[time.Time]int
	done    hub.Replay
	// report is given what is done, after each pass.
	report func(hub.Replay)
}

// beginReplay starts the replay after the second round: by then the agents have
// answered. It waits some rounds more if there is no node or pods lack names.
func (p *Pipeline) beginReplay(ctx context.Context, slot int) {
	if p.Past == nil || p.replaying || slot == 0 {
		return
	}
	nodes := p.pick(func(n *node) bool { return n.last != nil && n.missed == 0 })
	if len(nodes) == 0 {
		return
	}
	if p.answered++; p.Named != nil && p.Named() != nil && p.answered <= namesRounds {
		return
	}
	p.replaying = true
	r := &replay{
		Config: &p.Config, turn: p.turn, line: timeline{start: p.line.start, interval: p.Interval},
		samples: make(map[time.Time]int), done: hub.Replay{Failures: map[string]string{}},
		report: func(done hub.Replay) { p.replayed.Store(&done) },
	}
	for _, n := range nodes {
		r.nodes = append(r.nodes, newPastNode(n, p.started))
	}
	p.background.Go(func() { r.run(ctx, p.rounds()) })
}

// replayState is what the published rounds say of the replay.
func (p *Pipeline) replayState() hub.Replay {
	if done := p.replayed.Load(); done != nil {
		return *done
	}
	if p.Past == nil {
		return hub.Replay{State: hub.ReplayOff}
	}
	return hub.Replay{State: hub.ReplayWaiting}
}

// run fills up to so many rounds. It ends early where no agent knows anything,
// or where the Store has no room for more.
func (r *replay) run(ctx context.Context, rounds int) {
	started := time.Now()
	r.publish(hub.ReplayRunning)
	for newest := -1; newest >= -rounds && ctx.Err() == nil; newest -= passRounds {
		oldest := max(newest-passRounds+1, -rounds)
		if !r.fetch(ctx, oldest, newest) {
			break
		}
		for slot := oldest; slot <= newest; slot++ {
			if n := r.fill(ctx, slot); n > 0 {
				r.samples[r.line.slotTime(slot)] = n
			}
		}
		full := r.count()
		r.publish(hub.ReplayRunning)
		if full {
			break
		}
	}
	for _, n := range r.nodes {
		n.history = nil
	}
	if ctx.Err() != nil {
		return
	}
	r.publish(hub.ReplayDone)
	r.Log.Info("rounds before the start filled in from what agents kept", "rounds", r.done.Rounds,
		"samples", r.done.Samples, "failures", len(r.done.Failures), "took", time.Since(started).Round(time.Millisecond))
}

func (r *replay) publish(state string) {
	r.done.State = state
	done := r.done
	done.Failures = maps.Clone(r.done.Failures)
	r.report(done)
}

// fetch asks all agents for what they kept of some rounds, and reports whether
// any kept something.
func (r *replay) fetch(ctx context.Context, oldest, newest int) (any bool) {
	var asked []*pastNode
	var queries []hub.PastQuery
	for _, n := range r.nodes {
		n.history, n.picks = nil, nil
		if !n.failed {
			asked = append(asked, n)
			queries = append(queries, n.query(oldest, newest, r.Interval))
		}
	}
	for i, past := range r.Past.Past(ctx, queries) {
		n := asked[i]
		switch {
		case ctx.Err() != nil:
			return false
		case past.Err != nil:
			r.fail(n, past.Err)
		case past.History != nil:
			n.assign(past.History, oldest, newest, r.Interval)
			any = any || len(n.picks) > 0
		}
	}
	return any
}

// fail gives up on what a node's agent kept.
func (r *replay) fail(n *pastNode, err error) {
	n.failed, n.history, n.picks = true, nil, nil
	r.done.Failures[n.name] = err.Error()
	r.Log.Warn("what an agent kept is not used", "node", n.name, "err", err)
}

// count takes stock of the filled rounds that the Store still has, and reports
// whether it is full: it drops the oldest first, so what is older is not kept.
func (r *replay) count() (full bool) {
	dropped := r.Kept().DroppedBefore
	r.done.Rounds, r.done.Samples, r.done.From = 0, 0, time.Time{}
	for at, n := range r.samples {
		if at.Before(dropped) {
			full = true
			continue
		}
		r.done.Rounds++
		r.done.Samples += n
		if r.done.From.IsZero() || at.Before(r.done.From) {
			r.done.From = at
		}
	}
	return full
}

// fill keeps the frames of all nodes and the sums of one past round, and returns
// how many nodes it has.
func (r *replay) fill(ctx context.Context, slot int) int {
	at := r.line.slotTime(slot)
	inventory := r.Names.Inventory()
	running := whileRunning(inventory)
	var frames []*hub.Frame
	for _, n := range r.nodes {
		n.state = hub.StateDown
		reading := r.reading(n, slot) // before the turn: what an agent sends decides how long it takes
		if reading == nil {
			continue
		}
		if !r.take(ctx) {
			return 0
		}
		if frame := r.keep(n, reading, at, running); frame != nil {
			frames = append(frames, frame)
		}
		r.turn <- struct{}{}
	}
	if len(frames) == 0 {
		return 0
	}
	sums := r.sums(at, inventory, frames)
	if !r.take(ctx) {
		return 0
	}
	r.keepSums(sums)
	r.turn <- struct{}{}
	return len(frames)
}

// take waits for the replay's turn, false if the hub stops first.
func (r *replay) take(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return false
	case <-r.turn:
		return true
	}
}

// reading is the node's of the round, nil if there is none.
func (r *replay) reading(n *pastNode, slot int) *hub.Reading {
	reading, err := n.reading(slot)
	if err != nil {
		r.fail(n, err)
		return nil
	}
	return reading
}

// keep keeps and returns the frame of a node's reading, nil if it cannot be
// kept.
func (r *replay) keep(n *pastNode, reading *hub.Reading, at time.Time, inventory *hub.Inventory) *hub.Frame {
	frame := r.Attribute(reading, inventory, at)
	if err := r.Store.Keep(frame); err != nil {
		r.Log.Error("frame not kept", "node", n.name, "err", err)
		return nil
	}
	n.state = stateOf(reading)
	return frame
}

// sums are those of the round's frames. How many parts there were is what the
// inventory has of that time.
func (r *replay) sums(at time.Time, inventory *hub.Inventory, frames []*hub.Frame) []hub.Sums {
	round := &hub.Round{Time: at, Interval: r.Interval, Window: r.Window, Inventory: asOf(inventory, at)}
	for _, n := range r.nodes {
		round.Nodes = append(round.Nodes, hub.NodeState{Node: n.name, Status: hub.Status{State: n.state}})
	}
	return r.Sum(r.Answer(round), frames)
}

func (r *replay) keepSums(list []hub.Sums) {
	var errs []error
	for i := range list {
		errs = append(errs, r.Store.KeepSums(&list[i]))
	}
	if err := errors.Join(errs...); err != nil {
		r.Log.Error("sums not kept", "err", err)
	}
}

// whileRunning is the inventory with no pod ended: those that have were running
// in the past rounds in which they used something.
func whileRunning(inv *hub.Inventory) *hub.Inventory {
	pods := make([]*hub.Pod, len(inv.Pods))
	for i, pod := range inv.Pods {
		pods[i] = new(*pod)
		pods[i].Phase = ""
	}
	return hub.NewInventory(pods, inv.Nodes, inv.Namespaces, inv.Workloads, inv.Connection)
}

// asOf is what of the inventory was there at that time. What is gone since then
// is not known.
func asOf(inv *hub.Inventory, at time.Time) *hub.Inventory {
	var pods []*hub.Pod
	for _, pod := range inv.Pods {
		if !pod.Created.After(at) {
			pods = append(pods, pod)
		}
	}
	var nodes []*hub.Node
	for _, node := range inv.Nodes {
		if !node.Created.After(at) {
			nodes = append(nodes, node)
		}
	}
	return hub.NewInventory(pods, nodes, inv.Namespaces, inv.Workloads, inv.Connection)
}
