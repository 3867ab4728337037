package hub

import (
	"time"

	"github.com/sanix-darker/s2c/internal/queue"
	"github.com/sanix-darker/s2c/internal/transport"
	"github.com/sanix-darker/s2c/internal/wire"
)

// A member asks for lost packets so many times at once and then one time each
// interval; further requests are dropped.
const (
	packetBurst    = 1000
	packetInterval = time.Second / 1000
)

// A sendLimit is how many packets of a class a member sends at once, and how long
// after each the next one may follow; further ones are dropped.
type sendLimit struct {
	burst    int
	interval time.Duration
}

// sendLimits are at least twice what a member of a call sends, so that only a broken
// or hostile one meets them: 100 packets of voice a second, and some 170 with pictures
// of all three sizes. Of control it may have more to say for a moment, to each of 63
// others at whose pictures it looks, and says it again.
//
// Each burst is less than what may wait for a receiver: one member alone never pushes
// out what others have sent, whatever it sends at once.
var sendLimits = [queue.Classes]sendLimit{
	queue.Control: {64, time.Second / 200},
	queue.Voice:   {64, time.Second / 200},
	queue.Video:   {128, time.Second / 600},
}

// limits bound what waits for one member, who may be on a slow TLS path. The
// ages are what a jitter buffer and an eye can still use. The lengths are what
// nine others send in that time: 90 of 50 voice packets a second each, 162 of
// 20 pictures a second of three packets. In a larger session with everybody
// talking at once the lengths bound the wait before the ages do. Control is
// rare, but somebody may ask everybody at once for pictures; only what a newer
// heartbeat has replaced is too old.
var limits = [queue.Classes]queue.Limit{
	queue.Control: {Len: 96, MaxAge: time.Second},
	queue.Voice:   {Len: 96, MaxAge: 200 * time.Millisecond},
	queue.Video:   {Len: 192, MaxAge: ringTime},
}

// Take implements transport.Peer: it forwards a packet of the member.
func (m *member) Take(b []byte, now time.Time, t *transport.Turn) { m.forward(b, now, t) }

// recvLoop forwards the packets of the member until its connection ends.
func (m *member) recvLoop() {
	var b [wire.MaxDatagram]byte
	for {
		n, err := m.conn.RecvDatagram(b[:])
		if err != nil {
			return // messageLoop learns of it too, after the last message
		}
		m.forward(b[:n], time.Now(), nil)
	}
}

// forward queues a packet for all others in the session, one with pictures for
// those of them who get its layer, or does what the member asks the hub itself
// for.
//
// A packet from before the member heard of other layers goes to those who are
// to get the layer of its number now; whoever cannot use it drops it.
func (m *member) forward(b []byte, now time.Time, turn *transport.Turn) {
	m.packets.Add(1)
	m.bytes.Add(uint64(len(b)))
	p, err := wire.ParsePacket(b)
	switch {
	case wire.IsNack(b):
		if m.packetMeter.take(now, 1) > 0 {
			m.drops[dropFlood].Add(1)
			return
		}
		m.repair(b, now, turn)
		return
	case err != nil || pictures(p) && p.Clear.Layer() >= wire.MaxLayers:
		m.drops[dropMalformed].Add(1)
		return
	case p.KID.Slot() != m.slot:
		m.drops[dropForged].Add(1)
		return
	case m.sendMeters[class(p.Clear.Kind())].take(now, 1) > 0:
		m.drops[dropFlood].Add(1)
		return
	}
	members := *m.session.members.Load()
	if len(members) < 2 {
		return // and spare the memory of the ring
	}
	if p.Clear.Kind() == wire.KindVoice && !m.hasFloor(p, members, now, turn) {
		return
	}
	if !pictures(p) {
		m.push(members, ticket{&m.ring, m.ring.put(b, p, now)}, class(p.Clear.Kind()), now, turn)
		return
	}
	to, guests := m.audience(p.Clear.Layer())
	if len(to) == 0 && !others(guests, m) {
		m.drops[dropUnseen].Add(1)
		return // and spare the memory of the ring
	}
	t := ticket{&m.pictures, m.pictures.put(b, p, now)}
	m.push(to, t, queue.Video, now, turn)
	m.push(guests, t, queue.Video, now, turn)
}

// pictures reports whether p carries pictures, of which not everybody gets all.
func pictures(p wire.Packet) bool { return class(p.Clear.Kind()) == queue.Video }

// audience returns who get a layer of the member's pictures: those who have
// named it in a Watch, and, with the member itself, those who get everybody's.
func (m *member) audience(layer uint8) (named, guests []*member) {
	named = m.plan.Load().to[layer]
	if layer == 0 {
		guests = *m.session.guests.Load()
	}
	return named, guests
}

// push queues a packet for all of to but the member itself.
func (m *member) push(to []*member, t ticket, c queue.Class, now time.Time, turn *transport.Turn) {
	for _, o := range to {
		if o != m {
			o.queue.Push(c, t, now)
			o.wake(turn)
		}
	}
}

// wake has what waits for the member sent, at the end of a turn if there is one.
func (m *member) wake(turn *transport.Turn) {
	if m.direct != nil {
		m.direct.Wake(turn)
	}
}

// Give implements transport.Peer: it takes what has waited longest of the most
// urgent kind.
func (m *member) Give(b []byte, now time.Time) (n int, more bool) {
	for {
		if m.skip.Count > 0 {
			n := m.giveSkip(b)
			return n, n == 0
		}
		t := m.held
		held := t.ring != nil
		if !held {
			var ok bool
			if t, ok = m.queue.Pop(now); !ok {
				return 0, false
			}
		}
		m.held = ticket{}
		f, ok := t.ring.get(t.number, b)
		switch {
		case !ok:
			m.drops[dropExpired].Add(1)
		case !held && m.direct != nil && !m.allows(f, now): // what is held was
		case m.skip.Count > 0: // that goes first
			m.held = t
		case f.n > len(b):
			m.held = t
			return 0, true
		default:
			m.forwarded.Add(1)
			return f.n, false
		}
	}
}

// class returns what a packet of kind k competes with.
func class(k wire.Kind) queue.Class {
	switch k {
	case wire.KindControl:
		return queue.Control
	case wire.KindVoice:
		return queue.Voice
	default:
		return queue.Video
	}
}

// sendLoop sends the member what others have sent, until the connection ends.
// Sending may wait for this member only: the rest of the queue ages meanwhile,
// and the most urgent of what is left goes next.
func (m *member) sendLoop() {
	var b [wire.MaxDatagram]byte
	for {
		select {
		case <-m.done:
			return
		case <-m.queue.Ready():
			if m.sendWaiting(b[:]) != nil {
				return // messageLoop learns of it too
			}
		}
	}
}

// sendWaiting sends what waits for the member. b is scratch space.
func (m *member) sendWaiting(b []byte) error {
	for {
		n, _ := m.Give(b, time.Now())
		if n == 0 {
			return nil
		}
		if err := m.conn.SendDatagram(b[:n]); err != nil {
			return err
		}
	}
}

// A meter lets a burst of events happen at once and then one each interval.
type meter struct {
	interval time.Duration
	burst    int
	next     time.Time // when the events so far would have happened, one each interval
}

// halve has the events of half a burst happened at time now.
func (m *meter) halve(now time.Time) {
	m.next = now.Add(time.Duration(m.burst/2) * m.interval)
}

// take returns 0 for an event that counts for n and may happen now, otherwise
// how long it would have to wait. n is at most the burst.
func (m *meter) take(now time.Time, n int) time.Duration {
	if m.next.Before(now) {
		m.next = now
	}
	if wait := m.next.Sub(now) - time.Duration(m.burst-n)*m.interval; wait > 0 {
		return wait
	}
	m.next = m.next.Add(time.Duration(n) * m.interval)
	return 0
}
