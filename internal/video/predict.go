package video

import "math/bits"

// A vector says where a block comes from, relative to where it goes, in
// quarters of a sample.
type vector struct{ x, y int16 }

// maxVector bounds both components of a vector that may be sent.
const maxVector = 4 * border

// taps interpolates between the second and the third of four samples, at each
// quarter of the way, in 1/64.
var taps = [4][4]int32{{0, 64, 0, 0}, {-4, 54, 16, -2}, {-4, 36, 36, -4}, {-2, 16, 54, -4}}

// move writes to dst, whose rows are blockStride apart, the block of
// size x size samples of p at x, y displaced by v. p must have its border.
func (p *plane) move(dst []byte, x, y int, v vector, size int) {
	x += int(v.x >> 2)
	y += int(v.y >> 2)
	x = max(reach-border, min(x, p.w+border-reach-size))
	y = max(reach-border, min(y, p.h+border-reach-size))
	o := p.at(x, y)
	h, v4 := &taps[v.x&3], &taps[v.y&3]
	switch {
	case v.x&3 == 0 && v.y&3 == 0:
		for j := range size {
			copy(dst[j*blockStride:j*blockStride+size], p.pix[o:o+size])
			o += p.stride
		}
	case v.y&3 == 0:
		for j := range size {
			across(dst[j*blockStride:j*blockStride+size], p.pix[o-1:], h)
			o += p.stride
		}
	case v.x&3 == 0:
		for j := range size {
			down(dst[j*blockStride:j*blockStride+size], p.pix[o-p.stride:], p.stride, v4)
			o += p.stride
		}
	default:
		p.moveBoth(dst, o, h, v4, size)
	}
}

// across interpolates along a row: dst[i] between src[i+1] and src[i+2].
func across(dst, src []byte, t *[4]int32) {
	src = src[:len(dst)+3]
	a, b, c := int32(src[0]), int32(src[1]), int32(src[2])
	for i, s := range src[3:] {
		d := int32(s)
		dst[i] = clamp8((t[0]*a + t[1]*b + t[2]*c + t[3]*d + 32) >> 6)
		a, b, c = b, c, d
	}
}

// down interpolates along columns: dst[i] between the second and third of four
// rows that begin at src.
func down(dst, src []byte, stride int, t *[4]int32) {
	n := len(dst)
	r0, r1, r2, r3 := src[:n], src[stride:][:n], src[2*stride:][:n], src[3*stride:][:n]
	for i := range dst {
		s := t[0]*int32(r0[i]) + t[1]*int32(r1[i]) + t[2]*int32(r2[i]) + t[3]*int32(r3[i])
		dst[i] = clamp8((s + 32) >> 6)
	}
}

// moveBoth interpolates along rows, then columns, and rounds once.
func (p *plane) moveBoth(dst []byte, o int, h, v *[4]int32, size int) {
	var rows [(16 + 3) * 16]int32
	for j := range size + 3 {
		from := o + (j-1)*p.stride - 1
		src := p.pix[from : from+size+3]
		out := rows[j*16 : j*16+size]
		a, b, c := int32(src[0]), int32(src[1]), int32(src[2])
		src = src[3:][:len(out)]
		for i := range out {
			d := int32(src[i])
			out[i] = h[0]*a + h[1]*b + h[2]*c + h[3]*d
			a, b, c = b, c, d
		}
	}
	for j := range size {
		out := dst[j*blockStride : j*blockStride+size]
		n := len(out)
		r0, r1, r2, r3 := rows[j*16:][:n], rows[j*16+16:][:n], rows[j*16+32:][:n], rows[j*16+48:][:n]
		for i := range out {
			s := v[0]*r0[i] + v[1]*r1[i] + v[2]*r2[i] + v[3]*r3[i]
			out[i] = clamp8((s + 1<<11) >> 12)
		}
	}
}

// surround writes to dst, rows blockStride apart, the block of 8x8 at x, y of
// p as the mean of the samples above it and to the left of it, those that are
// in the picture.
func (p *plane) surround(dst []byte, x, y int) {
	o := p.at(x, y)
	sum, n := 0, 0
	if y > 0 {
		for _, v := range p.pix[o-p.stride : o-p.stride+8] {
			sum += int(v)
		}
		n += 8
	}
	if x > 0 {
		for j := range 8 {
			sum += int(p.pix[o+j*p.stride-1])
		}
		n += 8
	}
	mean := byte(128)
	if n > 0 {
		mean = byte((sum + n/2) / n)
	}
	for j := range 8 {
		fill(dst[j*blockStride:j*blockStride+8], mean)
	}
}

// weight changes the brightness of a reference picture to that of the picture
// predicted from it: sample*gain/128 + offset.
type weight struct {
	gain   uint8
	offset int8
}

// weigh makes p a copy of src, border included, with its brightness changed.
func (p *plane) weigh(src *plane, w weight) {
	var table [256]byte
	for i := range table {
		table[i] = w.apply(byte(i))
	}
	p.resize(src.w, src.h)
	for i, v := range src.pix {
		p.pix[i] = table[v]
	}
}

func (w weight) apply(v byte) byte {
	return clamp8((int32(v)*int32(w.gain)+64)>>7 + int32(w.offset))
}

// finer returns by how much the qp of a block with this prediction differs from
// that of the picture: less where it is smooth, where errors are seen, more
// where it is rough. It is 1.25 for each doubling of the variance of the 8x8
// samples from 2^4.5 on. Smooth blocks gain little: what is left of the noise
// in them is not to be sent.
func finer(pred []byte) int {
	const middle, least, most = 36, -2, 6 // 36/8 = 4.5
	sum, squared := 0, 0
	for j := range 8 {
		for _, v := range pred[j*blockStride : j*blockStride+8] {
			sum += int(v)
			squared += int(v) * int(v)
		}
	}
	variance := uint(squared*64-sum*sum)>>12 + 1
	whole := bits.Len(variance) - 1
	log8 := whole*8 + int(variance<<3>>whole&7)            // in 1/8, linear between powers of 2
	return max(least, min((10*(log8-middle)+32)>>6, most)) // 10/64 = 1.25/8
}
