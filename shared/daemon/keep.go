package daemon

import (
	"context"
	"time"
)

// maxKept is how many connections are kept of one owner.
const maxKept = 16

// KeepConnection says that the sender of the request whose context this is is
// known: his connection is not closed to make room for another. It does nothing
// in a server without a limit. It is for servers that know few senders.
func KeepConnection(request context.Context) { KeepConnectionOf(request, "") }

// KeepConnectionOf is KeepConnection for servers that know many. owner is who the
// sender is: of each the sixteen connections are kept that were used last, and
// if all that there are are kept, who has most of them makes room with the one
// that was not used for longest.
func KeepConnectionOf(request context.Context, owner string) {
	if c, ok := request.Value(connectionKey{}).(*connection); ok {
		c.among.keep(c, owner)
	}
}

func (l *connections) keep(c *connection, owner string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c.used = time.Now()
	if c.kept && c.owner == owner {
		return
	}
	c.kept, c.owner = true, owner
	if oldest, count := l.leastUsed(owner); owner != "" && count > maxKept {
		oldest.kept = false
	}
}

// leastUsed returns of the connections that are kept of an owner the one that was
// not used for longest, nil if there is none, and how many there are. It is
// called with mu held, as is ofGreatestOwner.
func (l *connections) leastUsed(owner string) (oldest *connection, count int) {
	for c := range l.each() {
		if !c.kept || c.owner != owner {
			continue
		}
		if count++; oldest == nil || c.used.Before(oldest.used) {
			oldest = c
		}
	}
	return oldest, count
}

// ofGreatestOwner returns the least used connection of the owner of whom most are
// kept; nil if nobody has two.
func (l *connections) ofGreatestOwner() *connection {
	kept := make(map[string]int)
	greatest, most := "", 1
	for c := range l.each() {
		if !c.kept || c.owner == "" {
			continue
		}
		if kept[c.owner]++; kept[c.owner] > most {
			greatest, most = c.owner, kept[c.owner]
		}
	}
	if most == 1 {
		return nil
	}
	c, _ := l.leastUsed(greatest)
	return c
}
