package hubload

import (
	"math/bits"
	"time"
)

// A Histogram counts delays, to about a sixteenth. The zero Histogram is empty.
type Histogram struct{ counts [1024]uint64 }

// Add counts a delay; a negative one counts as none.
func (h *Histogram) Add(d time.Duration) { h.counts[bucket(d)]++ }

// Merge adds what another one has counted.
func (h *Histogram) Merge(o *Histogram) {
	for i, n := range o.counts {
		h.counts[i] += n
	}
}

// Quantile returns the delay that a share q, from 0 to 1, does not exceed; 0 when
// nothing was counted.
func (h *Histogram) Quantile(q float64) time.Duration {
	var all, sum uint64
	for _, n := range h.counts {
		all += n
	}
	for i, n := range h.counts {
		if sum += n; n > 0 && float64(sum) >= q*float64(all) {
			return value(i)
		}
	}
	return 0
}

// bucket returns the index of a delay in microseconds: 16 for each power of two.
func bucket(d time.Duration) int {
	us := uint64(max(d, 0) / time.Microsecond)
	if us < 16 {
		return int(us)
	}
	power := bits.Len64(us) - 5
	return 16*power + int(us>>power)
}

// value returns the least delay of a bucket.
func value(i int) time.Duration {
	if i < 32 {
		return time.Duration(i) * time.Microsecond
	}
	power := i/16 - 1
	return time.Duration(i%16+16) << power * time.Microsecond
}
