package hub

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/sanix-darker/s2c/cipher/hello"
	"github.com/sanix-darker/s2c/internal/queue"
	"github.com/sanix-darker/s2c/internal/transport"
	"github.com/sanix-darker/s2c/internal/wire"
)

// outLen is how much may wait for one member, by weight, besides a Peer message
// for each other member. When the hub starts again each of a session of 64 gets
// from each other a handshake of 2 and some boxes of 1: about 250 in all, and
// twice that is for a bad link. One who leaves more unread is disconnected, for
// a message lost would be a member unheard.
//
// With 64 Peer messages of 3 it is 704, so that no member takes more than 704
// KiB; a message that goes to all is held once.
const (
	outLen     = 512
	peerWeight = 3 // of a Hello and a Cert of the greatest length
)

// weight returns what a message counts for: 1, and 1 more for each KiB.
func weight(b []byte) int { return queue.Weight(b) }

// A member is one connection, from before it has joined; or, without one, the
// place of somebody whose connection is broken. See resume.go.
type member struct {
	// Set by newMember.
	hub    *Hub
	gate   *gate
	conn   transport.Conn // nil for a place without one
	joined chan struct{}  // closed by messageLoop
	done   chan struct{}  // closed by end
	outEnd chan struct{}  // closed by writeLoop
	replan *time.Timer    // tells planLoop; set under the session's mu
	wg     sync.WaitGroup

	// Set by join, resume and enter, before the session publishes the member.
	hello   []byte // until enter
	cert    []byte // until enter
	hash    hello.Hash
	who     hello.Fingerprint // whose key it is
	session *session          // set under the Hub's mu
	slot    uint16
	since   time.Time            // when it joined
	peer    []byte               // the Peer message that tells of this member
	queue   *queue.Queue[ticket] // what others have sent; set under the Hub's mu
	direct  transport.Direct     // conn, if it is one
	remote  string               // from where the place was taken; guarded by the Hub's mu
	token   [32]byte             // SHA-256 of what the member resumes its place with
	resumes bool                 // it knows how to
	absent  bool                 // this is a place without a connection

	// Owned by who calls Give.
	held ticket    // what it has taken out of queue
	runs []run     // of pictures that the path has no room for, at most one of each layer
	skip wire.Skip // to be given before that; none if its Count is 0

	// Replaced under the session's mu.
	looks atomic.Pointer[looks] // nil for a guest
	plan  atomic.Pointer[plan]

	// Guarded by the session's mu.
	planned time.Time            // when it was last worked out what to tell the member of its layers
	told    layers               // what it knows of them
	fresh   [wire.MaxLayers]bool // which need a key picture, besides

	// Owned by who calls Take.
	leftOut                  wire.Skip // voice packets of the member that nobody was sent; none if its Count is 0
	sendMeters               [queue.Classes]meter
	packetMeter, repairMeter meter // of what it asks for

	// Guarded by inMu, which is held while a message of the member has its effect.
	// Taken after the Hub's and before the session's.
	inMu                    sync.Mutex
	moved                   bool   // another connection has the place: nothing has an effect any more
	received                uint64 // messages that had one, over earlier connections too
	acked                   uint64 // of which the member was told
	messageMeter, chatMeter meter
	ackTimer                *time.Timer // tells planLoop to tell it

	returns meter // of connections that take over the place; guarded by the Hub's mu

	ring     ring // the voice and control that this member has sent lately
	pictures ring // the pictures, for longer: others ask for those that they lost
	counters

	// Guarded by mu.
	mu       sync.Mutex
	first    []byte      // Joined or Resumed; goes before everything else
	ack      *wire.Ack   // to be sent
	log      queue.Log   // messages for the member; shared, never modified
	last     *wire.Error // why the hub ends the connection; nil when the member does
	ending   bool
	writing  bool // writeLoop runs, or has failed
	lastSaid bool // last was sent
	left     bool // the member has said that it leaves
}

func newMember(h *Hub, g *gate, conn transport.Conn) *member {
	m := &member{
		hub: h, gate: g, conn: conn,
		joined:       make(chan struct{}),
		done:         make(chan struct{}),
		outEnd:       make(chan struct{}),
		replan:       time.NewTimer(0),
		ackTimer:     time.NewTimer(0),
		returns:      meter{interval: returnInterval, burst: returnBurst},
		told:         forGuests.layers,
		messageMeter: meter{interval: messageInterval, burst: messageBurst},
		chatMeter:    meter{interval: chatInterval, burst: chatBurst},
		packetMeter:  meter{interval: packetInterval, burst: packetBurst},
		repairMeter:  meter{interval: repairInterval, burst: repairBurst},
		pictures:     ring{keep: repairTime},
	}
	for c, l := range sendLimits {
		m.sendMeters[c] = meter{interval: l.interval, burst: l.burst}
	}
	m.replan.Stop()
	m.ackTimer.Stop()
	m.plan.Store(forGuests)
	return m
}

// enter gives m a slot in s.
func (m *member) enter(s *session, slot uint16, now time.Time) {
	m.session, m.slot, m.since = s, slot, now
	m.peer = wire.Peer{Slot: slot, Hello: m.hello, Cert: m.cert}.Append(nil)
	m.hello, m.cert = nil, nil // they are part of a buffer that is used again
	m.queue = queue.New[ticket](limits)
	m.setDirect()
}

func (m *member) setDirect() { m.direct, _ = m.conn.(transport.Direct) }

// greet has a message go to the member before any other.
func (m *member) greet(b []byte) {
	m.mu.Lock()
	m.first = b
	m.wakeWriter()
	m.mu.Unlock()
}

// watch ends the connection when the member does not join in time, and then
// runs planLoop. Once it ends, for whatever reason, watch takes the member out
// of its session or keeps its place, waits a little for its last messages to go,
// and closes it. It returns the place that is kept, nil if none is.
func (m *member) watch() (place *member) {
	late := time.NewTimer(joinTime)
	select {
	case <-m.done:
	case <-m.joined:
		late.Stop()
		m.planLoop()
	case <-late.C:
		m.end(refuse(wire.CodeSlow, "no request to join came within %v", joinTime))
	}
	late.Stop()
	<-m.done
	if place = m.hub.part(m); place == nil {
		m.hub.leave(m)
	}
	linger := time.NewTimer(lingerTime)
	defer linger.Stop()
	select {
	case <-m.outEnd:
	case <-linger.C:
	}
	if err := m.conn.Close(); err != nil {
		m.hub.config.Log.Debug("connection not closed", "remote", m.conn.Info().Remote, "err", err)
	}
	return place
}

// end makes the connection end, with e as its last message unless that is nil.
// Only the first call counts. Any goroutine may call it.
func (m *member) end(e *wire.Error) {
	m.mu.Lock()
	m.endLocked(e)
	m.mu.Unlock()
}

func (m *member) endLocked(e *wire.Error) {
	if m.ending {
		return
	}
	m.ending, m.last = true, e
	m.wakeWriter() // for the last word, and to say that it was
	close(m.done)
}

// quit is end because the member has said that it leaves.
func (m *member) quit() {
	m.mu.Lock()
	m.left = true
	m.endLocked(nil)
	m.mu.Unlock()
}

// endClosing is end because the hub shuts down.
func (m *member) endClosing() { m.end(refuse(wire.CodeClosing, "the hub is shutting down")) }

// ended reports whether the connection is to end.
func (m *member) ended() bool {
	select {
	case <-m.done:
		return true
	default:
		return false
	}
}

// why says why the connection has ended, for the log.
func (m *member) why() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.last != nil:
		return m.last.Text
	case m.left || !m.resumes:
		return "left"
	}
	return "lost"
}

// put appends a message for the member, which nobody may modify any more. It
// never waits: a member with too many is disconnected. They are kept for one
// whose connection is broken, but not for one who leaves.
func (m *member) put(b []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.ending && !m.keptLocked():
		return
	case m.log.Weight()+weight(b) > outLen+peerWeight*m.hub.config.PerSession:
		m.log = queue.Log{} // or the reason would come last
		e := refuse(wire.CodeSlow, "too many messages wait for this member")
		m.endLocked(e)
		m.last = e
		return
	}
	m.log.Append(b)
	m.wakeWriter()
}

// keptLocked reports whether the place of the member may be kept.
func (m *member) keptLocked() bool { return m.resumes && m.last == nil && !m.left }

// putAck tells the member how many of its messages have come.
func (m *member) putAck(n uint64) {
	m.mu.Lock()
	m.ack = &wire.Ack{Received: n}
	m.wakeWriter()
	m.mu.Unlock()
}

// wakeWriter starts writeLoop if there is a connection and it does not run. m.mu is
// held, and messageLoop has not ended.
func (m *member) wakeWriter() {
	if m.conn != nil && !m.writing {
		m.writing = true
		m.wg.Go(m.writeLoop)
	}
}

// next takes what goes to the member next. Without anything it returns nil, and
// writeLoop ends; for good if the connection is to end.
func (m *member) next() (b []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.first != nil:
		b, m.first = m.first, nil
		return b
	case m.ack != nil:
		b, m.ack = m.ack.Append(nil), nil
		return b
	}
	if b = m.log.Next(); b != nil {
		if !m.resumes {
			m.log.Ack(m.log.Sent()) // it will never ask for it again
		}
		return b
	}
	if m.last != nil && !m.lastSaid {
		m.lastSaid = true
		return m.last.Append(nil)
	}
	if m.ending {
		close(m.outEnd)
	} else {
		m.writing = false
	}
	return nil
}

// writeLoop sends the member's messages until there are none: a thousand members
// to whom nothing is to be said need no goroutine each. It leaves a broken
// connection to messageLoop, which may still receive what came before.
func (m *member) writeLoop() {
	for b := m.next(); b != nil; b = m.next() {
		if m.conn.SendMessage(b) != nil {
			close(m.outEnd)
			return
		}
	}
}
