package cipher

import (
	"bytes"
	"crypto/rand"
	"slices"
	"time"

	"github.com/sanix-darker/s2c/cipher/hello"
	"github.com/sanix-darker/s2c/cipher/words"
)

// The safety code. For each set of people who are present (a roster), each
// member draws a nonce and sends a commitment to it; who has everybody's
// commitment reveals the nonce; the code is a hash over the roster and all
// nonces. A hub in the middle shows two members two rosters, and must commit to
// its nonces before it sees theirs: it has one try in 2^40 each time that the
// roster changes. A hash of the keys alone would fall to 2^20 tries offline.
//
// A roster that was there before, as somebody came and left, has its nonces
// again, and everybody is held to the first commitment for it.

// The times of the code.
const (
	codeDelay = 300 * time.Millisecond // after the roster has changed, as several come at once
	codeAgain = 3 * time.Second        // between two tries to have everybody's nonce
	sayEvery  = time.Second            // my part, to a peer who asks for it by saying theirs again
)

// maxSayings is how many rosters of a peer are remembered that were none of
// mine yet.
const maxSayings = 64

// A code is what a Session knows of its safety code. Guarded by Session.mu.
type code struct {
	roster  [32]byte            // who is present, as Digest returns it
	rounds  map[[32]byte]*round // mine, by roster
	at      time.Time           // when to say my part; zero for never
	words   [4]string
	ok      bool
	changed bool // since Due has said so
}

// A round is my part of the code of a roster.
type round struct {
	members  []hello.Hash
	nonce    [32]byte
	revealed bool
}

// A saying is a peer's part of the code of a roster.
type saying struct {
	roster, commitment, nonce [32]byte
	committed, revealed       bool
}

// sayings are a peer's, the oldest first.
type sayings []saying

// of returns the saying for a roster, or nil.
func (l sayings) of(roster [32]byte) *saying {
	for i := range l {
		if l[i].roster == roster {
			return &l[i]
		}
	}
	return nil
}

// get returns the saying for a roster, a new one if there is none. When there
// are too many, the oldest is forgotten that is for no roster of mine: a peer
// could else make me forget to what it has committed, and commit again once it
// has seen my nonce.
func (l *sayings) get(roster [32]byte, mine map[[32]byte]*round) *saying {
	if s := l.of(roster); s != nil {
		return s
	}
	others, oldest := 0, 0
	for i, s := range slices.Backward(*l) {
		if mine[s.roster] == nil {
			others, oldest = others+1, i
		}
	}
	if others >= maxSayings {
		*l = slices.Delete(*l, oldest, oldest+1)
	}
	*l = append(*l, saying{roster: roster})
	return &(*l)[len(*l)-1]
}

// Digest returns a hash over the Hellos of everybody who is present: me and all
// confirmed peers. Members who see the same people have the same one.
func (s *Session) Digest() [32]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	roster, _ := s.roster()
	return roster
}

// Code returns the safety code for everybody who is present: four words that
// are the same for all exactly when nobody sits in between. ok is false while
// it is being agreed on, and when nobody else is there.
func (s *Session) Code() (words [4]string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.code.words, s.code.ok
}

// roster returns the digest and the Hellos of who is present, in order. s.mu is
// held.
func (s *Session) roster() ([32]byte, []hello.Hash) {
	members := []hello.Hash{s.hash}
	for _, p := range s.peers {
		if p.confirmed {
			members = append(members, p.hash)
		}
	}
	slices.SortFunc(members, func(a, b hello.Hash) int { return bytes.Compare(a[:], b[:]) })
	parts := make([][]byte, len(members))
	for i := range members {
		parts[i] = members[i][:]
	}
	return labelled("s2c/1 roster", parts...), members
}

// rosterChanged starts over with the code. s.mu is held.
func (s *Session) rosterChanged(now time.Time) {
	c := &s.code
	c.roster, _ = s.roster()
	c.changed = c.changed || c.ok
	c.words, c.ok, c.at = [4]string{}, false, now.Add(codeDelay)
}

// without forgets the rounds of rosters that can never be there again, as one
// of them has left.
func (c *code) without(id hello.Hash) {
	for roster, r := range c.rounds {
		if slices.Contains(r.members, id) {
			delete(c.rounds, roster)
		}
	}
}

// clear forgets everything.
func (c *code) clear() { *c = code{} }

// goOn says my part of the code when it is time to. s.mu is held.
func (s *Session) goOn(now time.Time, out *Out) {
	c := &s.code
	if c.at.IsZero() || now.Before(c.at) {
		return
	}
	roster, members := s.roster()
	if len(members) == 1 {
		c.at = time.Time{}
		return
	}
	r := c.rounds[roster]
	if r == nil {
		r = &round{members: members}
		_, _ = rand.Read(r.nonce[:]) // it never fails
		if c.rounds == nil {
			c.rounds = make(map[[32]byte]*round)
		}
		c.rounds[roster] = r
	}
	for _, p := range s.sorted() {
		if p.confirmed {
			s.say(p, r, out)
		}
	}
	c.at = now.Add(codeAgain)
	s.tryCode(out)
}

// say tells p my part of the current roster's code. s.mu is held.
func (s *Session) say(p *peer, r *round, out *Out) {
	roster := s.code.roster
	out.send(s.box(p, commit{roster, commitment(roster, s.hash, r.nonce)}.encode()))
	if r.revealed {
		out.send(s.box(p, reveal{roster, r.nonce}.encode()))
	}
}

// commitment returns what holds a member to a nonce.
func commitment(roster [32]byte, id hello.Hash, nonce [32]byte) [32]byte {
	return labelled("s2c/1 sas c", roster[:], id[:], nonce[:])
}

// committed takes the commitment of a peer. s.mu is held.
func (s *Session) committed(now time.Time, p *peer, c commit, out *Out) {
	x := p.sayings.get(c.roster, s.code.rounds)
	if !x.committed {
		x.committed, x.commitment = true, c.commitment
		s.tryCode(out)
		return
	}
	// A peer that says it again lacks something. I do not, so it may be mine.
	if r := s.code.rounds[c.roster]; s.code.ok && c.roster == s.code.roster && r != nil && now.Sub(p.said) >= sayEvery {
		p.said = now
		s.say(p, r, out)
	}
}

// revealed takes the nonce of a peer. s.mu is held.
func (s *Session) revealed(p *peer, r reveal, out *Out) {
	x := p.sayings.get(r.roster, s.code.rounds)
	if !x.revealed {
		x.revealed, x.nonce = true, r.nonce
		s.tryCode(out)
	}
}

// tryCode reveals my nonce once everybody has committed to theirs, and makes
// the code once everybody has revealed theirs. s.mu is held.
func (s *Session) tryCode(out *Out) {
	c := &s.code
	r := c.rounds[c.roster]
	if r == nil || c.ok {
		return
	}
	nonces := map[hello.Hash][32]byte{s.hash: r.nonce}
	for _, p := range s.peers {
		if !p.confirmed {
			continue
		}
		x := p.sayings.of(c.roster)
		if x == nil || !x.committed {
			return
		}
		if x.revealed && x.commitment == commitment(c.roster, p.hash, x.nonce) {
			nonces[p.hash] = x.nonce
		}
	}
	if !r.revealed {
		r.revealed = true
		for _, p := range s.sorted() {
			if p.confirmed {
				out.send(s.box(p, reveal{c.roster, r.nonce}.encode()))
			}
		}
	}
	if len(nonces) < len(r.members) {
		return
	}
	parts := [][]byte{c.roster[:]}
	for _, id := range r.members {
		nonce := nonces[id]
		parts = append(parts, nonce[:])
	}
	sum := labelled("s2c/1 sas", parts...)
	c.words, c.ok, c.changed, c.at = words.Four([5]byte(sum[:5])), true, true, time.Time{}
}
