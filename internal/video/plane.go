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
