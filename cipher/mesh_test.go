package cipher

import (
	"bytes"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/sanix-darker/s2c/cipher/hello"
	"github.com/sanix-darker/s2c/cipher/sframe"
)

// A mesh is a hub that delivers pair messages in any order, some of them
// twice, and damaged copies of some before the true one.
type mesh struct {
	t       *testing.T
	rng     *rand.Rand
	members map[hello.Hash]*Session
	left    []*Session
	queue   [][]byte
	next    int // number of the next member
	refused int
}

func newMesh(t *testing.T, seed uint64) *mesh {
	return &mesh{t: t, rng: rand.New(rand.NewPCG(seed, 1)), members: make(map[hello.Hash]*Session)}
}

// sorted returns the members in the order of their slots, so that a seed tells
// what happens.
func (m *mesh) sorted() []*Session {
	return slices.SortedFunc(maps.Values(m.members), func(a, b *Session) int { return int(a.slot) - int(b.slot) })
}

// join adds a member in the lowest free slot.
func (m *mesh) join() {
	m.t.Helper()
	s := unstarted(m.t, m.next, "session1")
	m.next++
	slot := uint16(0)
	for slices.ContainsFunc(m.sorted(), func(o *Session) bool { return o.slot == slot }) {
		slot++
	}
	s.Start(slot)
	for _, o := range m.sorted() {
		m.post(meet(m.t, o, s))
	}
	m.members[s.hash] = s
}

// leave takes a member out, whom the others forget.
func (m *mesh) leave() {
	list := m.sorted()
	s := list[m.rng.IntN(len(list))]
	delete(m.members, s.hash)
	m.left = append(m.left, s)
	for _, o := range m.members {
		if !o.Forget(s.hash) {
			m.t.Errorf("slot %d does not know slot %d, who leaves", o.slot, s.slot)
		}
	}
}

// post puts a message into the queue, sometimes twice.
func (m *mesh) post(b []byte) {
	m.queue = append(m.queue, b)
	if m.rng.IntN(4) == 0 {
		m.queue = append(m.queue, b)
	}
}

// deliver hands over one message of the queue, any one.
func (m *mesh) deliver() {
	i := m.rng.IntN(len(m.queue))
	b := m.queue[i]
	m.queue = slices.Delete(m.queue, i, i+1)
	s := m.members[hello.Hash(b[33:65])]
	if s == nil {
		return // who has left meanwhile
	}
	if m.rng.IntN(3) == 0 {
		bad := bytes.Clone(b)
		bad[m.rng.IntN(len(bad))] ^= 1 << m.rng.IntN(8)
		if _, _, err := s.Handle(bad); err == nil {
			m.t.Errorf("a damaged message was accepted: %x", bad)
		}
	}
	answer, _, err := s.Handle(b)
	if err != nil {
		m.refused++
	}
	if answer != nil {
		m.post(answer)
	}
}

// speak has a member seal a packet, which everybody gets: at any time, those
// who can open it are on the sender's list. It returns how many could.
func (m *mesh) speak(s *Session, stream sframe.Stream) (heard int) {
	m.t.Helper()
	packet, err := s.Seal(nil, stream, 0, []byte("hear me"))
	if err != nil {
		m.t.Fatal(err)
	}
	listed := make(map[hello.Hash]bool)
	for _, p := range s.Peers() {
		listed[p.ID] = true
	}
	for _, o := range m.members {
		plain, from, err := o.Open(nil, packet)
		if err != nil {
			continue
		}
		heard++
		if !listed[o.hash] {
			m.t.Errorf("slot %d opens what slot %d seals, and is not on their list", o.slot, s.slot)
		}
		if string(plain) != "hear me" || from.Slot != s.slot || from.Stream != stream {
			m.t.Errorf("slot %d opened %q, %+v", o.slot, plain, from)
		}
	}
	return heard
}

// settle delivers what is left and checks that everybody hears everybody, and
// nobody an ex-member.
func (m *mesh) settle() {
	m.t.Helper()
	for len(m.queue) > 0 {
		m.deliver()
	}
	want := len(m.members) - 1
	for _, s := range m.sorted() {
		peers := s.Peers()
		if len(peers) != want {
			m.t.Errorf("slot %d lists %d members, want %d", s.slot, len(peers), want)
		}
		for _, p := range peers {
			if o := m.members[p.ID]; !p.Confirmed || o == nil || p.Slot != o.slot || p.Name != o.name {
				m.t.Errorf("slot %d lists %+v", s.slot, p)
			}
		}
		for stream := range sframe.Stream(sframe.Streams) {
			if heard := m.speak(s, stream); heard != want {
				m.t.Errorf("slot %d is heard by %d of %d in stream %d", s.slot, heard, want, stream)
			}
		}
	}
	for _, s := range m.left {
		if heard := m.speak(s, sframe.StreamVoice); heard != 0 {
			m.t.Errorf("ex-member of slot %d is heard by %d", s.slot, heard)
		}
	}
}

// TestMesh joins three members whose messages overtake each other.
func TestMesh(t *testing.T) {
	refused := 0
	for seed := range uint64(50) {
		m := newMesh(t, seed)
		for range 3 {
			m.join()
			for range m.rng.IntN(3) {
				if len(m.queue) > 0 {
					m.deliver()
				}
			}
		}
		m.settle()
		refused += m.refused
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	if refused == 0 {
		t.Error("no message was refused: the mesh repeats none")
	}
}

// TestComeAndGo has members join, speak and leave at random.
func TestComeAndGo(t *testing.T) {
	for seed := range uint64(20) {
		m := newMesh(t, seed)
		heard := 0
		for range 200 {
			switch r := m.rng.IntN(10); {
			case r == 0 && len(m.members) < 6:
				m.join()
			case r == 1 && len(m.members) > 2:
				m.leave()
			case r < 6 && len(m.queue) > 0:
				m.deliver()
			case len(m.members) > 0:
				list := m.sorted()
				stream := sframe.Stream(m.rng.IntN(sframe.Streams))
				heard += m.speak(list[m.rng.IntN(len(list))], stream)
			}
		}
		m.settle()
		if heard == 0 {
			t.Error("nobody heard anything")
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}
