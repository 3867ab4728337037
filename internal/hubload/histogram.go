package hubload

import (
	"math/bits"
	"time"
)

// A Histogram counts delays to 3 %, in microseconds: exactly up to 64, then with
// 32 buckets for each power of two. The zero Histogram is empty. It is not safe
// for use by several goroutines.
type Histogram struct {
	buckets [buckets]uint64
	count   uint64
	max     time.Duration
}

const (
	bucketBits = 5                               // 32 buckets for each power of two
	buckets    = (26 - bucketBits) << bucketBits // up to 33 s, which is later than anything counts
)

// Add counts a delay. One below zero counts as zero.
func (h *Histogram) Add(d time.Duration) {
	d = max(d, 0)
	h.buckets[bucket(d)]++
	h.count++
	h.max = max(h.max, d)
}

// Merge counts all that o has counted.
func (h *Histogram) Merge(o *Histogram) {
	for i, n := range o.buckets {
		h.buckets[i] += n
	}
	h.count += o.count
	h.max = max(h.max, o.max)
}

// Count returns how many delays have been counted.
func (h *Histogram) Count() uint64 { return h.count }

// Max returns the largest delay, exactly; 0 when there is none.
func (h *Histogram) Max() time.Duration { return h.max }

// Quantile returns the delay that a share q of all does not exceed, from 0 to 1;
// it is up to 3 % more. It returns 0 when there is none.
func (h *Histogram) Quantile(q float64) time.Duration {
	var sum uint64
	for i, n := range h.buckets[:buckets-1] { // the last one has no end
		if sum += n; n > 0 && float64(sum) >= q*float64(h.count) {
			return min(most(i), h.max)
		}
	}
	return h.max
}

// bucket returns the index of a delay that is not below zero.
func bucket(d time.Duration) int {
	us := uint64(d / time.Microsecond)
	power := max(bits.Len64(us)-bucketBits-1, 0)
	return min(power<<bucketBits+int(us>>power), buckets-1)
}

// most returns the longest delay of a bucket.
func most(i int) time.Duration {
	power := max(i>>bucketBits-1, 0)
	return time.Duration(i-power<<bucketBits+1)<<power*time.Microsecond - 1
}
