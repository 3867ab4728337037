package call

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/sanix-darker/s2c/cipher/hello"
	"github.com/sanix-darker/s2c/internal/trust"
)

// A Policy says who gets the key of this member. Each member has their own: it
// decides who hears this member and whom this member hears.
type Policy uint8

// The policies.
const (
	Open        Policy = iota // everybody; who is new is announced
	Known                     // who has been met before
	Ask                       // whoever the person lets in
	AllowListed               // who is on the list
)

// people is what the person has decided of others in this call. It outlives a
// connection, and so names them by their identities.
type people struct {
	wake chan struct{} // tells controlLoop of a decision; never closed

	// Guarded by mu.
	mu       sync.Mutex
	locked   bool
	here     map[hello.Fingerprint]struct{} // have been present
	admitted map[hello.Fingerprint]struct{} // by Admit
	away     map[hello.Fingerprint]struct{} // sent away, by Deny or Remove
	visitors []*visitor                     // of this connection: who waits outside, the oldest first
	removals []hello.Hash                   // members for controlLoop to send away
}

func (p *people) init() {
	p.wake = make(chan struct{}, 1)
	p.here = make(map[hello.Fingerprint]struct{})
	p.admitted = make(map[hello.Fingerprint]struct{})
	p.away = make(map[hello.Fingerprint]struct{})
}

// SetLocked locks the session for this member, or unlocks it: while it is
// locked, nobody new gets this member's key. Who was present before and comes
// back with the same identity is let in. Who has waited meanwhile is let in
// when it is unlocked, if the Policy says so.
func (c *Call) SetLocked(locked bool) {
	c.people.mu.Lock()
	c.people.locked = locked
	c.people.mu.Unlock()
	wake(c.people.wake)
	c.touch()
}

// Locked reports whether nobody new gets this member's key.
func (c *Call) Locked() bool {
	c.people.mu.Lock()
	defer c.people.mu.Unlock()
	return c.people.locked
}

// Admit lets the member in who knocks from a slot. It reports false when
// nobody does.
func (c *Call) Admit(slot uint16) bool { return c.decide(slot, c.people.admitted) }

// Deny turns the member away who knocks from a slot, for as long as this call
// lasts. It reports false when nobody does.
func (c *Call) Deny(slot uint16) bool { return c.decide(slot, c.people.away) }

// decide puts whoever knocks from a slot on a list.
func (c *Call) decide(slot uint16, list map[hello.Fingerprint]struct{}) bool {
	p := &c.people
	p.mu.Lock()
	i := slices.IndexFunc(p.visitors, func(v *visitor) bool { return v.knocks && v.slot == slot })
	if i >= 0 {
		v := p.visitors[i]
		v.knocks = false // controlLoop does the rest
		list[v.fingerprint()] = struct{}{}
	}
	p.mu.Unlock()
	wake(p.wake)
	c.touch()
	return i >= 0
}

// Remove sends the member in a slot away, for as long as this call lasts: the
// member hears and sees this one no more, nor the other way round. What others
// do is theirs. It reports false when nobody is there.
func (c *Call) Remove(slot uint16) bool {
	m := c.member(slot)
	if m == nil {
		return false
	}
	p := &c.people
	p.mu.Lock()
	p.away[m.fp] = struct{}{}
	// The same person may be here from a second machine, or still be here from
	// a connection that was lost.
	for _, o := range *c.members.Load() {
		if o.fp == m.fp {
			p.removals = append(p.removals, o.id)
		}
	}
	p.mu.Unlock()
	wake(p.wake)
	return true
}

// errNoCode is returned by Verify when there is no code to compare.
var errNoCode = errors.New("there is no safety code to compare yet")

// Verify notes that the codes match: everybody whom the code stands for is
// marked as verified. It fails while there is no code, and when Config.Peers
// cannot be written.
func (c *Call) Verify() error {
	c.mu.Lock()
	coded := c.coded
	c.mu.Unlock()
	if len(coded) == 0 {
		return errNoCode
	}
	now := time.Now()
	var list []trust.Person
	for _, m := range coded {
		list = append(list, trust.Person{Fingerprint: m.fp, Name: m.name(), First: now, Last: now, Verified: true})
	}
	if err := c.cfg.Peers.Verify(now, list...); err != nil {
		return err
	}
	for _, m := range coded {
		m.setMark(trust.Verified)
	}
	c.touch()
	return nil
}

// maxAcquaint is how many people met may wait to be stored: all of a session,
// who are met at once by whoever joins it. Further ones are stored when they
// are met again.
const maxAcquaint = 256

// met looks up how well a person is known who has become present, and has
// rememberLoop store that they were met. Somebody who has the name of another
// is not: that name stays the other's until the person says that it is right.
func (c *Call) met(fp hello.Fingerprint, name string, now time.Time) trust.Mark {
	mark, _ := c.cfg.Peers.Check(fp, name)
	if mark == trust.Changed {
		return mark
	}
	select {
	case c.acquaint <- trust.Person{Fingerprint: fp, Name: name, Last: now}:
	default:
	}
	return mark
}

// rememberLoop stores who was met, and how loud people are to be. A disk may take long for it, and nobody
// waits: least of all the handshakes of those who are met next.
func (c *Call) rememberLoop(ctx context.Context) {
	failed := false
	store := func(p trust.Person) {
		if err := c.cfg.Peers.Met(p.Fingerprint, p.Name, p.Last); err != nil && !failed {
			failed = true
			c.cfg.Log.Error("people met are not remembered", "err", err)
		}
	}
	for {
		select {
		case p := <-c.acquaint:
			store(p)
		case <-c.volumed:
			c.storeVolumes()
		case <-ctx.Done():
			for len(c.acquaint) > 0 {
				store(<-c.acquaint)
			}
			c.storeVolumes()
			return
		}
	}
}
