package cipher

import (
	"slices"
	"time"
)

// The times of a Session.
const (
	answerTime  = 5 * time.Second // for a handshake; then the peer is treated as one who has left
	repeatEvery = time.Second     // of a handshake message that was not answered
	askAfter    = time.Second     // of packets that cannot be opened
	askEvery    = 2 * time.Second // for a key
	tellEvery   = time.Second     // a key that is asked for
	keepOld     = 3 * time.Second // the generation before, after the first packet of the new one
	tick        = time.Second     // Due is never further off than this while there is anybody
	jump        = 5 * time.Second // of the clock: the machine was suspended
)

// Due does what time asks for: it forgets those who did not answer, changes my
// key, asks for keys that are missing, and goes on with the code. It returns
// the instant of its next work, zero for none. The caller calls it at that
// instant, and again after Meet, Welcome, Handle, Forget and Remove, which may
// bring it forward. now has a monotonic clock reading, so that a suspended
// machine is noticed.
func (s *Session) Due(now time.Time) (out Out, next time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.started {
		return Out{}, time.Time{}
	}
	jumped := s.jumped(now)
	s.handshakes(now, &out)
	s.turnKey(now, jumped, &out)
	s.mind(now, &out)
	s.goOn(now, &out)
	if s.code.changed {
		s.code.changed = false
		out.event(CodeChanged, Peer{})
	}
	return out, s.nextDue(now)
}

// jumped reports whether the wall clock and the monotonic clock have moved
// apart, or both have jumped, since the last call: a machine that was suspended
// or restored from a snapshot must not seal with counters that it may have used
// before. s.mu is held.
func (s *Session) jumped(now time.Time) bool {
	last := s.last
	s.last = now
	if last.IsZero() {
		return false
	}
	return apart(now.Round(0).Sub(last.Round(0)), now.Sub(last), len(s.peers) > 0)
}

// apart reports whether the wall clock and the monotonic clock have moved on
// by so much, since the last call, that the machine did not run in between.
// With peers the calls are never far apart.
func apart(wall, steady time.Duration, peers bool) bool {
	drift := wall - steady
	return drift > jump || drift < -jump || peers && steady > tick+jump
}

// nextDue returns when Due has something to do again. s.mu is held.
func (s *Session) nextDue(now time.Time) time.Time {
	next := s.turn.age
	sooner := func(t time.Time) {
		if !t.IsZero() && t.Before(next) {
			next = t
		}
	}
	sooner(s.turn.due)
	if s.turn.pending {
		sooner(s.turn.until)
	}
	sooner(s.code.at)
	if len(s.peers) > 0 {
		sooner(now.Add(tick))
	}
	for _, p := range s.peers {
		sooner(p.deadline)
		if !p.deadline.IsZero() {
			sooner(p.repeat)
		}
	}
	return next
}

// handshakes repeats what was not answered and gives up on those who do not
// answer. s.mu is held.
func (s *Session) handshakes(now time.Time, out *Out) {
	for _, p := range s.sorted() {
		switch {
		case p.deadline.IsZero():
		case !now.Before(p.deadline):
			kind := Expired
			if p.guessing {
				kind = GuessFailed
			}
			if p.send.live() {
				out.send(s.box(p, bye{byeExpired}.encode()))
			}
			was := p.public()
			s.forget(now, p)
			out.event(kind, was)
		case !now.Before(p.repeat):
			out.send(p.mine)
			p.repeat = now.Add(repeatEvery)
		}
	}
}

// mind drops the keys of peers that are not used any more, and asks for those
// that are missing. s.mu is held.
func (s *Session) mind(now time.Time, out *Out) {
	for _, p := range s.sorted() {
		if !p.confirmed {
			continue
		}
		s.rx.RLock()
		o := s.openers[p.slot]
		s.rx.RUnlock()
		if o.mind(now) && now.Sub(p.asked) >= askEvery {
			p.asked = now
			out.send(s.box(p, keyRequest{}.encode()))
		}
	}
}

// mind reports whether packets have come for some time that no key opens.
func (o *opener) mind(now time.Time) (ask bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	inUse := false // a newer one
	for i, g := range slices.Backward(o.gens) {
		g.mindPast(now)
		switch {
		case inUse && g.retire.IsZero():
			g.retire = now.Add(keepOld)
		case inUse && !now.Before(g.retire):
			g.clear()
			o.gens = slices.Delete(o.gens, i, i+1)
		}
		inUse = inUse || g.used
	}
	switch {
	case !o.missed && now.Sub(o.since) >= askAfter:
		o.since = time.Time{}
	case o.missed && o.since.IsZero():
		o.missed, o.since = false, now
	case o.missed && now.Sub(o.since) >= askAfter:
		o.missed, o.since = false, time.Time{}
		return true
	}
	return false
}
