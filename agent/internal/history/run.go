package history

import (
	"context"
	"log/slog"
	"time"
)

// Run has a snapshot taken each interval in which none was offered, until ctx is
// done; take reads the node and gives what it reads to Keep. Run waits a quarter
// of an interval longer for a snapshot that is about to be offered: a hub that
// asks each interval is never quite on time. After a reading that took an interval
// or longer it leaves the node alone for one.
func (h *History) Run(ctx context.Context, log *slog.Logger, take func(context.Context) error) {
	interval := h.options.Interval
	due := time.Now().Add(interval + interval/4)
	timer := time.NewTimer(time.Until(due))
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-h.offered:
			due = time.Now().Add(interval + interval/4)
		case <-timer.C:
			if err := take(ctx); err != nil && ctx.Err() == nil {
				log.Error("history has a gap", "err", err)
			}
			if due = due.Add(interval); !due.After(time.Now()) {
				due = time.Now().Add(interval)
			}
		}
		timer.Reset(time.Until(due))
	}
}
