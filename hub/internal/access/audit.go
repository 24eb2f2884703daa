package access

import (
	"context"
	"log/slog"
	"sync/atomic"

	"k8s.io/client-go/util/flowcontrol"
)

// logsPerSecond and logsBurst bound what strangers can have the hub write.
const (
	logsPerSecond = 1
	logsBurst     = 20
)

// An audit is a log that a flood does not fill.
type audit struct {
	log     *slog.Logger
	limiter flowcontrol.PassiveRateLimiter
	unsaid  atomic.Int64 // since the last that was written
}

func newAudit(log *slog.Logger) *audit {
	return &audit{log: log, limiter: flowcontrol.NewTokenBucketPassiveRateLimiter(logsPerSecond, logsBurst)}
}

// write logs, or counts what it leaves out and says so with the next.
func (a *audit) write(ctx context.Context, level slog.Level, message string, args ...any) {
	if !a.limiter.TryAccept() {
		a.unsaid.Add(1)
		return
	}
	if unsaid := a.unsaid.Swap(0); unsaid > 0 {
		args = append(args, "unsaid", unsaid)
	}
	a.log.Log(ctx, level, message, args...)
}
