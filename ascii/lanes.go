package ascii

import "encoding/binary"

// Samples are worked on eight at a time, in the bytes of a 64-bit word, or four
// at a time, in its lanes of 16 bits: those of even or of odd places. Sums and
// differences of lanes are those of the words as long as none leaves its lane,
// which the bias of topBits sees to where they may be negative.
const (
	wordSize = 8 // samples in a word

	eachByte  = 0x0101010101010101 // times n: n in every byte
	eachLane  = 0x0001000100010001 // times n: n in every lane
	topBits   = 0x8000 * eachLane
	evenBytes = 0xff * eachLane
)

// padded returns n rounded up to whole words.
func padded(n int) int { return (n + wordSize - 1) &^ (wordSize - 1) }

// load returns the first eight samples of p, the first in the lowest byte.
func load(p []uint8) uint64 { return binary.LittleEndian.Uint64(p) }

// store stores eight samples in p.
func store(p []uint8, v uint64) { binary.LittleEndian.PutUint64(p, v) }

// lanes returns the even and the odd bytes of v, each in a lane.
func lanes(v uint64) (even, odd uint64) { return v & evenBytes, v >> 8 & evenBytes }

// merge is the inverse of lanes.
func merge(even, odd uint64) uint64 { return even | odd<<8 }

// fillLanes returns lanes of ones where those of ones, each 0 or 1, are 1.
func fillLanes(ones uint64) uint64 { return ones<<16 - ones }

// fillBytes does the same with bytes.
func fillBytes(ones uint64) uint64 { return ones<<8 - ones }

// addBytes returns the sum of the eight bytes of v.
func addBytes(v uint64) uint64 {
	even, odd := lanes(v)
	return (even + odd) * eachLane >> 48
}

// alike reports whether no byte of a is off by more than one from that of b.
func alike(a, b uint64) bool {
	ae, ao := lanes(a)
	be, bo := lanes(b)
	// Differences of -1 to 1 become 0 to 2, and others more: 0x7ffd carries
	// those to the top.
	e := (ae | 0x100*eachLane) - be + eachLane ^ 0x100*eachLane
	o := (ao | 0x100*eachLane) - bo + eachLane ^ 0x100*eachLane
	return ((e+0x7ffd*eachLane)|(o+0x7ffd*eachLane))&topBits == 0
}

// atLeast returns a bit for each byte of v that is t or more.
func atLeast(v uint64, t uint8) uint8 {
	const high = 0x80 * eachByte
	limit := uint64(t) * eachByte
	// The lower seven bits of each byte are compared by a difference, which
	// counts where the eighth bits are the same.
	low := (v | high) - limit&^high
	ge := (v&^limit | ^(v^limit)&low) & high
	// Each bit to its place in the highest byte.
	return uint8(ge >> 7 * 0x0102040810204080 >> 56)
}
