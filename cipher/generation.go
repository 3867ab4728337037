package cipher

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha512"
	mathrand "math/rand/v2"
	"time"

	"github.com/sanix-darker/s2c/cipher/hello"
	"github.com/sanix-darker/s2c/cipher/sframe"
)

// baseLen is the size in bytes of a base key, the hash length of suite 5.
const baseLen = 64

// When a member's key is replaced by a new generation.
const (
	turnDelay = 250 * time.Millisecond // after somebody left, for those who leave with them
	turnPause = 2 * time.Second        // between two generations
	turnWait  = 2 * time.Second        // for everybody to have the new one
	turnAge   = 10 * time.Minute       // give or take a tenth, for no other reason
	turnUse   = maxCTR / 2             // packets of a stream
)

// A generation is a key that one member seals with, from which the keys of
// that member's streams are derived. Its steps are ratcheted: who gets one
// cannot compute the ones before.
type generation struct {
	gen  uint32
	step uint32
	base secret
}

// kid returns the key id of a stream sealed with g by the member in a slot.
func (g *generation) kid(slot uint16, stream sframe.Stream) sframe.KID {
	return sframe.NewKID(slot, stream, g.gen, g.step)
}

// ratchet moves g to its next step.
func (g *generation) ratchet() {
	next := ratchet(g.base.bytes())
	g.base.clear()
	g.base, g.step = newSecret(next), g.step+1
}

// ratchet returns the base key of the next step (RFC 9605, section 5.1).
func ratchet(base []byte) []byte {
	prk := must(hkdf.Extract(sha512.New, base, nil))
	defer clear(prk)
	return must(hkdf.Expand(sha512.New, prk, "SFrame 1.0 Ratchet", baseLen))
}

// A turn is the change from one generation to the next. Guarded by Session.mu.
type turn struct {
	due     time.Time // when to make the next one; zero for never
	made    time.Time // when the last one was made
	age     time.Time // when the next one is due for no other reason
	next    generation
	pending bool                    // next has been told, and is not in use yet
	waiting map[hello.Hash]struct{} // peers who have not said that they have next
	until   time.Time               // wait no longer
}

// startSealers gives the sealers the key of own. s.mu is held.
func (s *Session) startSealers() {
	for i, t := range s.sealers {
		t.start(s.own.kid(s.slot, sframe.Stream(i)), s.own.base.bytes())
	}
}

// used returns how many packets the busiest stream has sealed with this key.
func (s *Session) used() uint64 {
	var n uint64
	for _, t := range s.sealers {
		n = max(n, t.count())
	}
	return n
}

// advance moves my key on before somebody gets it who may not open what was
// sealed until now. Everybody else derives the next step by themselves. s.mu is
// held.
func (s *Session) advance() {
	if s.used() == 0 {
		return
	}
	s.own.ratchet()
	s.startSealers()
}

// replaceKey asks for a new generation, as somebody has left who had the one
// in use. s.mu is held.
func (s *Session) replaceKey(now time.Time) {
	at := now.Add(turnDelay)
	if earliest := s.turn.made.Add(turnPause); !s.turn.made.IsZero() && at.Before(earliest) {
		at = earliest
	}
	if s.turn.due.IsZero() || at.Before(s.turn.due) {
		s.turn.due = at
	}
}

// turnKey makes a new generation when it is time to, tells everybody, and
// switches to it when everybody has it or has had time enough. After a jump of
// the clock it does all of that at once, whoever may miss some packets: a
// machine that was restored has used the present key before, and what it has
// told of the next one. s.mu is held.
func (s *Session) turnKey(now time.Time, jumped bool, out *Out) {
	t := &s.turn
	if t.age.IsZero() {
		t.age = now.Add(turnAge*9/10 + mathrand.N(turnAge/5))
	}
	if t.pending && !jumped {
		for id := range t.waiting {
			if s.peers[id] == nil {
				delete(t.waiting, id)
			}
		}
		if len(t.waiting) == 0 || !now.Before(t.until) {
			s.switchKey(out)
		}
	}
	due := !t.due.IsZero() && !now.Before(t.due)
	if !jumped && !due && now.Before(t.age) && (t.pending || s.used() < turnUse) {
		return
	}
	last := s.own.gen
	if t.pending {
		last = t.next.gen
		if jumped {
			t.next.base.clear()
		} else {
			s.switchKey(out)
		}
	}
	s.tellNext(now, last+1, out)
	if jumped || len(t.waiting) == 0 {
		s.switchKey(out)
	}
}

// tellNext makes a generation and tells everybody. s.mu is held.
func (s *Session) tellNext(now time.Time, gen uint32, out *Out) {
	t := &s.turn
	base := make([]byte, baseLen)
	_, _ = rand.Read(base) // it never fails
	t.next = generation{gen: gen, base: newSecret(base)}
	t.pending, t.waiting = true, make(map[hello.Hash]struct{})
	t.made, t.until, t.due = now, now.Add(turnWait), time.Time{}
	t.age = now.Add(turnAge*9/10 + mathrand.N(turnAge/5))
	for _, p := range s.sorted() {
		if !p.sealed {
			continue
		}
		out.send(s.box(p, s.state(&t.next)))
		if p.confirmed {
			t.waiting[p.hash] = struct{}{}
		}
	}
}

// switchKey seals with the generation that was told. s.mu is held.
func (s *Session) switchKey(out *Out) {
	s.own.base.clear()
	s.own = s.turn.next
	s.turn.next, s.turn.pending, s.turn.waiting = generation{}, false, nil
	s.startSealers()
	out.event(Rekeyed, Peer{})
}

// acked takes note that a peer has a generation. s.mu is held.
func (s *Session) acked(p *peer, gen uint32, out *Out) {
	if !s.turn.pending || gen != s.turn.next.gen {
		return
	}
	delete(s.turn.waiting, p.hash)
	if len(s.turn.waiting) == 0 {
		s.switchKey(out)
	}
}

// state returns the payload that tells of a generation of mine. The caller
// clears it. s.mu is held.
func (s *Session) state(g *generation) []byte {
	k := keyState{slot: s.slot, generation: *g, name: s.name}
	return k.append(make([]byte, 0, maxKeyState))
}
