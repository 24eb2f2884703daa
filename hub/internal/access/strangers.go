package access

import (
	"net"
	"net/netip"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/util/cache"
	"k8s.io/client-go/util/flowcontrol"
)

const (
	// onePerSecond and oneBurst bound the strangers of one address. They are few
	// beside what all may together, so that one address keeps no other out.
	onePerSecond = 5
	oneBurst     = 20
	// maxAddresses bounds of how many addresses it is known how often they came,
	// addressLife for how long.
	maxAddresses = 1024
	addressLife  = time.Minute
)

// strangers bounds how many tokens are looked at that nobody has vouched for,
// first by where they come from, and then all together.
type strangers struct {
	mu        sync.Mutex            // what is missing of addresses is made once
	addresses *cache.LRUExpireCache // a flowcontrol.PassiveRateLimiter by origin
	all       flowcontrol.PassiveRateLimiter
}

func newStrangers() *strangers {
	return &strangers{
		addresses: cache.NewLRUExpireCache(maxAddresses),
		all:       flowcontrol.NewTokenBucketPassiveRateLimiter(strangersPerSecond, strangersBurst),
	}
}

// admit reports whether one more from that address may be looked at.
func (s *strangers) admit(address string) bool {
	return s.of(origin(address)).TryAccept() && s.all.TryAccept()
}

func (s *strangers) of(origin string) flowcontrol.PassiveRateLimiter {
	s.mu.Lock()
	defer s.mu.Unlock()
	if value, ok := s.addresses.Get(origin); ok {
		if limiter, ok := value.(flowcontrol.PassiveRateLimiter); ok {
			return limiter
		}
	}
	limiter := flowcontrol.NewTokenBucketPassiveRateLimiter(onePerSecond, oneBurst)
	s.addresses.Add(origin, limiter, addressLife)
	return limiter
}

// origin is whom an address is of: an IPv4 address, or the /64 of an IPv6 one,
// of which one host may have all.
func origin(address string) string {
	host, _, _ := net.SplitHostPort(address)
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return host
	}
	ip = ip.Unmap().WithZone("")
	if ip.Is4() {
		return ip.String()
	}
	prefix, err := ip.Prefix(64)
	if err != nil {
		return ip.String()
	}
	return prefix.String()
}
