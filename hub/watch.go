package hub

import (
	"slices"
	"time"

	"github.com/sanix-darker/s2c/internal/wire"
)

// planEvery is how often it is worked out at most in what sizes a member is to
// send its pictures, and how often it is told. The first change counts at once,
// and of those that follow the last one does: when 64 members pull their
// terminals larger, each of them hears of it 20 times a second.
const planEvery = 50 * time.Millisecond

// Looks are the views of a member's latest Watch. They are never modified.
//
// They name slots, not members: a view of a slot that nobody has is kept and
// counts for whoever takes the slot, as a Watch may overtake what it tells of.
// Who still names the slot of somebody who has left gets the pictures of the
// next one there, until its next Watch.
type looks struct {
	views []wire.View // as tidy returns them
	since time.Time
}

// A plan is who gets which of a member's pictures. It is never modified.
type plan struct {
	layers layers
	to     [wire.MaxLayers][]*member // by layer; besides, guests get the first
}

// The plans for a member whom nobody has named in a Watch.
var (
	forGuests = &plan{layers: layers{n: 1}} // and what a member does that was told nothing
	forNobody = &plan{}
)

// seen reports whether somebody has named the member in a Watch.
func (p *plan) seen() bool {
	for _, to := range p.to {
		if len(to) > 0 {
			return true
		}
	}
	return false
}

// others reports whether members has any besides m.
func others(members []*member, m *member) bool {
	return len(members) > 1 || len(members) == 1 && members[0] != m
}

// look has m look at others as a Watch says, whose views it keeps.
func (s *session) look(m *member, views []wire.View, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seats[m.slot].member != m {
		return // it has left
	}
	views = tidy(views)
	old := m.looks.Load()
	if old != nil && slices.Equal(old.views, views) {
		return
	}
	m.looks.Store(&looks{views: views, since: now})
	if old != nil {
		s.touchViewsLocked(old.views, views, now)
		return
	}
	// The guest has its place in the plans of those whom it names before it is a
	// guest no more, or it would miss the pictures between.
	for _, v := range views {
		if o := s.seatedLocked(v.Slot); o != nil && o != m {
			s.planLocked(o)
			if !o.tooSoonLocked(now) {
				o.tellLocked(now)
			}
		}
	}
	s.dismissLocked(m, now)
}

// dismissLocked makes m a guest no more, if it is one: somebody who has not
// sent a Watch and gets everybody's pictures.
func (s *session) dismissLocked(m *member, now time.Time) {
	guests := *s.guests.Load()
	if i := slices.Index(guests, m); i >= 0 {
		guests = slices.Concat(guests[:i], guests[i+1:])
		s.guests.Store(&guests)
	}
	s.touchUnseenLocked(now)
}

// seatedLocked returns the member in a slot, or nil.
func (s *session) seatedLocked(slot uint16) *member {
	if int(slot) >= len(s.seats) {
		return nil
	}
	return s.seats[slot].member
}

// touchViewsLocked has those planned anew at whom somebody looks in another way
// than before.
func (s *session) touchViewsLocked(before, after []wire.View, now time.Time) {
	touch := func(slot uint16) {
		if o := s.seatedLocked(slot); o != nil {
			s.touchLocked(o, now)
		}
	}
	for _, v := range after {
		if size, ok := lookup(before, v.Slot); !ok || size != v.Size {
			touch(v.Slot)
		}
	}
	for _, v := range before {
		if _, ok := lookup(after, v.Slot); !ok {
			touch(v.Slot)
		}
	}
}

// touchUnseenLocked has those planned anew who have guests and did not before,
// or the other way round, and are seen by nobody else.
func (s *session) touchUnseenLocked(now time.Time) {
	for _, m := range *s.members.Load() {
		if p := m.plan.Load(); !p.seen() && p.layers.n != s.guestLayersLocked(m) {
			s.touchLocked(m, now)
		}
	}
}

// guestLayersLocked returns how many layers m sends when nobody names it: one
// if there is a guest. Who is alone need not hear that nobody looks.
func (s *session) guestLayersLocked(m *member) int {
	if others(*s.guests.Load(), m) || !others(*s.members.Load(), m) {
		return 1
	}
	return 0
}

// touchLocked has m planned anew and told, now or as soon as it may be.
func (s *session) touchLocked(m *member, now time.Time) {
	if !m.tooSoonLocked(now) {
		s.planLocked(m)
		m.tellLocked(now)
	}
}

// tooSoonLocked reports whether m was planned so lately that it is not to be
// told anything now. planLoop then does so when it is time.
func (m *member) tooSoonLocked(now time.Time) bool {
	wait := planEvery - now.Sub(m.planned)
	if wait > 0 {
		m.replan.Reset(wait)
	}
	return wait > 0
}

// planLoop plans anew what could not be at once, and tells the member how many
// of its messages have come, until the connection ends.
func (m *member) planLoop() {
	defer m.replan.Stop()
	defer m.ackTimer.Stop()
	for {
		select {
		case <-m.done:
			return
		case <-m.replan.C:
			m.session.plan(m, time.Now())
		case <-m.ackTimer.C:
			m.tellReceived()
		}
	}
}

// plan is touchLocked after a wait. Another change may have come at the same
// time and been told, so that this is too soon again.
func (s *session) plan(m *member, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seats[m.slot].member != m {
		return // it has left
	}
	s.touchLocked(m, now)
}

// planLocked works out who gets which of m's pictures.
func (s *session) planLocked(m *member) {
	s.viewers, s.wants = s.viewers[:0], s.wants[:0]
	for _, o := range *s.members.Load() {
		l := o.looks.Load()
		if o == m || l == nil {
			continue
		}
		if size, ok := lookup(l.views, m.slot); ok {
			s.viewers, s.wants = append(s.viewers, o), append(s.wants, size)
		}
	}
	if len(s.viewers) == 0 {
		p := forNobody
		if s.guestLayersLocked(m) > 0 {
			p = forGuests
		}
		m.plan.Store(p)
		return
	}
	s.places = slices.Grow(s.places[:0], len(s.wants))[:len(s.wants)]
	p := &plan{layers: group(s.wants, s.places)}
	all := make([]*member, 0, len(s.viewers))
	for k := range p.layers.n {
		first := len(all)
		for i, o := range s.viewers {
			if int(s.places[i]) == k {
				all = append(all, o)
			}
		}
		p.to[k] = slices.Clip(all[first:])
	}
	s.freshLocked(m, p)
	m.plan.Store(p)
	clear(s.viewers) // no pointer outlives its turn
}

// freshLocked notes which layers of the plan p for m somebody gets who did not
// get them by the plan before, and so cannot decode what comes next. That a
// layer's size is another one, so that the sender begins with a key picture
// anyway, does not matter: it may be larger than the camera either way.
func (s *session) freshLocked(m *member, p *plan) {
	s.before = slices.Grow(s.before[:0], len(s.seats))[:len(s.seats)]
	clear(s.before) // 0 is none, otherwise it is 1 more than the layer
	for _, o := range *s.guests.Load() {
		s.before[o.slot] = 1
	}
	for k, to := range m.plan.Load().to {
		for _, o := range to {
			if s.seats[o.slot].member == o {
				s.before[o.slot] = uint8(k + 1)
			}
		}
	}
	for k, to := range p.to {
		for _, o := range to {
			m.fresh[k] = m.fresh[k] || s.before[o.slot] != uint8(k+1)
		}
	}
}

// tellLocked tells m in what sizes to send its pictures, unless it knows. One
// without a connection is told when it has one.
func (m *member) tellLocked(now time.Time) {
	m.planned = now
	if m.absent {
		return
	}
	l := m.plan.Load().layers
	fresh := m.fresh
	m.fresh = [wire.MaxLayers]bool{}
	if l == m.told && !slices.Contains(fresh[:l.n], true) {
		return
	}
	m.told = l
	msg := wire.Layers{Layers: make([]wire.Layer, l.n)}
	for i := range msg.Layers {
		msg.Layers[i] = wire.Layer{Size: l.size[i], Fresh: fresh[i]}
	}
	m.put(msg.Append(nil))
}
