package cipher

import (
	"slices"
	"testing"
	"time"

	"github.com/sanix-darker/s2c/cipher/hello"
	"github.com/sanix-darker/s2c/cipher/sframe"
)

// A party is some sessions and an honest hub between them, which delivers at
// once and in order. Each calls Due when it is due.
type party struct {
	tb      testing.TB
	now     time.Time
	members []*Session
	next    map[*Session]time.Time
	events  map[*Session][]Event
	lose    func(from, to *Session, m []byte) bool // nil: nothing gets lost
	sent    int                                    // messages since start
}

// newParty connects n members, numbered and in slots from 0 on.
func newParty(tb testing.TB, n int, passphrase string) *party {
	tb.Helper()
	p := &party{tb: tb, now: epoch, next: make(map[*Session]time.Time), events: make(map[*Session][]Event)}
	for i := range n {
		p.join(started(tb, i, passphrase))
	}
	return p
}

// join adds a member.
func (p *party) join(s *Session) {
	p.tb.Helper()
	v := verified(p.tb, s)
	for _, o := range p.members {
		if err := s.Meet(p.now, o.slot, verified(p.tb, o)); err != nil {
			p.tb.Fatal(err)
		}
	}
	old := slices.Clone(p.members)
	p.members = append(p.members, s)
	for _, o := range old {
		m, err := o.Welcome(p.now, s.slot, v)
		if err != nil {
			p.tb.Fatal(err)
		}
		p.deliver(o, Out{Pair: [][]byte{m}})
		p.due(o)
	}
	p.due(s)
}

// leave takes a member out, whom the others forget.
func (p *party) leave(s *Session) {
	p.tb.Helper()
	p.members = slices.DeleteFunc(p.members, func(o *Session) bool { return o == s })
	for _, o := range p.members {
		if !o.Forget(p.now, s.hash) {
			p.tb.Errorf("slot %d does not know slot %d, who leaves", o.slot, s.slot)
		}
		p.due(o)
	}
}

// deliver delivers what a session asks for, and all that follows.
func (p *party) deliver(from *Session, out Out) {
	p.tb.Helper()
	p.events[from] = append(p.events[from], out.Events...)
	for _, m := range out.Pair {
		p.sent++
		for _, to := range p.members {
			if to.hash != hello.Hash(m[33:65]) || p.lose != nil && p.lose(from, to, m) {
				continue
			}
			answer, err := to.Handle(p.now, m)
			if err != nil && p.lose == nil {
				p.tb.Errorf("message %d of slot %d for slot %d: %v", m[0], from.slot, to.slot, err)
			}
			p.deliver(to, answer)
			p.due(to)
		}
	}
}

// due calls Due of a session, and again while it is due at once.
func (p *party) due(s *Session) {
	p.tb.Helper()
	for range 10 {
		out, next := s.Due(p.now)
		p.next[s] = next
		p.deliver(s, out)
		if next.IsZero() || next.After(p.now) {
			return
		}
	}
	p.tb.Fatalf("slot %d is due again and again", s.slot)
}

// pass lets time pass: everybody is called when they are due.
func (p *party) pass(d time.Duration) {
	p.tb.Helper()
	end := p.now.Add(d)
	for {
		first := end
		for _, s := range p.members {
			if t := p.next[s]; !t.IsZero() && t.Before(first) {
				first = t
			}
		}
		p.now = first
		for _, s := range slices.Clone(p.members) {
			if t := p.next[s]; !t.IsZero() && !t.After(first) {
				p.due(s)
			}
		}
		if first.Equal(end) {
			return
		}
	}
}

// count returns how many events of a kind a session has found out.
func (p *party) count(s *Session, kind EventKind) (n int) {
	for _, e := range p.events[s] {
		if e.Kind == kind {
			n++
		}
	}
	return n
}

// checkAllHear fails the test unless everybody hears everybody in each stream.
func (p *party) checkAllHear(when string) {
	p.tb.Helper()
	for _, s := range p.members {
		for stream := range sframe.Stream(sframe.Streams) {
			packet, err := s.Seal(nil, stream, 0, []byte("hear me"))
			if err != nil {
				p.tb.Fatal(err)
			}
			for _, o := range p.members {
				plain, from, err := o.Open(nil, packet)
				if o != s && (err != nil || string(plain) != "hear me" || from.Slot != s.slot || from.Stream != stream) {
					p.tb.Errorf("%s: slot %d opens stream %d of slot %d: %q, %+v, %v", when, o.slot, stream, s.slot, plain, from, err)
				}
			}
		}
	}
}

// checkRoster fails the test unless everybody has the same people and code.
func (p *party) checkRoster(when string) (code [4]string) {
	p.tb.Helper()
	first := p.members[0]
	code, _ = first.Code()
	for _, s := range p.members {
		peers := s.Peers()
		if len(peers) != len(p.members)-1 {
			p.tb.Errorf("%s: slot %d has %d peers, want %d", when, s.slot, len(peers), len(p.members)-1)
		}
		for _, q := range peers {
			if !q.Confirmed {
				p.tb.Errorf("%s: slot %d has not confirmed slot %d", when, s.slot, q.Slot)
			}
		}
		if s.Digest() != first.Digest() {
			p.tb.Errorf("%s: slots %d and %d have different rosters", when, s.slot, first.slot)
		}
		if c, ok := s.Code(); !ok || c != code || c[0] == "" {
			p.tb.Errorf("%s: slot %d has the code %v, %v, slot %d has %v", when, s.slot, c, ok, first.slot, code)
		}
	}
	return code
}

// TestParty has members come and go, with and without a passphrase.
func TestParty(t *testing.T) {
	for _, passphrase := range []string{"", phrase} {
		p := newParty(t, 6, passphrase)
		p.checkAllHear("six")
		p.pass(time.Second)
		p.checkRoster("six")
		left := p.members[2]
		p.leave(left)
		p.join(inSlot(t, 20, 2, passphrase)) // into the slot that has become free
		p.checkAllHear("one left, one came")
		p.pass(5 * time.Second)
		p.checkAllHear("later")
		p.checkRoster("later")
		for _, s := range p.members {
			checkCannot(t, left, mustSeal(t, s, "x"), ErrUnknownKey)
			if n, _ := s.Guesses(p.now); n != 0 {
				t.Errorf("slot %d has counted %d guesses", s.slot, n)
			}
		}
	}
}
