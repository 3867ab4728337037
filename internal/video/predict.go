package video

import "math/bits"

// A vector says where a block comes from, relative to where it goes, in
// quarters of a sample.
type vector struct{ x, y int16 }

// maxVector bounds both components of a vector that may be sent.
const maxVector = 4 * border

// filter holds the weights of six samples, in 1/64.
type filter [6]int32

// taps interpolates between the third and the fourth of six samples, at each
// quarter of the way.
var taps = [4]filter{{0, 0, 64, 0, 0, 0}, {1, -6, 54, 18, -4, 1}, {1, -7, 38, 38, -7, 1}, {1, -4, 18, 54, -6, 1}}

// move writes to dst, whose rows are blockStride apart, the block of
// size x size samples of p at x, y displaced by v. p must have its border.
func (p *plane) move(dst []byte, x, y int, v vector, size int) {
	x += int(v.x >> 2)
	y += int(v.y >> 2)
	x = max(reach-border, min(x, p.w+border-reach-size))
	y = max(reach-border, min(y, p.h+border-reach-size))
	o := p.at(x, y)
	h, w := &taps[v.x&3], &taps[v.y&3]
	switch {
	case v.x&3 == 0 && v.y&3 == 0:
		for j := range size {
			copy(dst[j*blockStride:j*blockStride+size], p.pix[o:o+size])
			o += p.stride
		}
	case v.y&3 == 0:
		for j := range size {
			across(dst[j*blockStride:j*blockStride+size], p.pix[o-2:], h)
			o += p.stride
		}
	case v.x&3 == 0:
		for j := range size {
			down(dst[j*blockStride:j*blockStride+size], p.pix[o-2*p.stride:], p.stride, w)
			o += p.stride
		}
	default:
		p.moveBoth(dst, o, h, w, size)
	}
}

// across interpolates along a row: dst[i] between src[i+2] and src[i+3].
func across(dst, src []byte, t *filter) {
	src = src[:len(dst)+5]
	a, b, c, d, e := int32(src[0]), int32(src[1]), int32(src[2]), int32(src[3]), int32(src[4])
	for i, s := range src[5:] {
		f := int32(s)
		dst[i] = clamp8((t[0]*a + t[1]*b + t[2]*c + t[3]*d + t[4]*e + t[5]*f + 32) >> 6)
		a, b, c, d, e = b, c, d, e, f
	}
}

// down interpolates along columns: dst[i] between the third and fourth of six
// rows that begin at src.
func down(dst, src []byte, stride int, t *filter) {
	n := len(dst)
	r0, r1, r2 := src[:n], src[stride:][:n], src[2*stride:][:n]
	r3, r4, r5 := src[3*stride:][:n], src[4*stride:][:n], src[5*stride:][:n]
	for i := range dst {
		s := t[0]*int32(r0[i]) + t[1]*int32(r1[i]) + t[2]*int32(r2[i]) + t[3]*int32(r3[i]) + t[4]*int32(r4[i]) + t[5]*int32(r5[i])
		dst[i] = clamp8((s + 32) >> 6)
	}
}

// moveBoth interpolates along rows, then columns, and rounds once.
func (p *plane) moveBoth(dst []byte, o int, h, v *filter, size int) {
	var rows [(16 + 5) * 16]int32
	for j := range size + 5 {
		from := o + (j-2)*p.stride - 2
		src := p.pix[from : from+size+5]
		out := rows[j*16 : j*16+size]
		a, b, c, d, e := int32(src[0]), int32(src[1]), int32(src[2]), int32(src[3]), int32(src[4])
		src = src[5:][:len(out)]
		for i := range out {
			f := int32(src[i])
			out[i] = h[0]*a + h[1]*b + h[2]*c + h[3]*d + h[4]*e + h[5]*f
			a, b, c, d, e = b, c, d, e, f
		}
	}
	for j := range size {
		out := dst[j*blockStride : j*blockStride+size]
		n := len(out)
		r0, r1, r2 := rows[j*16:][:n], rows[j*16+16:][:n], rows[j*16+32:][:n]
		r3, r4, r5 := rows[j*16+48:][:n], rows[j*16+64:][:n], rows[j*16+80:][:n]
		for i := range out {
			s := v[0]*r0[i] + v[1]*r1[i] + v[2]*r2[i] + v[3]*r3[i] + v[4]*r4[i] + v[5]*r5[i]
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
// where it is rough. It is 1.5 for each doubling of the variance of the 8x8
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
	return max(least, min((12*(log8-middle)+32)>>6, most)) // 12/64 = 1.5/8
}
