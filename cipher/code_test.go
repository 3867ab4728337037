package cipher

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/sanix-darker/s2c/cipher/words"
)

// TestCode checks that everybody has the same four words, that they differ from
// those of others, and when they are there.
func TestCode(t *testing.T) {
	seen := make(map[[4]string]int)
	for _, n := range []int{2, 3, 12, 2} {
		p := newParty(t, n, "")
		for _, s := range p.members {
			if c, ok := s.Code(); ok || c != [4]string{} {
				t.Errorf("%d members: slot %d has the code %v at once", n, s.slot, c)
			}
		}
		p.pass(codeDelay)
		code := p.checkRoster(fmt.Sprintf("%d members", n))
		if seen[code] != 0 {
			t.Errorf("the code of %d members was there before", n)
		}
		seen[code] = n
		for _, s := range p.members {
			if c := p.count(s, CodeChanged); c != 1 {
				t.Errorf("%d members: slot %d has %d events of a new code, want 1", n, s.slot, c)
			}
		}
		t.Logf("%d members: %v", n, code)
	}
}

func TestCodeAlone(t *testing.T) {
	p := newParty(t, 1, "")
	p.pass(time.Minute)
	if c, ok := p.members[0].Code(); ok || p.sent != 0 {
		t.Errorf("who is alone has the code %v, and sent %d messages", c, p.sent)
	}
	s := fixed(t, 1)
	p.join(s)
	p.pass(time.Second)
	p.checkRoster("two")
	p.leave(s)
	a := p.members[0]
	if c, ok := a.Code(); ok || c != [4]string{} {
		t.Errorf("who is alone again has the code %v", c)
	}
	p.pass(time.Second)
	if p.count(a, CodeChanged) != 2 {
		t.Errorf("events: %+v, want that the code came and went", p.events[a])
	}
}

// TestDigest checks what the digest is of, and that it does not depend on the
// order in which people have come.
func TestDigest(t *testing.T) {
	a, b, c := fixed(t, 1), fixed(t, 2), fixed(t, 3)
	hashes := func(list ...*Session) [32]byte {
		var ids [][]byte
		for _, s := range list {
			ids = append(ids, s.hash[:])
		}
		slices.SortFunc(ids, bytes.Compare)
		return sha256.Sum256(append([]byte("s2c/1 roster\x00"), bytes.Join(ids, nil)...))
	}
	if a.Digest() != hashes(a) {
		t.Error("the digest of one is wrong")
	}
	meet(t, a, b)
	if a.Digest() != hashes(a) {
		t.Error("who has not answered is in the digest")
	}
	b = fixed(t, 2)
	a.Forget(epoch, b.hash)
	clear(a.gone)
	connect(t, b, a)
	connect(t, c, a)
	connect(t, c, b)
	for _, s := range []*Session{a, b, c} {
		if s.Digest() != hashes(a, b, c) {
			t.Errorf("slot %d has another digest", s.slot)
		}
	}
}

// TestCodeHubBetween puts a hub between two members, with identities of its
// own: neither sees the other's code.
func TestCodeHubBetween(t *testing.T) {
	alice, bob := fixed(t, 1), fixed(t, 2)
	left, right := newParty(t, 0, ""), newParty(t, 0, "")
	left.join(alice)
	left.join(fixed(t, 9)) // who says to be Bob
	right.join(bob)
	right.join(fixed(t, 10)) // who says to be Alice
	left.pass(time.Second)
	right.pass(time.Second)
	a, b := left.checkRoster("Alice"), right.checkRoster("Bob")
	if a == b || alice.Digest() == bob.Digest() {
		t.Errorf("with a hub in between Alice and Bob have the code %v", a)
	}
}

// A mallory is a peer of one honest session whose part of the code is said by
// hand.
type mallory struct {
	t       *testing.T
	s       *Session // honest
	m       *Session
	now     time.Time
	reveals [][32]byte // that the honest one has made
	commits int
}

func newMallory(t *testing.T) *mallory {
	m := &mallory{t: t, s: fixed(t, 1), m: fixed(t, 2), now: epoch}
	connect(t, m.s, m.m)
	m.pass(codeDelay)
	return m
}

// say sends the honest session a payload.
func (m *mallory) say(payload []byte) {
	m.t.Helper()
	out, err := m.s.Handle(m.now, m.m.box(m.m.peers[m.s.hash], payload))
	if err != nil {
		m.t.Fatal(err)
	}
	m.hear(out)
}

// hear notes what the honest session says.
func (m *mallory) hear(out Out) {
	m.t.Helper()
	for _, b := range out.Pair {
		if !bytes.Equal(b[33:65], m.m.hash[:]) {
			continue
		}
		p := m.m.peers[m.s.hash]
		plain, err := p.recv.open(pairBox, b[pairHead:])
		if err != nil {
			m.t.Fatal(err)
		}
		switch v, err := parsePayload(plain); v := v.(type) {
		case commit:
			m.commits++
		case reveal:
			m.reveals = append(m.reveals, v.nonce)
		default:
			if err != nil {
				m.t.Fatal(err)
			}
		}
	}
}

// pass lets time pass for the honest session.
func (m *mallory) pass(d time.Duration) {
	for end := m.now.Add(d); ; {
		out, next := m.s.Due(m.now)
		m.hear(out)
		if m.now.Equal(end) {
			return
		}
		m.now = m.now.Add(max(time.Millisecond, min(next.Sub(m.now), end.Sub(m.now))))
	}
}

// commit and reveal say my part for the roster there is.
func (m *mallory) commit(nonce [32]byte) {
	m.say(commit{m.s.Digest(), commitment(m.s.Digest(), m.m.hash, nonce)}.encode())
}

func (m *mallory) reveal(nonce [32]byte) { m.say(reveal{m.s.Digest(), nonce}.encode()) }

// codeOf returns the code of the two for two nonces, from the description of
// the protocol.
func (m *mallory) codeOf(theirs, mine [32]byte) [4]string {
	digest := m.s.Digest()
	b := append([]byte("s2c/1 sas\x00"), digest[:]...)
	if bytes.Compare(m.s.hash[:], m.m.hash[:]) > 0 {
		theirs, mine = mine, theirs
	}
	sum := sha256.Sum256(append(append(b, theirs[:]...), mine[:]...))
	bits := binary.BigEndian.Uint64(sum[:]) >> 24
	return [4]string{
		words.Word(int(bits >> 30 & 1023)), words.Word(int(bits >> 20 & 1023)), words.Word(int(bits >> 10 & 1023)), words.Word(int(bits & 1023)),
	}
}

func TestCodeFormula(t *testing.T) {
	m := newMallory(t)
	nonce := [32]byte{1, 2, 3}
	if m.commits != 1 || len(m.reveals) != 0 {
		t.Fatalf("%d commitments, %d nonces before mine", m.commits, len(m.reveals))
	}
	m.commit(nonce)
	if len(m.reveals) != 1 {
		t.Fatalf("%d nonces after my commitment, want 1", len(m.reveals))
	}
	if _, ok := m.s.Code(); ok {
		t.Error("there is a code without my nonce")
	}
	m.reveal(nonce)
	if code, ok := m.s.Code(); !ok || code != m.codeOf(m.reveals[0], nonce) {
		t.Errorf("Code() = %v, %v, want %v", code, ok, m.codeOf(m.reveals[0], nonce))
	}
}

// TestCommitBeforeReveal has a peer try to choose its nonce after it has seen
// the other one, in every way there is. It never yields a code.
func TestCommitBeforeReveal(t *testing.T) {
	first, second := [32]byte{1}, [32]byte{2}
	otherRoster := func(i int) (r [32]byte) {
		return sha256.Sum256(fmt.Appendf(nil, "roster %d", i))
	}
	tests := []struct {
		name string
		run  func(m *mallory)
	}{
		{"reveals something else", func(m *mallory) {
			m.commit(first)
			m.reveal(second)
		}},
		{"reveals without a commitment", func(m *mallory) {
			m.reveal(second)
		}},
		{"reveals before it commits", func(m *mallory) {
			m.reveal(first)
			m.commit(second)
			m.reveal(second)
		}},
		{"commits again", func(m *mallory) {
			m.commit(first)
			m.commit(second)
			m.reveal(second)
		}},
		{"reveals wrong, then commits to it", func(m *mallory) {
			m.commit(first)
			m.reveal(second)
			m.commit(second)
			m.reveal(second)
		}},
		{"commits for another member", func(m *mallory) {
			roster := m.s.Digest()
			m.say(commit{roster, commitment(roster, m.s.hash, second)}.encode())
			m.reveal(second)
		}},
		{"mirrors the commitment and the nonce", func(m *mallory) {
			roster := m.s.Digest()
			m.say(commit{roster, commitment(roster, m.s.hash, m.s.code.rounds[roster].nonce)}.encode())
			m.reveal(m.reveals[0])
		}},
		{"floods with other rosters, then commits again", func(m *mallory) {
			m.commit(first)
			for i := range 1000 {
				m.say(commit{otherRoster(i), [32]byte{}}.encode())
				m.say(reveal{otherRoster(i), [32]byte{}}.encode())
			}
			m.commit(second)
			m.reveal(second)
		}},
		{"waits, and commits again", func(m *mallory) {
			m.commit(first)
			m.pass(time.Minute)
			m.commit(second)
			m.reveal(second)
		}},
		{"has another come and go", func(m *mallory) {
			m.commit(first)
			c := fixed(m.t, 3)
			connect(m.t, m.s, c)
			m.pass(codeDelay)
			m.s.Forget(m.now, c.hash)
			m.pass(codeDelay)
			m.commit(second)
			m.reveal(second)
		}},
		{"has many come and go", func(m *mallory) {
			m.commit(first)
			for i := range 100 {
				c := inSlot(m.t, 100+i, 100, "")
				connect(m.t, m.s, c)
				m.pass(codeDelay)
				m.commit(second) // for this roster
				m.s.Forget(m.now, c.hash)
				m.pass(codeDelay)
			}
			m.commit(second)
			m.reveal(second)
		}},
	}
	for _, test := range tests {
		m := newMallory(t)
		test.run(m)
		m.pass(10 * time.Second)
		if code, ok := m.s.Code(); ok || m.s.code.ok {
			t.Errorf("%s: there is a code, %v", test.name, code)
		}
		if len(m.reveals) > 0 && m.reveals[0] != m.reveals[len(m.reveals)-1] && test.name != "has many come and go" && test.name != "has another come and go" {
			t.Errorf("%s: several nonces for one roster", test.name)
		}
		if l := m.s.peers[m.m.hash].sayings; len(l) > 2*maxSayings {
			t.Errorf("%s: %d sayings are kept", test.name, len(l))
		}
	}
}

// TestNoncesOfRosters checks that a new roster has a new nonce, so that none
// that was shown is of use to choose another against.
func TestNoncesOfRosters(t *testing.T) {
	p := newParty(t, 2, "")
	a := p.members[0]
	nonces := make(map[[32]byte]int)
	for i := range 30 {
		s := inSlot(t, 100+i, 100, "")
		p.join(s)
		p.pass(time.Second)
		for _, r := range a.code.rounds {
			nonces[r.nonce]++
		}
		p.leave(s)
		p.pass(time.Second)
		if n := len(a.code.rounds); n > 2 {
			t.Errorf("%d rounds are kept for one peer", n)
		}
	}
	if len(nonces) != 31 { // with the 30, and without
		t.Errorf("%d nonces for 31 rosters", len(nonces))
	}
}

// TestCodeAgain has a roster come back: it has the code that it had.
func TestCodeAgain(t *testing.T) {
	p := newParty(t, 3, "")
	p.pass(time.Second)
	before := p.checkRoster("three")
	for i := range 3 {
		s := inSlot(t, 20+i, 20, "")
		p.join(s)
		p.pass(time.Second)
		if code := p.checkRoster("four"); code == before {
			t.Error("four have the code of three")
		}
		p.leave(s)
		p.pass(time.Second)
		if code := p.checkRoster("three again"); code != before {
			t.Errorf("the roster that came back has the code %v, had %v", code, before)
		}
	}
}

// TestCodeLost loses messages of the code for a while. It is there within the
// time after which everybody says their part again.
func TestCodeLost(t *testing.T) {
	const codeLen = pairHead + boxOverhead + 65
	for _, every := range []int{1, 2, 3, 5} {
		p := newParty(t, 4, "")
		n := 0
		p.lose = func(_, _ *Session, m []byte) bool {
			n++
			return len(m) == codeLen && n%every == 0
		}
		p.pass(codeDelay + 100*time.Millisecond)
		lossy := false
		for _, s := range p.members {
			_, ok := s.Code()
			lossy = lossy || !ok
		}
		if !lossy {
			t.Errorf("every %d. message lost: there is a code all the same", every)
		}
		p.lose = nil
		p.pass(codeAgain + sayEvery)
		p.checkRoster(fmt.Sprintf("every %d. message lost", every))
		sent := p.sent
		p.pass(time.Minute)
		if p.sent != sent {
			t.Errorf("%d messages in a quiet minute", p.sent-sent)
		}
	}
	// The last message to one of them is lost: the others have the code and
	// need nothing any more, but say their part again when they are asked.
	p := newParty(t, 3, "")
	n := 0
	p.lose = func(_, to *Session, m []byte) bool {
		if len(m) != codeLen || to != p.members[0] {
			return false
		}
		n++
		return n > 2 // it gets the commitments
	}
	p.pass(10 * time.Second)
	for i, s := range p.members {
		if _, ok := s.Code(); ok != (i > 0) {
			t.Errorf("member %d has a code: %v", i, ok)
		}
	}
	p.lose = nil
	p.pass(codeAgain + sayEvery)
	p.checkRoster("one was left out")
}

// TestCodePassphrase checks that a session with a passphrase has a code, too.
func TestCodePassphrase(t *testing.T) {
	p := newParty(t, 5, phrase)
	p.pass(codeDelay)
	p.checkRoster("with a passphrase")
}
