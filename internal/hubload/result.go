package hubload

import (
	"sync"
	"time"
)

// A Result is what became of the packets of some time.
type Result struct {
	Sent     uint64 // by members
	Expected uint64 // one for each other member of the sender's room
	Received uint64
	Again    uint64 // packets that had come before
	Took     time.Duration
	Delays   Histogram // of what was received, from member to member
}

// Lost returns the share of the packets that did not arrive, from 0 to 1.
func (r *Result) Lost() float64 {
	if r.Expected == 0 {
		return 0
	}
	return 1 - float64(r.Received)/float64(r.Expected)
}

// Room returns what those of a room have sent and received in the latest Run.
func (l *Load) Room(room string) Result { return l.result(l.rooms[room]) }

// Of returns what the member with a way has sent and received in the latest Run.
func (l *Load) Of(w Way) Result {
	for _, m := range l.members {
		if m.way == w {
			return l.result([]*member{m})
		}
	}
	return Result{}
}

// result returns what members have sent and received.
func (l *Load) result(members []*member) (r Result) {
	sent := make(map[string]uint64) // in each room
	r.Took = l.took
	for _, m := range members {
		all, ok := sent[m.room]
		if !ok {
			for _, o := range l.rooms[m.room] {
				all += o.sent
			}
			sent[m.room] = all
		}
		r.Sent += m.sent
		r.Expected += all - m.sent
		m.mu.Lock()
		r.Received += m.received
		r.Again += m.again
		r.Delays.Merge(&m.delays)
		m.mu.Unlock()
	}
	return r
}

// A member is one way and what came over it.
type member struct {
	way    Way
	room   string
	speaks bool

	// Owned by the caller of Run.
	next    [kinds]time.Duration // when the next packet is due, since the Load's begin
	numbers [kinds]uint32
	sent    uint64

	// Guarded by mu.
	mu       sync.Mutex
	round    uint8    // whose packets count; 0 for none
	from     []sender // by the number of the sender
	received uint64
	again    uint64
	delays   Histogram
}

// count has the packets of a round count from now on, and no others.
func (m *member) count(round uint8) {
	m.sent = 0
	m.mu.Lock()
	defer m.mu.Unlock()
	m.round = round
	m.received, m.again, m.delays = 0, 0, Histogram{}
	clear(m.from)
}

// take counts a packet that has come at time now.
func (m *member) take(from uint16, p *Packet, now time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if p.Round != m.round || m.round == 0 {
		return
	}
	for int(from) >= len(m.from) {
		m.from = append(m.from, sender{})
	}
	if !m.from[from][p.kind()].add(p.Number) {
		m.again++
		return
	}
	m.received++
	m.delays.Add(now - p.Sent)
}
