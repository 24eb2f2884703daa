package daemon

import (
	"log/slog"
	"strings"
	"sync"
	"time"
)

// linesAMinute of what a server says of its peers get into the log: who breaks
// off handshakes by the thousand fills no disk.
const linesAMinute = 10

// sparing writes lines to a log, the first ones of each minute.
type sparing struct {
	log *slog.Logger

	mu     sync.Mutex // held to look at, or change, what is below it
	minute time.Time  // when it began
	lines  int        // in it, said or not
}

// Write says one line.
func (s *sparing) Write(line []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := time.Now(); s.minute.IsZero() || now.Sub(s.minute) >= time.Minute {
		if unsaid := s.lines - linesAMinute; unsaid > 0 {
			s.log.Warn("the server said more than is logged", "lines", unsaid, "since", s.minute)
		}
		s.minute, s.lines = now, 0
	}
	if s.lines++; s.lines <= linesAMinute {
		s.log.Warn("the server says", "line", strings.TrimSuffix(string(line), "\n"))
	}
	return len(line), nil
}
