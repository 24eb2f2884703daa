// Package pipeline is the hub's only loop: every interval it asks all agents,
// works out what was used, keeps it, and publishes the result.
//
//	Agents ─▶ Scraper ─▶ delta ─▶ Attribute ─▶ Store
//	                                  └─▶ hub.Round ─▶ Answer ─▶ View ─▶ Sum ─▶ Store
//
// Run owns all state but the published View, which is replaced whole and never
// changed; readers take it without a lock. All samples of a round carry the
// round's time. A round never waits for a node that is known to be bad: those
// that answered last time are asked and published first, then the others. A
// node that appears between two rounds is asked at once, and once more shortly
// after, so that it has rates early; its samples are filed under the current
// round. A round that is due while another is under way is skipped.
//
// A node misses a round when it gives no new sample in it. After one it is
// stale and its last sample is still shown; after two it is down and nothing
// is shown. A gap stays a gap: no value is repeated. A node that has neither an
// agent nor an object in the API server leaves the View at once; its history is
// the Store's.
//
// After the second round the rounds before the first are filled in, as far as
// agents kept snapshots of that time; see replay.go. That is the only other
// goroutine, and it waits while a round is worked out.
//
// A node's availability is the share of the window's rounds that the Store has a
// sample of. Expected are all rounds since the node had an agent, those that
// were skipped and those after its agent went as well; a hub that starts anew
// begins anew, and what is filled in counts as neither.
package pipeline

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kubemon/kubemon/hub"
)

// Agents is what the pipeline needs of discover.
type Agents interface {
	// Agents returns the agents that there are now.
	Agents() []hub.Agent
	// Changed hints that Agents has a new answer; nil if it never changes.
	Changed() <-chan struct{}
}

// A Scraper asks each agent once, and yields what each answers with its place
// in the list, in any order; scrape's does.
type Scraper interface {
	Round(context.Context, []hub.Agent) iter.Seq2[int, hub.Result]
}

// A Store keeps frames and sums; window's does.
type Store interface {
	Keep(*hub.Frame) error
	KeepSums(*hub.Sums) error
}

// Names is what the pipeline needs of inventory.
type Names interface {
	Inventory() *hub.Inventory
}

// A Meter is told how asking went; metricsapi's does.
type Meter interface {
	// Round is told of each round how long it took, and how many before it were
	// skipped.
	Round(took time.Duration, skipped int)
	// Asked is told of each answer, after it was judged.
	Asked(*hub.Result)
}

// unmetered is the Meter of those who gave none.
type unmetered struct{}

func (unmetered) Round(time.Duration, int) {}
func (unmetered) Asked(*hub.Result)        {}

// Config has the pipeline's parts; all but the Meter, Past and Named are
// required.
type Config struct {
	Agents  Agents
	Scraper Scraper
	Names   Names
	Store   Store
	// Attribute, Sum and Answer are aggregate's.
	Attribute func(*hub.Reading, *hub.Inventory, time.Time) *hub.Frame
	Sum       func(*hub.View, []*hub.Frame) []hub.Sums
	Answer    func(*hub.Round) *hub.View
	// Kept says how much the Store holds.
	Kept  func() hub.WindowStatus
	Meter Meter
	// Past is asked once for the time before the hub; without it the window
	// begins with the first round. Named returns nil once the pods that there
	// are have their names; without it they have.
	Past  Past
	Named func() error
	// Interval is the time between rounds, Window how long frames are kept.
	Interval, Window time.Duration
	Log              *slog.Logger
}

// A Pipeline is the loop and what it last published.
type Pipeline struct {
	Config
	view atomic.Pointer[hub.View]
	// published rings when view has changed.
	published bell
	pulse     atomic.Pointer[time.Time] // when a round last began
	replayed  atomic.Pointer[hub.Replay]
	// turn has a value unless a round, or the replay, is at work.
	turn       chan struct{}
	background sync.WaitGroup // of the replay

	// Owned by Run.
	started time.Time
	line    timeline
	nodes   map[string]*node // by agentKey
	byName  map[string]*node // by the name that is shown
	number  uint64           // of publications
	// now is the current round's time, began when it began by the hub's clock.
	now, began time.Time
	// kept are the round's frames that the Store has, by node; summed is how
	// many Keeps of this round are in the sums that the Store has, -1 before it
	// has any.
	kept          map[string]*hub.Frame
	keeps, summed int
	// answered is in how many rounds a node did, up to the one in which the
	// replay began.
	answered  int
	replaying bool
}

// New returns a Pipeline that does nothing before Run.
func New(c Config) *Pipeline {
	if c.Meter == nil {
		c.Meter = unmetered{}
	}
	p := &Pipeline{Config: c, nodes: make(map[string]*node), byName: make(map[string]*node), turn: make(chan struct{}, 1)}
	p.turn <- struct{}{}
	return p
}

// View returns the latest answers, or hub.ErrNotReady before the first round
// has been published.
func (p *Pipeline) View() (*hub.View, error) {
	if v := p.view.Load(); v != nil {
		return v, nil
	}
	return nil, fmt.Errorf("%w: the first round is under way", hub.ErrNotReady)
}

// Live returns an error if no round has begun for three intervals: the loop
// hangs. Slow or dead nodes cannot cause this, as rounds are bounded.
func (p *Pipeline) Live() error {
	began := p.pulse.Load()
	if began == nil {
		return fmt.Errorf("%w: no round has begun", hub.ErrNotReady)
	}
	if age := time.Since(*began); age > 3*p.Interval {
		return fmt.Errorf("the last round began %s ago; the interval is %s", age.Round(time.Second), p.Interval)
	}
	return nil
}

// Run makes a round at once and then one each interval, until ctx is done.
func (p *Pipeline) Run(ctx context.Context) {
	p.started = time.Now()
	p.line = timeline{start: p.started.Round(0), interval: p.Interval}
	defer p.background.Wait()
	slot := 0 // the number of whole intervals since the start
	for skipped := 0; ctx.Err() == nil; {
		next := p.started.Add(time.Duration(slot+1) * p.Interval)
		p.expect(skipped)
		p.round(ctx, slot, next)
		p.Meter.Round(time.Since(p.began), skipped)
		p.beginReplay(ctx, slot)
		p.rest(ctx, next)
		due := slot + 1
		slot = int(time.Since(p.started) / p.Interval)
		if skipped = max(0, slot-due); skipped > 0 {
			p.Log.Warn("rounds skipped: the one before took too long", "skipped", skipped)
		}
	}
}

// soonAfter is when a newcomer is asked again, for its first answer or for its
// second: late enough for a rate that says something, much sooner than the next
// round.
const soonAfter = 2 * time.Second

// rest waits for the next round. Newcomers are asked as they come.
func (p *Pipeline) rest(ctx context.Context, next time.Time) {
	due := time.NewTimer(time.Until(next))
	defer due.Stop()
	again := p.again(next)
	for {
		select {
		case <-ctx.Done():
			return
		case <-due.C:
			return
		case <-p.Agents.Changed():
			gone := p.reconcile()
			if !p.visit(ctx, next, p.pick((*node).isNew)) && gone {
				p.publish() // what is gone is not shown until the next round
			}
			again = p.again(next)
		case <-again:
			p.visit(ctx, next, p.pick((*node).isUnsettled))
			again = p.again(next)
		}
	}
}

// again is a timer for those who are asked again, nil if nobody is or the next
// round comes soon enough.
func (p *Pipeline) again(next time.Time) <-chan time.Time {
	if time.Until(next) < 2*soonAfter || len(p.pick((*node).isUnsettled)) == 0 {
		return nil
	}
	return time.After(soonAfter)
}
