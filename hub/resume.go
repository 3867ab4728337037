package hub

import (
	"crypto/rand"
	"crypto/sha256"
	"slices"
	"time"

	"github.com/sanix-darker/s2c/internal/queue"
	"github.com/sanix-darker/s2c/internal/wire"
)

// A member whose connection ends without a word keeps its place for some time:
//
//	the connection ends      > part > a member without a connection has the
//	                                  place; the others are told Away   [watch]
//	messages for the member  > its log                                  [anybody]
//	Resume over another one  > inherit > Resumed, the log, not Away     [messageLoop]
//	nothing for resumeTime   > leave > the others are told Gone         [keep]
//
// The other connection may come before the first one is found to be broken, as
// when a machine moves to another network. It has the place at once then, and the
// others are told nothing.
//
// What has the place is always one *member, and inherit replaces it by another
// wherever it stands. So each connection has its own goroutines and its own
// state, and nothing is handed from one to the other but what stands there.

const (
	// resumeTime is how long a place is kept without a connection: for one whose
	// network is back within 30 s, and for the time that dialling takes then.
	resumeTime = 35 * time.Second

	// The hub says at the latest after so many messages, or so much time, how many
	// have come.
	ackAfter = 16
	ackTime  = time.Second

	// A place is taken over so many times at once and then one time each interval;
	// further connections wait.
	returnBurst    = 5
	returnInterval = time.Second
)

// part keeps the place of m, whose connection has ended, and returns what has it
// now. It returns nil when m has no place, or is not to keep it.
func (h *Hub) part(m *member) (place *member) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if m.session == nil || m.gate.closed {
		return nil
	}
	place = newMember(h, m.gate, nil)
	place.absent = true
	if !h.inheritLocked(place, m, 0, time.Now()) {
		return nil // it has left, or is not to stay, or another connection has the place
	}
	h.config.Log.Info("member away", "slot", m.slot)
	h.config.Log.Debug("member away", "slot", m.slot, "session", m.session.name, "remote", m.conn.Info().Remote)
	return place
}

// keep waits until a place is not to be kept any more, as another connection has
// it, or none has come, or too many messages wait, or the hub ends.
func (h *Hub) keep(place *member) {
	t := time.NewTimer(resumeTime)
	defer t.Stop()
	select {
	case <-place.done:
	case <-t.C:
	}
	h.leave(place)
}

// comeBack handles a request to resume. Without an error and without a session
// the connection has ended meanwhile.
func (m *member) comeBack(r wire.Resume) *wire.Error {
	for {
		wait, e := m.hub.resume(m, r, time.Now())
		if e != nil || wait == 0 || !m.sleep(wait) {
			return e
		}
	}
}

// resume gives m the place that a token is for, or says why not, or after what
// time to ask again.
//
// The door is not asked: who has a token has come in through it. The list is, as
// somebody may have been taken off it.
func (h *Hub) resume(m *member, r wire.Resume, now time.Time) (wait time.Duration, e *wire.Error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if m.gate.closed {
		return 0, nil // it has been told
	}
	from := h.tokens[sha256.Sum256(r.Token[:])]
	if from == nil {
		return 0, refuse(wire.CodeExpired, "there is no such place, or not any more; join anew")
	}
	if a := h.allow.Load(); a != nil && !a.Allows(from.who, from.session.name) {
		return 0, refuse(wire.CodeDenied, "your key is not on this hub's list any more, or not for this session")
	}
	if wait := from.returns.take(now, 1); wait > 0 {
		return wait, nil
	}
	if !h.inheritLocked(m, from, r.Received, now) {
		return 0, refuse(wire.CodeExpired, "this place cannot be resumed; join anew")
	}
	from.end(nil)
	h.resumed++
	return 0, nil
}

// inheritLocked gives m the place of from, whose messages have no effect any more.
// If m has a connection, so many messages of the log have come to its other end.
// It reports false, and does nothing, when from has no place that is kept, or its
// log does not go back so far. h.mu is held.
func (h *Hub) inheritLocked(m, from *member, received uint64, now time.Time) bool {
	from.inMu.Lock()
	defer from.inMu.Unlock()
	if !from.session.inherit(m, from, received, now) {
		return false
	}
	from.moved = true
	h.tokens[m.token] = m
	return true
}

// inherit does what Hub.inheritLocked does within a session.
func (s *session) inherit(m, from *member, received uint64, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	present := *s.members.Load()
	if !slices.Contains(present, from) || !m.takeLog(from, received) {
		return false
	}
	m.takeOver(from, now)
	replaced := replace(present, from, m)
	s.members.Store(&replaced)
	guests := replace(*s.guests.Load(), from, m)
	s.guests.Store(&guests)
	s.seats[m.slot].member = m
	if l := m.looks.Load(); l != nil {
		for _, v := range l.views {
			if o := s.seatedLocked(v.Slot); o != nil && o != m {
				s.replaceViewerLocked(o, from, m, now)
			}
		}
	}
	from.replan.Stop()
	s.touchLocked(m, now)
	if m.absent != from.absent {
		for _, o := range replaced {
			if o != m {
				o.putAway(m, m.absent)
			}
		}
	}
	return true
}

// takeOver makes m what from is in its session. from.inMu and the session's mu
// are held.
func (m *member) takeOver(from *member, now time.Time) {
	m.session, m.slot, m.since = from.session, from.slot, from.since
	m.hash, m.who, m.peer = from.hash, from.who, from.peer
	m.token, m.remote = from.token, from.remote
	m.queue = queue.New[ticket](limits) // what waited in the other is late, or under way
	if m.conn != nil {
		m.setDirect()
	}
	m.looks.Store(from.looks.Load())
	m.plan.Store(from.plan.Load())
	m.planned, m.told, m.fresh = from.planned, from.told, from.fresh
	m.received, m.acked = from.received, from.received // as Resumed says
	m.messageMeter, m.chatMeter, m.returns = from.messageMeter, from.chatMeter, from.returns
	for c := range m.sendMeters {
		m.sendMeters[c].halve(now) // those of from are not ours to read
	}
	m.packetMeter.halve(now)
	m.repairMeter.halve(now)
}

// takeLog takes over the messages for the member. If m has a connection, its
// first one is Resumed and those follow that have not come. from.inMu is held.
func (m *member) takeLog(from *member, received uint64) bool {
	from.mu.Lock()
	kept := from.keptLocked() && (m.conn == nil || from.log.Rewind(received))
	log := from.log
	if kept {
		from.log = queue.Log{}
	}
	from.mu.Unlock()
	if !kept {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.log, m.resumes = log, true // only such places are kept
	if m.conn != nil {
		m.first = wire.Resumed{Received: from.received}.Append(nil)
		m.wakeWriter()
	}
	return true
}

// replace returns a list with another member in the place of one, if it is there.
func replace(list []*member, from, m *member) []*member {
	list = slices.Clone(list)
	if i := slices.Index(list, from); i >= 0 {
		list[i] = m
	}
	return list
}

// replaceViewerLocked has m get those of o's pictures that from got. Who was away
// cannot decode what comes next.
func (s *session) replaceViewerLocked(o, from, m *member, now time.Time) {
	old := o.plan.Load()
	p := &plan{layers: old.layers}
	fresh := false
	for k, to := range old.to {
		if p.to[k] = to; slices.Contains(to, from) {
			p.to[k] = replace(to, from, m)
			if from.absent {
				o.fresh[k], fresh = true, true
			}
		}
	}
	o.plan.Store(p)
	if fresh && !o.tooSoonLocked(now) {
		o.tellLocked(now)
	}
}

// putAway tells m that the connection of o is broken, or is not any more.
func (m *member) putAway(o *member, away bool) {
	if m.resumes { // else it does not know the message
		m.put(wire.Away{Slot: o.slot, Hash: o.hash, Away: away}.Append(nil))
	}
}

// acknowledged takes note of how many messages have come to the member.
func (m *member) acknowledged(n uint64) *wire.Error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.resumes && !m.ending && !m.log.Ack(n) {
		return refuse(wire.CodeProtocol, "acknowledgement of %d messages, which were not sent", n)
	}
	return nil
}

// countLocked counts a message of the member. m.inMu is held.
func (m *member) countLocked() {
	m.received++
	if !m.resumes {
		return
	}
	switch m.received - m.acked {
	case 1:
		m.ackTimer.Reset(ackTime)
	case ackAfter:
		m.ackTimer.Stop()
		m.acked = m.received
		m.putAck(m.received)
	}
}

// tellReceived tells the member how many of its messages have come, unless it
// knows.
func (m *member) tellReceived() {
	m.inMu.Lock()
	defer m.inMu.Unlock()
	if m.acked != m.received {
		m.acked = m.received
		m.putAck(m.received)
	}
}

// newTokenLocked returns what m can resume its place with, zero for one who does
// not know how to. h.mu is held.
func (h *Hub) newTokenLocked(m *member) (token [32]byte) {
	if m.resumes {
		_, _ = rand.Read(token[:]) // it never fails
		m.token = sha256.Sum256(token[:])
		h.tokens[m.token] = m
	}
	return token
}

// clearAwayLocked takes those out of a session who are away and have the key of
// m, which has come to join: it is they, with new keys. h.mu is held.
func (h *Hub) clearAwayLocked(s *session, m *member) {
	for _, o := range *s.members.Load() {
		if o.absent && o.who == m.who {
			h.leaveLocked(o)
			o.end(nil)
		}
	}
}
