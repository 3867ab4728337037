package video

import "encoding/binary"

// border is how many samples a plane is continued beyond each of its edges, so
// that a prediction may reach outside the picture. A block that is moved
// further stops where its filter still finds reach samples on each side.
const (
	border = 32
	reach  = 4
)

// plane holds samples and their border. Its zero value is ready for resize.
type plane struct {
	w, h   int // without the border, multiples of 16, in a colour plane of 8
	stride int
	pix    []byte
}

// resize makes p a plane of w x h samples, reusing its memory. What is in it
// is undefined afterwards.
func (p *plane) resize(w, h int) {
	p.w, p.h, p.stride = w, h, w+2*border
	n := p.stride * (h + 2*border)
	if cap(p.pix) < n {
		p.pix = make([]byte, n)
	}
	p.pix = p.pix[:n]
}

// at returns where in pix the sample x, y is.
func (p *plane) at(x, y int) int { return (y+border)*p.stride + x + border }

// extend fills the border with the nearest sample.
func (p *plane) extend() {
	for y := range p.h {
		row := p.pix[p.at(-border, y):p.at(p.w+border, y)]
		fill(row[:border], row[border])
		fill(row[border+p.w:], row[border+p.w-1])
	}
	top := p.pix[p.at(-border, 0):p.at(p.w+border, 0)]
	bottom := p.pix[p.at(-border, p.h-1):p.at(p.w+border, p.h-1)]
	for i := 1; i <= border; i++ {
		copy(p.pix[p.at(-border, -i):], top)
		copy(p.pix[p.at(-border, p.h-1+i):], bottom)
	}
}

func fill(b []byte, v byte) {
	for i := range b {
		b[i] = v
	}
}

// load copies w x h samples from pix, continuing the last column and row to
// the size of the plane.
func (p *plane) load(pix []byte, stride, w, h int) {
	for y := range p.h {
		row := p.pix[p.at(0, y):p.at(p.w, y)]
		from := min(y, h-1) * stride
		copy(row, pix[from:from+w])
		fill(row[w:], row[w-1])
	}
}

// store copies the leftmost and topmost w x h samples to pix.
func (p *plane) store(pix []byte, stride, w, h int) {
	for y := range h {
		copy(pix[y*stride:y*stride+w], p.pix[p.at(0, y):])
	}
}

// blockStride is the distance between the rows of a macroblock's samples in
// scratch memory.
const blockStride = 16

// set copies size x size samples from b, rows blockStride apart, to x, y.
func (p *plane) set(x, y, size int, b []byte) {
	for j := range size {
		o := p.at(x, y+j)
		copy(p.pix[o:o+size], b[j*blockStride:])
	}
}

// squares returns the sum of the squared differences of two blocks of 8x8, the
// rows of b being blockStride apart.
func squares(a []byte, stride int, b []byte) int {
	sum := 0
	for j := range 8 {
		x, y := a[j*stride:][:8], b[j*blockStride:][:8]
		for i, v := range x {
			d := int(v) - int(y[i])
			sum += d * d
		}
	}
	return sum
}

// distance returns the sum of the absolute differences of two blocks of
// size x size samples, size 8 or 16. It works on four samples at a time, in
// lanes of 16 bits of a word: a lane sums at most 16*4*255 = 16320.
func distance(a []byte, aStride int, b []byte, bStride, size int) int {
	const even = 0x00FF00FF00FF00FF
	var sum uint64
	for j := range size {
		x, y := a[j*aStride:j*aStride+size], b[j*bStride:j*bStride+size]
		for len(x) >= 8 && len(y) >= 8 {
			p, q := binary.LittleEndian.Uint64(x), binary.LittleEndian.Uint64(y)
			sum += lanes(p&even, q&even) + lanes(p>>8&even, q>>8&even)
			x, y = x[8:], y[8:]
		}
	}
	return int(sum&0xFFFF + sum>>16&0xFFFF + sum>>32&0xFFFF + sum>>48)
}

// lanes returns the absolute differences of four lanes, which are below 256.
func lanes(p, q uint64) uint64 {
	const high = 0x8000800080008000
	d := (p | high) - q    // a lane is 0x8000 + p - q: no borrow leaves it
	neg := ^d & high >> 15 // 1 where p < q
	return (d^neg*0x7FFF)&^high + neg
}

// unlikeness returns half the sum of the absolute values that the differences of
// two blocks of 8x8 have after a Hadamard transform of each quarter: like
// distance it measures sample values, but it is closer to the bits that the
// differences take. The rows of b are blockStride apart.
//
// It works on the quarters side by side, each in a lane of 16 bits of a word.
// Lanes are signed, and a negative one borrows from the next, which adding and
// subtracting keep right. A value is at most 16*255 = 4080, and the sum of a
// quarter 16*4*255 = 16320 at most, since the transform makes the root of the
// sum of squares 4 times as large.
func unlikeness(a []byte, stride int, b []byte) int {
	var t [4][4]uint64
	for y := range t {
		a0, a1 := binary.LittleEndian.Uint64(a[y*stride:]), binary.LittleEndian.Uint64(a[(y+4)*stride:])
		b0, b1 := binary.LittleEndian.Uint64(b[y*blockStride:]), binary.LittleEndian.Uint64(b[(y+4)*blockStride:])
		t[y] = hadamard(
			column(a0, a1)-column(b0, b1),
			column(a0>>8, a1>>8)-column(b0>>8, b1>>8),
			column(a0>>16, a1>>16)-column(b0>>16, b1>>16),
			column(a0>>24, a1>>24)-column(b0>>24, b1>>24))
	}
	var sum uint64
	for x := range t {
		h := hadamard(t[0][x], t[1][x], t[2][x], t[3][x])
		sum += sizes(h[0]) + sizes(h[1]) + sizes(h[2]) + sizes(h[3])
	}
	return int(sum&0xFFFF+sum>>16&0xFFFF+sum>>32&0xFFFF+sum>>48) / 2
}

// column returns the lowest byte of each half of two words in lanes.
func column(p, q uint64) uint64 {
	const lowest = 0x000000FF000000FF
	return p&lowest | q&lowest<<16
}

// hadamard transforms four numbers in each lane.
func hadamard(a, b, c, d uint64) [4]uint64 {
	s, t, u, v := a+b, a-b, c+d, c-d
	return [4]uint64{s + u, t + v, s - u, t - v}
}

// sizes returns the absolute values of the signed lanes of v.
func sizes(v uint64) uint64 {
	negative := v >> 15 & 0x0001000100010001 * 0xFFFF
	return (v + negative) ^ negative
}
