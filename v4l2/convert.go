package v4l2

import (
	"encoding/binary"
	"image"
)

// A frame of a camera becomes a picture in one pass over its bytes: every
// sample goes through a table of 256 entries that undoes limited range.

// A table maps the samples of a camera to full range.
type table [256]uint8

// Tables for cameras of full range (nothing to do) and of limited range: luma
// 16 to 235, chroma 16 to 240.
var fullLuma, limitedLuma, limitedChroma = tables()

func tables() (full, luma, chroma table) {
	for i := range 256 {
		full[i] = uint8(i)
		// + 109 and + 112 round to the nearest: half of the divisor.
		luma[i] = clamp((max(i-16, 0)*255 + 109) / 219)
		chroma[i] = clamp(((i-128)*255 + 128*224 + 112) / 224)
	}
	return full, luma, chroma
}

func clamp(v int) uint8 { return uint8(min(max(v, 0), 255)) }

// A levels decides whether a camera's luma is limited to 16..235 or not, which
// V4L2 drivers do not say reliably. The zero levels takes it for limited.
//
// The rule: limited, until one picture has more than a sixteen-thousandth of
// its samples (19 at 640x480) beyond 8..243; from then on full, for as long as
// the camera is open. Cameras of limited range overshoot a little at sharp
// edges, and a pixel may be dead: neither goes that far that often. A camera
// of full range shows some black or glare soon, mostly in its first pictures
// while the exposure settles. As the decision falls at most once there is no
// flicker, and what a full-range camera loses before it is next to nothing.
type levels struct{ full bool }

const (
	beyondLow  = 8   // luma below it is far below black
	beyondHigh = 243 // luma above it is far above white

	lookEvery  = 3     // a third of the samples tells enough
	lookShare  = 16384 // one in so many beyond is the limit
	lookAtMost = 3     // sampled beyond in a small picture
)

// look examines the luma of a frame of w x h pixels, which is at p in b.
func (l *levels) look(b []byte, w, h int, p plane) {
	if l.full {
		return
	}
	beyond, i := 0, 0
	for y := range h {
		row := b[p.off+y*p.stride:][:(w-1)*p.step+1]
		for i *= p.step; i < len(row); i += lookEvery * p.step {
			// One comparison for both ends: what is less than low wraps.
			if row[i]-beyondLow > beyondHigh-beyondLow {
				beyond++
			}
		}
		i = i/p.step - w // the pattern goes on in the next row
	}
	l.full = beyond > max(lookAtMost, w*h/(lookEvery*lookShare))
}

// tables returns the tables for luma and chroma.
func (l *levels) tables() (luma, chroma *table) {
	if l.full {
		return &fullLuma, &fullLuma
	}
	return &limitedLuma, &limitedChroma
}

// shape makes img a picture of w x h pixels, with 4:2:0 chroma or none, reusing
// its planes.
func shape(img *image.YCbCr, w, h int, chroma bool) {
	img.Rect = image.Rect(0, 0, w, h)
	img.SubsampleRatio = image.YCbCrSubsampleRatio420
	img.YStride, img.CStride = w, 0
	img.Y = grow(img.Y, w*h)
	n := 0
	if chroma {
		img.CStride = (w + 1) / 2
		n = img.CStride * ((h + 1) / 2)
	}
	img.Cb, img.Cr = grow(img.Cb, n), grow(img.Cr, n)
}

func grow(b []byte, n int) []byte {
	if cap(b) < n {
		return make([]byte, n)
	}
	return b[:n]
}

// convert stores frame src of layout m in img.
func convert(img *image.YCbCr, src []byte, m layout, chroma bool, l *levels) {
	shape(img, m.w, m.h, chroma)
	p := m.luma()
	l.look(src, m.w, m.h, p)
	luma, chr := l.tables()
	gather(img.Y, src, m.w, m.h, p, luma)
	if !chroma {
		return
	}
	cb, cr := m.chroma()
	switch {
	case m.format.packed():
		halveRows(img, src, cb, cr, chr)
	case m.format.planar():
		gather(img.Cb, src, m.w/2, (m.h+1)/2, cb, chr)
		gather(img.Cr, src, m.w/2, (m.h+1)/2, cr, chr)
	default: // GREY
		fill(img.Cb, 128)
		fill(img.Cr, 128)
	}
}

// gather maps the w x h samples at p in src to dst.
func gather(dst, src []byte, w, h int, p plane, t *table) {
	if p.stride == w*p.step { // no padding: one long row
		w, h = w*h, 1
	}
	for y := range h {
		to, from := dst[y*w:][:w], src[p.off+y*p.stride:]
		switch {
		case p.step == 2:
			pick2(to, from, t)
		case t == &fullLuma:
			copy(to, from)
		default:
			pick(to, from, t)
		}
	}
}

// pick maps len(dst) samples of src.
func pick(dst, src []byte, t *table) {
	src = src[:len(dst)]
	for i, v := range src {
		dst[i] = t[v]
	}
}

// pick2 maps len(dst) samples of src, every second byte.
func pick2(dst, src []byte, t *table) {
	// Four at a time: a load of eight bytes and a store of four.
	for len(dst) >= 4 && len(src) >= 8 {
		v := binary.LittleEndian.Uint64(src)
		dst[0], dst[1], dst[2], dst[3] = t[uint8(v)], t[uint8(v>>16)], t[uint8(v>>32)], t[uint8(v>>48)]
		dst, src = dst[4:], src[8:]
	}
	for i := range dst {
		dst[i] = t[src[2*i]]
	}
}

// halveRows makes 4:2:0 chroma of the 4:2:2 chroma at cb and cr in src: the mean
// of two rows.
func halveRows(img *image.YCbCr, src []byte, cb, cr plane, t *table) {
	w, h := img.CStride, img.Rect.Dy()
	for y := range (h + 1) / 2 {
		a := src[2*y*cb.stride:][:4*w]
		b := src[min(2*y+1, h-1)*cb.stride:][:4*w]
		u, v := img.Cb[y*w:][:w], img.Cr[y*w:][:w]
		for len(u) >= 2 && len(v) >= 2 && len(a) >= 8 && len(b) >= 8 {
			m := means(binary.LittleEndian.Uint64(a), binary.LittleEndian.Uint64(b))
			mu, mv := m>>(8*cb.off&63), m>>(8*cr.off&63)
			u[0], u[1] = t[uint8(mu)], t[uint8(mu>>32)]
			v[0], v[1] = t[uint8(mv)], t[uint8(mv>>32)]
			u, v, a, b = u[2:], v[2:], a[8:], b[8:]
		}
		for x := range u {
			u[x] = t[(int(a[4*x+cb.off])+int(b[4*x+cb.off])+1)/2]
			v[x] = t[(int(a[4*x+cr.off])+int(b[4*x+cr.off])+1)/2]
		}
	}
}

// means returns the mean of each of the eight bytes of a and b, halves up:
// a + b = 2*(a|b) - (a^b), where half of a^b is rounded down within each byte.
func means(a, b uint64) uint64 { return (a | b) - (a^b)>>1&0x7f7f7f7f7f7f7f7f }

func fill(b []byte, v byte) {
	for i := range b {
		b[i] = v
	}
}
