package hub

import (
	"sync"
	"time"

	"github.com/sanix-darker/s2c/internal/wire"
)

const (
	// ringTime is how long a ring remembers a packet: as long as one may wait in
	// a receiver's queue of voice or video.
	ringTime = 300 * time.Millisecond

	// ringMin is enough for a voice: 16 packets in ringTime, in 40 KB. It is
	// enough for 30 pictures a second of one packet each in repairTime.
	ringMin = 32

	// ringMax keeps a ring below 320 KB. Somebody who sends more than 850
	// packets a second is remembered for less than ringTime.
	ringMax = 256
)

// A ring remembers the latest packets of one member.
//
// Others queue tickets, not packets: a packet is copied once however many
// members it goes to, and one that falls behind finds its tickets expired and
// costs neither memory nor anybody's time.
//
// A ring takes no memory before the first packet. It then has ringMin slots,
// and twice as many each time it would forget a packet younger than it should:
// a thousand members who just talk take 40 MB and not 320.
type ring struct {
	keep time.Duration // how long to remember a packet; 0 means ringTime

	mu     sync.Mutex
	next   uint64                   // number of the newest packet; the first is 1, so that an empty slot matches none
	slots  []slot                   // by number modulo their count
	bodies [][wire.MaxDatagram]byte // likewise; apart, so that a search reads little
}

type slot struct {
	number uint64
	at     time.Time // when it was put
	clear  wire.Packet
	n      int // bytes of the body in use
}

// A ticket names a packet in the ring of the member who sent it.
type ticket struct {
	ring   *ring
	number uint64
}

// put copies b, of which p is the clear part, into the ring and returns its
// number.
func (r *ring) put(b []byte, p wire.Packet, now time.Time) uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.next++
	if r.shortLocked(now) {
		r.growLocked()
	}
	i := r.indexLocked(r.next)
	r.slots[i] = slot{number: r.next, at: now, clear: p, n: copy(r.bodies[i][:], b)}
	return r.next
}

// shortLocked reports whether the next packet would overwrite one too young
// to go.
func (r *ring) shortLocked(now time.Time) bool {
	if len(r.slots) == 0 {
		return true
	}
	keep := r.keep
	if keep == 0 {
		keep = ringTime
	}
	s := &r.slots[r.indexLocked(r.next)]
	return len(r.slots) < ringMax && s.number != 0 && now.Sub(s.at) < keep
}

// growLocked doubles the slots and keeps what they hold.
func (r *ring) growLocked() {
	old, bodies := r.slots, r.bodies
	n := max(ringMin, 2*len(old))
	r.slots, r.bodies = make([]slot, n), make([][wire.MaxDatagram]byte, n)
	for i := range old {
		if old[i].number != 0 {
			j := r.indexLocked(old[i].number)
			r.slots[j], r.bodies[j] = old[i], bodies[i]
		}
	}
}

func (r *ring) indexLocked(number uint64) int { return int(number % uint64(len(r.slots))) }

// A found is what get has found.
type found struct {
	n     int // bytes
	clear wire.Packet
	rest  bool // it belongs to the same picture as the packet before it
}

// pictureTime is within what time the packets of one picture come, and far less
// than it is to the next picture.
const pictureTime = 5 * time.Millisecond

// get copies the packet of the given number into b and returns what it is. If it is
// larger than b, b is undefined. It reports false when the packet was overwritten.
func (r *ring) get(number uint64, b []byte) (f found, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := &r.slots[r.indexLocked(number)]
	if s.number != number {
		return found{}, false
	}
	before := &r.slots[r.indexLocked(number-1)]
	f = found{n: s.n, clear: s.clear}
	f.rest = before.number == number-1 && before.clear.KID == s.clear.KID && s.at.Sub(before.at) < pictureTime
	copy(b, r.bodies[r.indexLocked(number)][:s.n])
	return f, true
}

// find returns the numbers of the packets that n asks for and that were put
// after since: in place i that of the packet n.First + i, 0 for none.
func (r *ring) find(n wire.Nack, since time.Time) (numbers [wire.NackPackets]uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range r.slots {
		s := &r.slots[i]
		if s.number == 0 || s.clear.KID != n.KID || !s.at.After(since) {
			continue
		}
		if d := s.clear.CTR - n.First; d < wire.NackPackets && n.Bits>>d&1 != 0 {
			numbers[d] = s.number
		}
	}
	return numbers
}
