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

	// ringMin is enough for a voice and 20 pictures a second of one packet each:
	// 21 packets in ringTime, in 40 KB.
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
// and twice as many each time it would forget a packet younger than ringTime:
// a thousand members who just talk take 40 MB and not 320.
type ring struct {
	mu    sync.Mutex
	next  uint64 // number of the newest packet; the first is 1, so that an empty slot matches none
	slots []slot // by number modulo their count
}

type slot struct {
	number uint64
	at     time.Time // when it was put
	n      int       // bytes of b in use
	b      [wire.MaxDatagram]byte
}

// A ticket names a packet in the ring of the member who sent it.
type ticket struct {
	ring   *ring
	number uint64
}

// put copies b into the ring and returns its number.
func (r *ring) put(b []byte, now time.Time) uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.next++
	if r.shortLocked(now) {
		r.growLocked()
	}
	s := r.slotLocked(r.next)
	s.number, s.at, s.n = r.next, now, copy(s.b[:], b)
	return r.next
}

// shortLocked reports whether the next packet would overwrite one too young
// to go.
func (r *ring) shortLocked(now time.Time) bool {
	if len(r.slots) == 0 {
		return true
	}
	s := r.slotLocked(r.next)
	return len(r.slots) < ringMax && s.number != 0 && now.Sub(s.at) < ringTime
}

// growLocked doubles the slots and keeps what they hold.
func (r *ring) growLocked() {
	old := r.slots
	r.slots = make([]slot, max(ringMin, 2*len(old)))
	for i := range old {
		if old[i].number != 0 {
			*r.slotLocked(old[i].number) = old[i]
		}
	}
}

func (r *ring) slotLocked(number uint64) *slot { return &r.slots[number%uint64(len(r.slots))] }

// get copies the packet of the given number into b, which must hold
// wire.MaxDatagram bytes. It reports false when the packet was overwritten.
func (r *ring) get(number uint64, b []byte) (n int, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.slotLocked(number)
	if s.number != number {
		return 0, false
	}
	return copy(b, s.b[:s.n]), true
}
