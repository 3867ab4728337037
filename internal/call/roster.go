package call

import (
	"slices"
	"time"

	"github.com/sanix-darker/s2c/cipher"
	"github.com/sanix-darker/s2c/cipher/hello"
	"github.com/sanix-darker/s2c/internal/trust"
)

// The times of the roster.
const (
	silentLimit = 30 * time.Second // without a packet a member has left
	awayLimit   = 60 * time.Second // the same for one whose connection is broken, as the hub says
	awayToTell  = 2 * time.Second  // before the person is told that somebody is away
	differTime  = 3 * time.Second  // that a change of the members may take to reach everybody
	leftHold    = 2 * time.Second  // before somebody is said to have left: they may come back with new keys
	backTime    = 10 * time.Second // the same, for all of them when it is this member who joins anew
)

// A departure is somebody who was present and is not on the screen any more.
type departure struct {
	fp   hello.Fingerprint
	name string
	slot uint16
	told time.Time // when the person is told
	away bool      // the person knows that they were away
}

// syncScreen makes the screen show those, and only those, to whom this member
// has given a key.
func (c *Call) syncScreen(l *link) {
	peers := l.keys.Peers()
	var now, gone, added []*member
	c.mu.Lock()
	for _, m := range *c.members.Load() {
		if slices.ContainsFunc(peers, func(p cipher.Peer) bool { return p.ID == m.id }) {
			now = append(now, m)
		} else {
			gone = append(gone, m)
		}
	}
	for _, p := range peers {
		if c.memberByID(p.ID) == nil {
			added = append(added, newMember(l.ctx, p, c.hearingLocked(p.Fingerprint)))
		}
	}
	if len(gone)+len(added) == 0 {
		c.mu.Unlock()
		return
	}
	now = append(now, added...)
	slices.SortFunc(now, func(a, b *member) int { return int(a.slot) - int(b.slot) })
	c.members.Store(&now)
	c.mu.Unlock()
	for _, m := range gone {
		m.stop()
	}
	for _, m := range added {
		c.goes(&c.ends, func() { c.decodeLoop(m) })
		mark, _ := c.cfg.Peers.Check(m.fp, "")
		m.setMark(mark)
	}
	wake(c.outbox.beat) // with another digest
	c.touch()
}

// confirm marks a member as present.
func (c *Call) confirm(p cipher.Peer, now time.Time) {
	m := c.memberByID(p.ID)
	if m == nil {
		return // a later event of the same step has taken them away
	}
	name := shownName(p)
	if !m.present(name) {
		return
	}
	c.people.mu.Lock()
	c.people.here[p.Fingerprint] = struct{}{}
	c.people.mu.Unlock()
	mark := c.met(p.Fingerprint, name, now)
	m.setMark(mark)
	c.cameAt.Store(now.UnixNano())
	c.wantKeys() // they have no picture of us yet
	wake(c.outbox.beat)
	i := slices.IndexFunc(c.departures, func(d departure) bool { return d.fp == p.Fingerprint && d.name == name })
	if i >= 0 { // never really away
		if c.departures[i].away {
			c.notify(Notice{Kind: MemberBack, Slot: m.slot, Name: name, Fingerprint: m.fp})
		}
		c.departures = slices.Delete(c.departures, i, i+1)
	} else {
		c.notify(Notice{Kind: MemberJoined, Slot: m.slot, Name: name, Fingerprint: m.fp})
	}
	if mark == trust.Changed {
		c.notify(Notice{Kind: MemberChanged, Slot: m.slot, Name: name, Fingerprint: m.fp})
	}
	c.touch()
}

// departed takes note that somebody has said goodbye.
func (c *Call) departed(p cipher.Peer, now time.Time) {
	if p.Confirmed {
		c.left(departure{fp: p.Fingerprint, name: shownName(p), slot: p.Slot, told: now.Add(leftHold)})
	}
}

// left remembers whom the person is to be told of soon.
func (c *Call) left(d departure) { c.departures = append(c.departures, d) }

// tellLeft tells the person of those who have left and not come back in time.
func (c *Call) tellLeft(now time.Time) {
	c.departures = slices.DeleteFunc(c.departures, func(d departure) bool {
		if now.Before(d.told) {
			return false
		}
		c.notify(Notice{Kind: MemberLeft, Slot: d.slot, Name: d.name, Fingerprint: d.fp})
		return true
	})
}

// second does what is due every second. While there is no connection nobody can
// be heard, and nobody is forgotten for it.
func (c *Call) second(l *link, now time.Time) {
	c.people.drop(func(v *visitor) bool { return v.knocks && now.Sub(v.since) >= knockTime })
	c.tellLeft(now)
	c.minded(now)
	l.entering.Store(l.isEntering())
	if l.lostAt.Load() != 0 {
		return
	}
	for _, m := range *c.members.Load() {
		if m.silentFor(now) >= m.patienceWith() {
			c.cfg.Log.Info("member is silent", "slot", m.slot)
			c.forgetSilent(l, m, now)
		}
	}
	c.tellAway(now)
	c.compare(l, now)
	if at := l.backAt.Load(); at != l.since {
		l.since, l.quickest = at, 0 // it may be another network
	}
	c.feelStrain(l, now)
	c.feelThin()
	c.save(l, now)
}

// forgetSilent treats a member of whom nothing comes as one who has left, so
// that they can open nothing of what this member seals from now on.
func (c *Call) forgetSilent(l *link, m *member, now time.Time) {
	l.keys.Forget(now, m.id)
	delete(l.known, m.id)
	c.syncScreen(l)
	if name := m.name(); name != "" {
		c.left(departure{fp: m.fp, name: name, slot: m.slot, told: now})
	}
}

// compare finds the members who do not see the same people as this one.
func (c *Call) compare(l *link, now time.Time) {
	if d := l.keys.Digest(); d != l.digest {
		l.digest, l.digestAt = d, now
	}
	for _, m := range *c.members.Load() {
		began, changed := m.compare(l.digest, l.digestAt, now)
		if began {
			c.cfg.Log.Warn("member sees other people", "slot", m.slot)
			c.notify(Notice{Kind: RosterDiffers, Slot: m.slot, Name: m.name(), Fingerprint: m.fp})
		}
		if changed {
			c.touch()
		}
	}
}

// memberByID returns the member on the screen with the given Hello, or nil.
func (c *Call) memberByID(id hello.Hash) *member {
	for _, m := range *c.members.Load() {
		if m.id == id {
			return m
		}
	}
	return nil
}
