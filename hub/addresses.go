package hub

import (
	"net/netip"
	"time"

	"github.com/sanix-darker/s2c/internal/wire"
)

// addresses bounds what comes from one address: an IPv4 host, or the /64 that an
// IPv6 host has to itself. A limit of 0 is none. The zero value has no limits. It
// is guarded by the Hub's mu.
type addresses struct {
	members int // at once
	joins   int // a minute, and so many at once
	known   map[netip.Addr]*address
}

// An address is what is known of one.
type address struct {
	members int
	joins   meter
}

// knownMost is how many addresses are remembered at least before those are
// forgotten of which nothing is to be remembered.
const knownMost = 1024

// enter counts somebody who joins from remote, "host:port", or says why not. leave
// must follow if it does not. What is no IP address is not limited.
func (a *addresses) enter(remote string, now time.Time) *wire.Error {
	at, ok := addressKey(remote)
	if !ok || a.members == 0 && a.joins == 0 {
		return nil
	}
	x := a.known[at]
	if x == nil {
		x = new(address)
		if a.joins > 0 {
			x.joins = meter{interval: time.Minute / time.Duration(a.joins), burst: a.joins}
		}
		a.forget(now)
		a.known[at] = x
	}
	switch {
	case a.members > 0 && x.members >= a.members:
		return refuse(wire.CodeTooMany, "%d members come from your address, and this hub takes no more from one", x.members)
	case a.joins > 0 && x.joins.take(now, 1) > 0:
		return refuse(wire.CodeTooMany, "too many have joined from your address; try again in a minute")
	}
	x.members++
	return nil
}

// leave takes back what enter counted of a member.
func (a *addresses) leave(remote string) {
	if at, ok := addressKey(remote); ok && a.known[at] != nil {
		a.known[at].members--
	}
}

// forget makes room for one more address when there are many: it forgets all that
// have no member and may join as often as one never seen.
func (a *addresses) forget(now time.Time) {
	if a.known == nil {
		a.known = make(map[netip.Addr]*address)
	}
	if len(a.known) < knownMost || len(a.known)&(len(a.known)-1) != 0 { // at 1,024, 2,048, 4,096, ...
		return
	}
	for at, x := range a.known {
		if x.members == 0 && !x.joins.next.After(now) {
			delete(a.known, at)
		}
	}
}

// addressKey returns what counts as one address.
func addressKey(remote string) (netip.Addr, bool) {
	ap, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.Addr{}, false
	}
	a := ap.Addr().Unmap().WithZone("")
	if a.Is4() {
		return a, true
	}
	p, err := a.Prefix(64)
	return p.Addr(), err == nil
}
