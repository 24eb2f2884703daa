package rest

import "sync"

// subscribers count who is told of the rounds. Each reader has a bound of his
// own, as a connection that is open costs him nothing, and all have one together.
type subscribers struct {
	mu  sync.Mutex
	all int
	of  map[string]int // by the key of each reader who is known
}

// enter is refused if there are too many. Without an error, leave makes room
// again.
func (s *subscribers) enter(reader string, known bool) (leave func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case known && s.of[reader] >= maxOfOneReader:
		return nil, busy("you are told of the rounds %d times, and no more is for one reader; ask for answers instead", s.of[reader])
	case s.all >= maxSubscribers:
		return nil, busy("%d clients are told of the rounds, and no more can be; ask for answers instead", s.all)
	}
	s.all++
	if known {
		s.of[reader]++
	}
	return func() { s.leave(reader, known) }, nil
}

func (s *subscribers) leave(reader string, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all--
	if !known {
		return
	}
	if s.of[reader]--; s.of[reader] == 0 {
		delete(s.of, reader)
	}
}
