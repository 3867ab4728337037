package hub

import (
	"math"
	"sync"
	"time"

	"github.com/sanix-darker/s2c/internal/queue"
	"github.com/sanix-darker/s2c/internal/transport"
	"github.com/sanix-darker/s2c/internal/wire"
)

// In a session of more than wire.FloorFrom members not everybody is sent to
// everybody: who speaks has the floor, which has room for some. Voice packets say in
// the clear whether somebody speaks. Those of members who do not have the floor are
// left out, and the others are told so in front of the next one that is not, as they
// would take them for lost.
const (
	// floorSize is how many have the floor: as many as a member decodes.
	floorSize = 6

	// floorTime is after what time without a packet somebody has left the floor.
	floorTime = time.Second
)

// A floor is who speaks in a session.
type floor struct {
	mu sync.Mutex

	// Guarded by mu.
	speakers [floorSize]struct {
		slot  uint16
		heard time.Time // zero for nobody
	}
}

// take reports whether a voice packet of the member in a slot goes to the others.
// quiet says that it tells that nobody speaks. Whoever begins while the floor is full
// has to wait until somebody has ended.
func (f *floor) take(slot uint16, quiet bool, now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	free := -1
	for i := range f.speakers {
		s := &f.speakers[i]
		if !s.heard.IsZero() && now.Sub(s.heard) >= floorTime {
			s.heard = time.Time{}
		}
		switch {
		case s.heard.IsZero():
			free = i
		case s.slot == slot && quiet:
			s.heard = time.Time{}
			return false
		case s.slot == slot:
			s.heard = now
			return true
		}
	}
	if quiet || free < 0 {
		return false
	}
	f.speakers[free].slot, f.speakers[free].heard = slot, now
	return true
}

// hasFloor reports whether a voice packet p of the member goes to members, and has
// them told of what did not. Take calls it.
func (m *member) hasFloor(p wire.Packet, members []*member, now time.Time, turn *transport.Turn) bool {
	if len(members) > wire.FloorFrom && !m.session.floor.take(m.slot, p.Clear.Quiet(), now) {
		if p.Clear.Quiet() {
			m.drops[dropQuiet].Add(1)
		} else {
			m.drops[dropFloor].Add(1)
		}
		m.leaveOut(p)
		return false
	}
	if s := m.leftOut; s.Count > 0 {
		m.leftOut = wire.Skip{}
		if s.KID == p.KID { // each key counts anew
			var b [wire.SkipSize]byte
			m.push(members, ticket{&m.ring, m.ring.put(s.Append(b[:0]), p, now)}, queue.Voice, now, turn)
		}
	}
	return true
}

// leaveOut remembers a voice packet that the others are not sent.
func (m *member) leaveOut(p wire.Packet) {
	s := &m.leftOut
	if s.Count == 0 || s.KID != p.KID || p.CTR < s.First {
		*s = wire.Skip{KID: p.KID, First: p.CTR}
	}
	s.Count = uint16(min(p.CTR-s.First+1, math.MaxUint16))
}
