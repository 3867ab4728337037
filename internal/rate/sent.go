package rate

import "time"

// times remembers when packets were sent, by their numbers. It takes no memory
// before the first and then as much as it needs for sentTime, up to a bound: 1 KB
// for 100 packets a second, 16 KB for 2,000 and more.
type times struct {
	newest uint64
	ring   []uint32 // ticks; 0 where it is not known
}

const (
	sentTime  = uint32(2 * time.Second / tick)
	leastSent = 256
	mostSent  = 4096
)

// put takes note that packet number counter is sent.
func (t *times) put(counter uint64, at uint32) {
	at = max(at, 1)
	if counter <= t.newest {
		return
	}
	if t.ring == nil {
		t.ring = make([]uint32, leastSent)
	}
	i := t.index(counter)
	if old := t.ring[i]; old != 0 && at-old < sentTime && len(t.ring) < mostSent {
		t.grow()
		i = t.index(counter)
	}
	if passed := counter - t.newest; passed > uint64(len(t.ring)) {
		clear(t.ring)
	} else {
		for c := t.newest + 1; c < counter; c++ {
			t.ring[t.index(c)] = 0 // one with nothing of which anybody wants to hear
		}
	}
	t.ring[i], t.newest = at, counter
}

// grow doubles the ring.
func (t *times) grow() {
	old := *t
	t.ring = make([]uint32, 2*len(old.ring))
	for back := range uint64(len(old.ring)) {
		if c := old.newest - back; back < old.newest {
			t.ring[t.index(c)] = old.ring[old.index(c)]
		}
	}
}

func (t *times) index(counter uint64) int { return int(counter & uint64(len(t.ring)-1)) }

// get returns when packet number counter was sent.
func (t *times) get(counter uint64) (at uint32, ok bool) {
	if counter > t.newest || t.newest-counter >= uint64(len(t.ring)) {
		return 0, false
	}
	at = t.ring[t.index(counter)]
	return at, at != 0
}

// whole returns the number of a packet of which the last 32 bits are known and that
// was sent among the latest 2^31.
func (t *times) whole(low uint32) (counter uint64, ok bool) {
	back := uint32(t.newest) - low
	if back >= 1<<31 || uint64(back) >= t.newest {
		return 0, false
	}
	return t.newest - uint64(back), true
}
