package cipher

// windowSize is how far behind the newest packet one may come, in packets.
const windowSize = 1024

// windowWords has one word more than windowSize takes: the oldest one is
// cleared as a whole when the window moves on.
const windowWords = windowSize/64 + 1

// A window remembers which counters were received, as RFC 6479 does. The zero
// window has seen nothing.
type window struct {
	next uint64 // one more than the newest counter
	bits [windowWords]uint64
}

// has reports whether a counter was seen, or is too old to tell.
func (w *window) has(ctr uint64) bool {
	if ctr >= w.next {
		return false
	}
	return w.next-ctr > windowSize || w.bits[ctr/64%windowWords]&(1<<(ctr%64)) != 0
}

// add marks a counter that has reports false for. It must be less than
// 2^64 - 1.
func (w *window) add(ctr uint64) {
	if ctr >= w.next {
		// Words between the newest one and that of ctr hold what is now
		// too old. (w.next+63)/64 is the first that was never used.
		from, to := (w.next+63)/64, ctr/64
		for i := range min(windowWords, max(to+1, from)-from) {
			w.bits[(from+i)%windowWords] = 0
		}
		w.next = ctr + 1
	}
	w.bits[ctr/64%windowWords] |= 1 << (ctr % 64)
}
