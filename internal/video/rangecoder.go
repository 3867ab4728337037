package video

import "math/bits"

// The range coder is that of LZMA (32 bits with carry) except for the
// probabilities: each is the mean of a fast and a slow estimate, so that it
// both follows the picture and settles.

// prob estimates the probability that a bit is 0, twice, in 1/65536.
type prob struct{ fast, slow uint16 }

const (
	fastRate = 4 // a bit moves the fast estimate by 1/16
	slowRate = 7 // and the slow one by 1/128

	minProb = 512         // no bit costs less than 0.011 bit,
	maxProb = 65536 - 512 // or more than 7
	minSpan = 1 << 24     // the coder shifts out a byte when its span is below
	maxTrim = 32          // zero bytes that the end of a picture may lack
	evenly  = 1 << 15     // the estimate before any bit was seen
	rawCost = 256         // of a bit without a probability, in 1/256 bit
	lead    = 4           // bytes that the decoder reads ahead
	maxSpan = 1<<32 - 1   // of a new coder
	carryAt = 0xFF << 24  // lower bits from here on may still get a carry
	lowMask = minSpan - 1 // what stays when a byte is shifted out
)

// zero returns the probability of a 0.
func (p prob) zero() uint32 {
	return min(max((uint32(p.fast)+uint32(p.slow))>>1, minProb), maxProb)
}

// learn adjusts the estimates after a bit.
func (p *prob) learn(bit bool) {
	if bit {
		p.fast -= p.fast >> fastRate
		p.slow -= p.slow >> slowRate
		return
	}
	p.fast += (65535 - p.fast) >> fastRate
	p.slow += (65535 - p.slow) >> slowRate
}

// cost returns what coding the bit would take, in 1/256 bit.
func (p prob) cost(bit bool) int {
	z := p.zero()
	if bit {
		z = 65536 - z
	}
	return int(costs[z>>9])
}

// costs holds -256*log2((i+0.5)/128).
var costs = [128]uint16{
	2048, 1642, 1454, 1329, 1236, 1162, 1101, 1048, 1002, 961, 924, 890, 859, 831, 804, 780,
	757, 735, 714, 695, 676, 659, 642, 626, 611, 596, 582, 568, 555, 542, 530, 518,
	506, 495, 484, 474, 463, 453, 444, 434, 425, 416, 407, 399, 390, 382, 374, 366,
	358, 351, 343, 336, 329, 322, 315, 309, 302, 296, 289, 283, 277, 271, 265, 259,
	253, 247, 242, 236, 231, 226, 220, 215, 210, 205, 200, 195, 190, 185, 181, 176,
	171, 167, 162, 158, 153, 149, 145, 140, 136, 132, 128, 124, 120, 116, 112, 108,
	104, 101, 97, 93, 89, 86, 82, 78, 75, 71, 68, 64, 61, 58, 54, 51,
	48, 44, 41, 38, 35, 32, 28, 25, 22, 19, 16, 13, 10, 7, 4, 1,
}

// rangeEncoder writes bits, or with dry set only adds up what they would cost.
type rangeEncoder struct {
	low     uint64 // 33 bits: the carry is the highest
	span    uint32
	cache   byte // the byte that a carry may still change
	pending int  // bytes not yet written: cache and the 0xFF behind it
	buf     []byte

	dry   bool
	spent int // since dry was set, in 1/256 bit
}

// reset begins a run, reusing the buffer of the last.
func (e *rangeEncoder) reset() {
	*e = rangeEncoder{span: maxSpan, pending: 1, buf: e.buf[:0]}
}

// bit writes a bit with the probability p, which learns from it.
func (e *rangeEncoder) bit(p *prob, bit bool) {
	if e.dry {
		e.spent += p.cost(bit)
		return
	}
	bound := (e.span >> 16) * p.zero()
	if bit {
		e.low += uint64(bound)
		e.span -= bound
	} else {
		e.span = bound
	}
	p.learn(bit)
	for e.span < minSpan {
		e.span <<= 8
		e.shift()
	}
}

// raw writes a bit that is 0 as often as 1.
func (e *rangeEncoder) raw(bit bool) {
	if e.dry {
		e.spent += rawCost
		return
	}
	e.span >>= 1
	if bit {
		e.low += uint64(e.span)
	}
	if e.span < minSpan {
		e.span <<= 8
		e.shift()
	}
}

// shift moves the highest byte of low to the buffer.
func (e *rangeEncoder) shift() {
	if carry := byte(e.low >> 32); carry != 0 || uint32(e.low) < carryAt {
		e.buf = append(e.buf, e.cache+carry)
		for e.pending--; e.pending > 0; e.pending-- {
			e.buf = append(e.buf, 0xFF+carry)
		}
		e.cache = byte(e.low >> 24)
	}
	e.pending++
	e.low = (e.low & lowMask) << 8
}

// finish ends the run and returns its bytes, which the next reset overwrites.
// Of all the values that decode to the same bits it takes the one with the most
// zeros at the end, and leaves up to maxTrim zero bytes out: the decoder reads
// zeros past the end.
func (e *rangeEncoder) finish() []byte {
	for k := 32; k >= 0; k-- {
		mask := uint64(1)<<k - 1
		if v := (e.low + mask) &^ mask; v < e.low+uint64(e.span) {
			e.low = v
			break
		}
	}
	for range lead + 1 {
		e.shift()
	}
	b := e.buf[1:] // the first byte is always 0: nothing can carry into it
	for n := 0; n < maxTrim && len(b) > 0 && b[len(b)-1] == 0; n++ {
		b = b[:len(b)-1]
	}
	return b
}

// rangeDecoder reads what a rangeEncoder wrote.
type rangeDecoder struct {
	code, span uint32
	in         []byte
	pos        int // bytes read, those past the end of in included
}

// reset begins to read b, which the decoder keeps until the next reset.
func (d *rangeDecoder) reset(b []byte) {
	*d = rangeDecoder{span: maxSpan, in: b}
	for range lead {
		d.shift()
	}
}

// shift reads a byte; past the end there are zeros.
func (d *rangeDecoder) shift() {
	d.code <<= 8
	if d.pos < len(d.in) {
		d.code |= uint32(d.in[d.pos])
	}
	d.pos++
}

// bit reads a bit with the probability p, which learns from it.
func (d *rangeDecoder) bit(p *prob) bool {
	bound := (d.span >> 16) * p.zero()
	bit := d.code >= bound
	if bit {
		d.code -= bound
		d.span -= bound
	} else {
		d.span = bound
	}
	p.learn(bit)
	for d.span < minSpan {
		d.span <<= 8
		d.shift()
	}
	return bit
}

// raw reads a bit that is 0 as often as 1.
func (d *rangeDecoder) raw() bool {
	d.span >>= 1
	bit := d.code >= d.span
	if bit {
		d.code -= d.span
	}
	if d.span < minSpan {
		d.span <<= 8
		d.shift()
	}
	return bit
}

// overrun reports whether more was read than any encoder leaves out, which
// bounds the work that a short input can cause.
func (d *rangeDecoder) overrun() bool { return d.pos > len(d.in)+maxTrim }

// complete reports whether the input is neither cut short nor longer than what
// was read: a run is as long as what its decoder reads, but for the zeros left
// out.
func (d *rangeDecoder) complete() bool { return d.pos >= len(d.in) && !d.overrun() }

// writeNumber writes n, from 1 up, as the number of its bits in unary with one
// probability each, then the bits below the highest.
func (e *rangeEncoder) writeNumber(p []prob, n int) {
	low := bits.Len(uint(n)) - 1
	for k := range low {
		e.bit(&p[k], true)
	}
	if low < len(p) {
		e.bit(&p[low], false)
	}
	for k := low - 1; k >= 0; k-- {
		e.raw(n>>k&1 != 0)
	}
}

// readNumber reads what writeNumber wrote; it returns less than 2^(len(p)+1).
func (d *rangeDecoder) readNumber(p []prob) int {
	low := 0
	for low < len(p) && d.bit(&p[low]) {
		low++
	}
	n := 1
	for range low {
		n <<= 1
		if d.raw() {
			n |= 1
		}
	}
	return n
}
