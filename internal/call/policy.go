package call

import (
	"slices"
	"time"

	"github.com/sanix-darker/s2c/cipher/hello"
	"github.com/sanix-darker/s2c/internal/text"
	"github.com/sanix-darker/s2c/internal/trust"
)

// How many wait outside, and how long. A hub can make up any number of them.
const (
	maxVisitors = 64              // at most 6 kB each
	maxKnocks   = 16              // more than anybody answers
	knockTime   = 5 * time.Minute // after that nobody still waits
)

// A visitor is a member who has not been let in: they have no key of this
// member and are not on the screen.
type visitor struct {
	// Set by meet.
	slot   uint16
	hello  hello.Verified
	listed bool // was there before this member, and so is the one to write first
	since  time.Time

	// Guarded by people.mu.
	knocks bool // waits for the person's answer
	asked  bool // the person was told
	mark   trust.Mark
	name   string // as last met

	// Owned by controlLoop.
	first   []byte // the message that begins the handshake, when listed
	firstAt time.Time
}

func (v *visitor) fingerprint() hello.Fingerprint { return v.hello.Hello().Fingerprint }

// A verdict says what becomes of somebody.
type verdict uint8

const (
	welcome verdict = iota // gets the key
	refuse                 // gets none in this call
	inquire                // waits for the person's answer
	later                  // waits for the session to be unlocked
)

// judge says whether the owner of an identity gets this member's key.
func (c *Call) judge(fp hello.Fingerprint) verdict {
	p := &c.people
	p.mu.Lock()
	_, away := p.away[fp]
	_, here := p.here[fp]
	_, admitted := p.admitted[fp]
	locked := p.locked
	p.mu.Unlock()
	switch {
	case away:
		return refuse
	case here:
		return welcome // the policy has let them in before
	case locked:
		return later
	}
	switch c.cfg.Policy {
	case Open:
		return welcome
	case Known:
		if mark, _ := c.cfg.Peers.Check(fp, ""); mark == trust.Seen || mark == trust.Verified {
			return welcome
		}
	case Ask:
		if mark, _ := c.cfg.Peers.Check(fp, ""); admitted || mark == trust.Verified {
			return welcome
		}
		return inquire
	case AllowListed:
		if c.cfg.Allow != nil && c.cfg.Allow.Allows(fp, c.cfg.Session) {
			return welcome
		}
	}
	return refuse
}

// leaveOutside has a visitor wait. The oldest makes room.
func (c *Call) leaveOutside(v *visitor) {
	p := &c.people
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.visitors) == maxVisitors {
		c.cfg.Log.Warn("too many wait to be let in", "dropped", p.visitors[0].fingerprint())
		p.visitors = slices.Delete(p.visitors, 0, 1)
	}
	p.visitors = append(p.visitors, v)
}

// visitor returns who waits with the given Hello, or nil.
func (p *people) visitor(id hello.Hash) *visitor {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, v := range p.visitors {
		if v.hello.Hash() == id {
			return v
		}
	}
	return nil
}

// drop forgets the visitors for whom gone says so.
func (p *people) drop(gone func(*visitor) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.visitors = slices.DeleteFunc(p.visitors, gone)
}

// review judges all visitors again: of them it returns those who may come in,
// and forgets those who never will.
func (c *Call) review() (in []*visitor) {
	p := &c.people
	p.mu.Lock()
	waiting := slices.Clone(p.visitors)
	p.mu.Unlock()
	for _, v := range waiting {
		switch c.judge(v.fingerprint()) {
		case welcome:
			in = append(in, v)
			fallthrough
		case refuse:
			p.drop(func(x *visitor) bool { return x == v })
		case inquire:
			c.knock(v)
		case later:
			p.mu.Lock()
			v.knocks = false
			p.mu.Unlock()
		}
	}
	return in
}

// knock asks the person about a visitor, once.
func (c *Call) knock(v *visitor) {
	mark, who := c.cfg.Peers.Check(v.fingerprint(), "")
	p := &c.people
	p.mu.Lock()
	first := !v.asked
	v.knocks, v.asked, v.mark = true, true, mark
	if mark != trust.New {
		v.name = text.Clean(who.Name, text.MaxName)
	}
	n := 0
	for _, x := range p.visitors {
		if x.knocks {
			n++
		}
	}
	if n > maxKnocks {
		i := slices.IndexFunc(p.visitors, func(x *visitor) bool { return x.knocks })
		c.cfg.Log.Warn("too many knock", "dropped", p.visitors[i].fingerprint())
		p.visitors = slices.Delete(p.visitors, i, i+1)
	}
	p.mu.Unlock()
	if first {
		c.notify(Notice{Kind: MemberKnocks, Slot: v.slot, Name: v.name, Fingerprint: v.fingerprint()})
	}
	c.touch()
}

// knocksAt appends to list who knocks, by slot.
func (p *people) knocksAt(list []Knock) []Knock {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, v := range p.visitors {
		if v.knocks {
			list = append(list, Knock{Slot: v.slot, Fingerprint: v.fingerprint(), Mark: v.mark, Name: v.name, Since: v.since})
		}
	}
	slices.SortFunc(list, func(a, b Knock) int { return int(a.Slot) - int(b.Slot) })
	return list
}
