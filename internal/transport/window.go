package transport

const (
	windowSize   = 1024 // packets that may be overtaken and still count
	windowBlocks = 32   // a power of two above windowSize/64
)

// A window remembers which counters were seen (RFC 6479). Counter 0 is never
// fresh. The zero value works.
type window struct {
	newest uint64
	bits   [windowBlocks]uint64 // bit counter%64 of block counter/64%windowBlocks
}

// fresh reports whether counter was not seen and is not too old to tell.
func (w *window) fresh(counter uint64) bool {
	switch {
	case counter > w.newest:
		return true
	case counter == 0 || w.newest-counter >= windowSize:
		return false
	}
	return w.bits[counter/64%windowBlocks]&(1<<(counter%64)) == 0
}

// mark remembers a fresh counter and reports whether it is the newest.
func (w *window) mark(counter uint64) (newest bool) {
	if counter > w.newest {
		newest = true
		// The blocks between the old and the new newest are stale.
		first, last := w.newest/64+1, counter/64
		if last >= windowBlocks {
			first = max(first, last-windowBlocks+1)
		}
		for i := first; i <= last; i++ {
			w.bits[i%windowBlocks] = 0
		}
		w.newest = counter
	}
	w.bits[counter/64%windowBlocks] |= 1 << (counter % 64)
	return newest
}
