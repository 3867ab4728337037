package hub

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sanix-darker/s2c/cipher/hello"
	"github.com/sanix-darker/s2c/internal/wire"
)

// slotRest is how long a slot stays free after its member has left, so that a
// packet that was on its way is not taken for one of the next member's.
const slotRest = 10 * time.Second

// A session is the set of members who see each other.
type session struct {
	// Set by newSession.
	name  string
	limit int // members

	// Replaced under mu and never modified, so that forwarding needs no lock.
	members atomic.Pointer[[]*member]
	guests  atomic.Pointer[[]*member] // those of members who have not sent a Watch

	floor floor

	// Guarded by mu, which is held for some microseconds, as joining, leaving and
	// relaying only append to queues that never wait; but one message can have
	// wire.MaxViews members planned, each in about 10 microseconds if there are 64.
	mu      sync.Mutex
	seats   []seat      // by slot
	viewers []*member   // scratch of planLocked, as are the following: who look at a member
	wants   []wire.Size // how they do
	places  []uint8     // which layer they get
	before  []uint8     // which they got before, by slot
}

// A seat is the state of a slot.
type seat struct {
	taken  bool
	member *member   // who has joined there, or nil
	since  time.Time // when it became free
}

func newSession(name string, limit int) *session {
	s := &session{name: name, limit: limit}
	s.members.Store(new([]*member))
	s.guests.Store(new([]*member))
	return s
}

// add makes m a member who can resume its place with a token, or says why not.
//
// It tells m of all the others and them of m under the lock, so that of any two
// members each learns of the other exactly once, and before anything comes
// from it.
func (s *session) add(m *member, token [32]byte, now time.Time) *wire.Error {
	s.mu.Lock()
	defer s.mu.Unlock()
	present := *s.members.Load()
	if len(present) >= s.limit {
		return refuse(wire.CodeSessionFull, "this session is full with %d members", len(present))
	}
	if find(present, m.hash) != nil {
		return refuse(wire.CodeProtocol, "this hello is in the session already")
	}
	m.enter(s, s.takeSeat(now), now)
	m.greet(wire.Joined{Slot: m.slot, Token: token, Peers: uint16(len(present))}.Append(nil))
	for _, o := range present {
		m.put(o.peer)
		o.put(m.peer)
	}
	for _, o := range present {
		if o.absent {
			m.putAway(o, true)
		}
	}
	s.seats[m.slot].member = m
	members := append(slices.Clip(present), m)
	s.members.Store(&members)
	guests := append(slices.Clip(*s.guests.Load()), m)
	s.guests.Store(&guests)
	s.touchLocked(m, now) // others may look at its slot already
	s.touchUnseenLocked(now)
	return nil
}

// remove makes m a member no more and tells the others. It reports false when
// m was none.
func (s *session) remove(m *member, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	present := *s.members.Load()
	i := slices.Index(present, m)
	if i < 0 {
		return false
	}
	rest := slices.Concat(present[:i], present[i+1:])
	s.members.Store(&rest)
	s.seats[m.slot] = seat{since: now}
	m.replan.Stop()
	gone := wire.Gone{Slot: m.slot, Hash: m.hash}.Append(nil)
	for _, o := range rest {
		o.put(gone)
	}
	if l := m.looks.Load(); l != nil {
		s.touchViewsLocked(l.views, nil, now)
	}
	s.dismissLocked(m, now)
	return true
}

// relay hands a pair message from m to the member whose hash is to. It reports
// false when one of the two is not in the session any more: under the lock, so
// that nothing comes from a member after its Gone.
func (s *session) relay(m *member, to hello.Hash, pair []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	present := *s.members.Load()
	o := find(present, to)
	if o == nil || o == m || !slices.Contains(present, m) {
		return false
	}
	o.put(wire.From{Pair: pair}.Append(nil))
	return true
}

// tell hands a message from m to all others, in the order in which they are
// told everything else. It does nothing when m is not in the session any more,
// so that nothing comes from a member after its Gone.
func (s *session) tell(m *member, b []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	present := *s.members.Load()
	if !slices.Contains(present, m) {
		return
	}
	for _, o := range present {
		if o != m {
			o.put(b)
		}
	}
}

// at returns the member in a slot, or nil. It takes no lock.
func (s *session) at(slot uint16) *member {
	for _, m := range *s.members.Load() {
		if m.slot == slot {
			return m
		}
	}
	return nil
}

// takeSeat returns the lowest slot that has been free for slotRest. When there
// is none, as 4,096 came and went in that time, it returns the one that has
// been free for longest.
func (s *session) takeSeat(now time.Time) uint16 {
	oldest := -1
	for i, x := range s.seats {
		switch {
		case x.taken:
			continue
		case now.Sub(x.since) >= slotRest:
			s.seats[i].taken = true
			return uint16(i)
		case oldest < 0 || x.since.Before(s.seats[oldest].since):
			oldest = i
		}
	}
	if len(s.seats) <= maxSlot {
		oldest = len(s.seats)
		s.seats = append(s.seats, seat{})
	}
	s.seats[oldest].taken = true
	return uint16(oldest)
}

// find returns the member with the given hash, or nil.
func find(members []*member, hash hello.Hash) *member {
	for _, m := range members {
		if m.hash == hash {
			return m
		}
	}
	return nil
}
