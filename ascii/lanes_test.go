package ascii

import (
	"math/rand/v2"
	"testing"
)

// TestLanes compares what is done with eight bytes at a time with what it means
// for each.
func TestLanes(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 10))
	for range 20000 {
		a, b, limit := rng.Uint64(), rng.Uint64(), uint8(rng.UintN(256))
		if rng.IntN(2) == 0 {
			// Near together, as bytes seldom are by chance.
			for k := range 8 {
				v := int(a>>(8*k)&0xff) + rng.IntN(4) - 1
				b = b&^(0xff<<(8*k)) | uint64(min(max(v, 0), 255))<<(8*k)
			}
		}
		near, bits, sum := true, uint8(0), uint64(0)
		for k := range 8 {
			v, w := uint8(a>>(8*k)), uint8(b>>(8*k))
			near = near && abs(int(v)-int(w)) <= 1
			sum += uint64(v)
			if v >= limit {
				bits |= 1 << k
			}
		}
		if got := alike(a, b); got != near {
			t.Errorf("alike(%016x, %016x) = %v", a, b, got)
		}
		if got := atLeast(a, limit); got != bits {
			t.Errorf("atLeast(%016x, %02x) = %08b, want %08b", a, limit, got, bits)
		}
		if got := addBytes(a); got != sum {
			t.Errorf("addBytes(%016x) = %d, want %d", a, got, sum)
		}
		if got := merge(lanes(a)); got != a {
			t.Errorf("merge(lanes(%016x)) = %016x", a, got)
		}
	}
}
