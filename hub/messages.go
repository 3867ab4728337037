package hub

import (
	"errors"
	"slices"
	"time"

	"github.com/sanix-darker/s2c/cipher/hello"
	"github.com/sanix-darker/s2c/internal/wire"
)

// A member sends so many messages at once, then one each interval, and then
// waits. A change of keys in a session of 64 takes 63. It bounds what one can
// do to the links of others: a burst is half of outLen, so that one member
// alone cannot get another disconnected who reads.
const (
	messageBurst    = outLen / 2
	messageInterval = 10 * time.Millisecond
)

// messageLoop lets the member join and relays its messages. It returns what to
// tell the member before hanging up, nil when it has gone by itself.
func (m *member) messageLoop() *wire.Error {
	b, err := m.conn.RecvMessage(make([]byte, 0, wire.MaxMessage))
	if err != nil || m.ended() {
		return nil
	}
	log := m.hub.config.Log
	if e := m.join(b, time.Now()); e != nil {
		log.Info("member refused", "code", int(e.Code), "why", e.Text)
		log.Debug("member refused", "remote", m.conn.Info().Remote)
		return e
	}
	close(m.joined)
	// Who meets whom is nobody's business, so it is said at Debug only.
	log.Info("member joined", "slot", m.slot, "members", len(*m.session.members.Load()))
	log.Debug("member joined", "slot", m.slot, "session", m.session.name, "remote", m.conn.Info().Remote)
	m.wg.Go(m.recvLoop)
	m.wg.Go(m.sendLoop)
	for {
		if b, err = m.conn.RecvMessage(b); err != nil || m.ended() || !m.pace() {
			return nil
		}
		if leave, e := m.handle(b); leave || e != nil {
			return e
		}
	}
}

// join handles the first message.
func (m *member) join(b []byte, now time.Time) *wire.Error {
	msg, err := wire.ParseMessage(b)
	if err != nil {
		return refuse(wire.CodeProtocol, "malformed message")
	}
	j, ok := msg.(wire.Join)
	if !ok {
		return refuse(wire.CodeProtocol, "the first message is not a request to join")
	}
	h, err := hello.Parse(j.Hello)
	if err == nil {
		err = h.Check(m.conn.Info().Binding)
	}
	switch {
	case errors.Is(err, hello.ErrVersion):
		return refuse(wire.CodeVersion, "%v; use the version that this hub runs", err)
	case err != nil:
		return refuse(wire.CodeProtocol, "%v", err)
	case len(j.Cert) > 0: // suite 0 has none, and nobody could check it
		return refuse(wire.CodeVersion, "this hub takes no certificates; use the version that it runs")
	}
	m.hello, m.hash = slices.Clone(j.Hello), hello.Sum(j.Hello)
	return m.hub.enter(m, h.Session, now)
}

// pace waits until the member may send another message. The member waits with
// it, as nothing else is read. It reports false when the connection is to end.
func (m *member) pace() bool {
	wait := m.messageMeter.take(time.Now())
	for ; wait > 0; wait = m.messageMeter.take(time.Now()) {
		t := time.NewTimer(wait)
		select {
		case <-t.C:
		case <-m.done:
			t.Stop()
			return false
		}
	}
	return true
}

// handle handles one message after the first. It reports whether the member
// leaves, and otherwise what is wrong with the message.
func (m *member) handle(b []byte) (leave bool, e *wire.Error) {
	msg, err := wire.ParseMessage(b)
	if err != nil {
		return false, refuse(wire.CodeProtocol, "malformed message")
	}
	switch msg := msg.(type) {
	case wire.Leave:
		return true, nil
	case wire.Forward:
		return false, m.relay(msg.Pair)
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
