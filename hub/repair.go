package hub

import (
	"time"

	"github.com/sanix-darker/s2c/internal/queue"
	"github.com/sanix-darker/s2c/internal/transport"
	"github.com/sanix-darker/s2c/internal/wire"
)

// repairTime is how long the hub remembers pictures for those who lost one. A
// member asks for half a second; the rest is for the way of the request. It
// costs whoever sends 30 pictures a second of one packet 40 KB, 60 of them 80.
const repairTime = time.Second

// A member is sent so many packets again at once and then one each interval.
// It is what one in a session of 33 asks for who loses a third of 30 pictures a
// second, three times each, and bounds what a hostile one has the hub send to
// itself.
const (
	repairBurst    = 256
	repairInterval = time.Millisecond
)

// repair queues again for the member what it asks for in the Nack b: packets
// with pictures that another one in the session has sent while it was there,
// and at whom it looks. They may be of any layer, as one who has just got
// another may miss something of the one before; it could read them all.
// They are sealed for it already and the same bytes go out, so there is no
// nonce to be used twice; a member who got them before drops them.
func (m *member) repair(b []byte, now time.Time, turn *transport.Turn) {
	n, err := wire.ParseNack(b)
	if err != nil {
		m.drops[dropMalformed].Add(1)
		return
	}
	count := n.Count()
	if m.repairMeter.take(now, count) > 0 {
		m.drops[dropNackFlood].Add(uint64(count))
		return
	}
	o := m.session.at(n.KID.Slot())
	if o == nil || o == m {
		m.drops[dropNackStranger].Add(uint64(count))
		return
	}
	if !m.looksAt(o, now) {
		m.drops[dropNackUnseen].Add(uint64(count))
		return
	}
	sent := 0
	for _, number := range o.pictures.find(n, m.since) {
		if number != 0 {
			m.queue.Push(queue.Video, ticket{&o.pictures, number}, now)
			sent++
		}
	}
	if sent > 0 {
		m.wake(turn)
	}
	m.resent.Add(uint64(sent))
	m.drops[dropNackExpired].Add(uint64(count - sent))
}

// looksAt reports whether the member is sent o's pictures, or may have been
// sent those that the hub remembers, as its Watch is a newer one.
func (m *member) looksAt(o *member, now time.Time) bool {
	l := m.looks.Load()
	if l == nil || now.Sub(l.since) < repairTime {
		return true
	}
	_, ok := lookup(l.views, o.slot)
	return ok
}
