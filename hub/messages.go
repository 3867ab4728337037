package hub

import (
	"time"

	"github.com/sanix-darker/s2c/internal/wire"
)

// A member sends messages of so much weight at once, then of 1 each interval,
// and otherwise waits. Letting 63 others in takes 126, a change of keys 63. It
// bounds what one can do to the links of others: to 256 KiB at once and 100
// KiB/s, and as a burst is half of outLen, one member alone cannot get another
// disconnected who reads.
const (
	messageBurst    = outLen / 2
	messageInterval = 10 * time.Millisecond
)

// The same for reliable packets, each of which goes to everybody: what a person
// types, and a paste of some lines.
const (
	chatBurst    = 8
	chatInterval = 500 * time.Millisecond
)

// streamChat is the stream of reliable packets in a KID. A test compares it
// with package sframe, which this package may not import.
const streamChat = 4

// messageLoop lets the member join, or come back, and relays its messages. It
// returns what to tell the member before hanging up, nil when the connection has
// ended by itself.
func (m *member) messageLoop() *wire.Error {
	b, err := m.conn.RecvMessage(nil)
	if err != nil || m.ended() {
		return nil
	}
	if e := m.begin(b); e != nil {
		m.hub.config.Log.Info("member refused", "code", int(e.Code), "why", e.Text)
		m.hub.config.Log.Debug("member refused", "remote", m.conn.Info().Remote)
		return e
	}
	if m.session == nil {
		return nil // it waited to come back, and the connection ended
	}
	b = nil // it was long; those that follow rarely are
	close(m.joined)
	if m.direct != nil {
		m.direct.Serve(m)
		m.direct.Wake(nil) // for what came meanwhile
	} else {
		m.wg.Go(m.recvLoop)
		m.wg.Go(m.sendLoop)
	}
	for {
		if b, err = m.conn.RecvMessage(b); err != nil || m.ended() || !m.pace(&m.messageMeter, weight(b)) {
			return nil
		}
		if leave, e := m.handle(b, time.Now()); leave || e != nil {
			if leave {
				m.quit()
			}
			return e
		}
	}
}

// begin handles the first message.
func (m *member) begin(b []byte) *wire.Error {
	msg, err := wire.ParseMessage(b)
	if err != nil {
		return refuse(wire.CodeProtocol, "malformed message")
	}
	what := "joined"
	switch msg := msg.(type) {
	case wire.Join:
		err := m.join(msg, time.Now())
		if err != nil {
			return err
		}
	case wire.Resume:
		what = "is back"
		if e := m.comeBack(msg); e != nil || m.session == nil {
			return e
		}
	default:
		return refuse(wire.CodeProtocol, "the first message is not a request to join")
	}
	// Who meets whom is nobody's business, so it is said at Debug only.
	log := m.hub.config.Log
	log.Info("member "+what, "slot", m.slot, "members", len(*m.session.members.Load()))
	log.Debug("member "+what, "slot", m.slot, "session", m.session.name, "remote", m.conn.Info().Remote)
	return nil
}

// join handles a request to join.
func (m *member) join(j wire.Join, now time.Time) *wire.Error {
	v, e := m.hub.admit(j, m.conn.Info().Binding)
	if e != nil {
		return e
	}
	m.hello, m.cert, m.hash, m.who = j.Hello, j.Cert, v.Hash(), v.Hello().Fingerprint
	m.resumes = j.Caps&wire.CapResume != 0
	return m.hub.enter(m, v.Hello().Session, now)
}

// pace waits until by is ready for an event that counts for n. The member waits
// with it, as nothing else is read. It reports false when the connection is to
// end.
func (m *member) pace(by *meter, n int) bool {
	take := func() time.Duration {
		m.inMu.Lock()
		defer m.inMu.Unlock()
		return by.take(time.Now(), n)
	}
	for wait := take(); wait > 0; wait = take() {
		if !m.sleep(wait) {
			return false
		}
	}
	return true
}

// sleep waits. It reports false when the connection is to end.
func (m *member) sleep(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-m.done:
		return false
	}
}

// handle handles one message after the first. It reports whether the member
// leaves, and otherwise what is wrong with the message.
func (m *member) handle(b []byte, now time.Time) (leave bool, e *wire.Error) {
	msg, err := wire.ParseMessage(b)
	if err != nil {
		return false, refuse(wire.CodeProtocol, "malformed message")
	}
	switch msg := msg.(type) {
	case wire.Leave:
		return true, nil
	case wire.Ack:
		return false, m.acknowledged(msg.Received)
	case wire.Sealed:
		// It waits before it counts, so that it comes again if that is in vain.
		if m.faultOf(msg.Packet) == dropReasons && !m.pace(&m.chatMeter, 1) {
			return false, nil
		}
	default:
	}
	m.inMu.Lock()
	defer m.inMu.Unlock()
	if m.moved {
		return false, nil // it comes again over the other connection
	}
	m.countLocked()
	switch msg := msg.(type) {
	case wire.Forward:
		return false, m.relay(msg.Pair)
	case wire.Sealed:
		m.chat(msg.Packet)
		return false, nil
	case wire.Watch:
		m.session.look(m, msg.Views, now)
		return false, nil
	default:
		return false, refuse(wire.CodeProtocol, "unexpected message of type %#02x", b[0])
	}
}

// relay hands a pair message to the member whom it is for. That this one may
// have left is nobody's fault; a false sender's name is.
func (m *member) relay(pair []byte) *wire.Error {
	from, to, err := wire.ParsePair(pair)
	switch {
	case err != nil:
		return refuse(wire.CodeProtocol, "malformed pair message")
	case from != m.hash:
		return refuse(wire.CodeProtocol, "pair message in the name of another member")
	case !m.session.relay(m, to, pair):
		m.drops[dropStranger].Add(1)
	}
	return nil
}

// chat hands a reliable packet to all others in the session. One that may not
// be relayed is counted and dropped as a datagram is.
func (m *member) chat(packet []byte) {
	if fault := m.faultOf(packet); fault != dropReasons {
		m.drops[fault].Add(1)
		return
	}
	m.session.tell(m, wire.Sealed{Packet: packet}.Append(nil))
}

// faultOf says why a reliable packet may not be relayed, dropReasons if it may.
func (m *member) faultOf(packet []byte) dropReason {
	p, err := wire.ParsePacket(packet)
	switch {
	case err != nil:
		return dropMalformed
	case p.KID.Slot() != m.slot:
		return dropForged
	case p.KID.Stream() != streamChat:
		return dropNotChat
	}
	return dropReasons
}
