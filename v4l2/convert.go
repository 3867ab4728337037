package v4l2

import "image"

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

// look examines n samples of luma, which lie step bytes apart in b.
func (l *levels) look(b []byte, n, step int) {
	if l.full {
		return
	}
	beyond := 0
	for i := 0; i < n*step; i += lookEvery * step {
		if v := b[i]; v < beyondLow || v > beyondHigh {
			beyond++
		}
	}
	l.full = beyond > max(lookAtMost, n/(lookEvery*lookShare))
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

// convert stores frame src of mode m in img. src has m's length, and m is not
// compressed.
func convert(img *image.YCbCr, src []byte, m mode, chroma bool, l *levels) {
	shape(img, m.w, m.h, chroma)
	n := m.w * m.h
	step := 1
	if m.format == yuyv {
		step = 2
	}
	l.look(src, n, step)
	luma, chr := l.tables()
	if m.format == yuyv {
		pick2(img.Y, src, luma)
	} else {
		pick(img.Y, src, luma)
	}
	if !chroma {
		return
	}
	c := len(img.Cb)
	switch m.format {
	case yuyv:
		yuyvChroma(img, src, m.w, m.h, chr)
	case nv12:
		pick2(img.Cb, src[n:], chr)
		pick2(img.Cr, src[n+1:], chr)
	case yu12:
		pick(img.Cb, src[n:], chr)
		pick(img.Cr, src[n+c:], chr)
	default: // GREY
		fill(img.Cb, 128)
		fill(img.Cr, 128)
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
	if len(dst) == 0 {
		return
	}
	src = src[:2*len(dst)-1]
	for i := range dst {
		dst[i] = t[src[2*i]]
	}
}

// yuyvChroma makes 4:2:0 chroma of the 4:2:2 chroma of src: the mean of two rows.
func yuyvChroma(img *image.YCbCr, src []byte, w, h int, t *table) {
	for y := range (h + 1) / 2 {
		a := src[2*y*w*2:][:w*2]
		b := a
		if 2*y+1 < h {
			b = src[(2*y+1)*w*2:][:w*2]
		}
		cb, cr := img.Cb[y*img.CStride:][:w/2], img.Cr[y*img.CStride:][:w/2]
		for x := range cb {
			cb[x] = t[(int(a[4*x+1])+int(b[4*x+1])+1)/2]
			cr[x] = t[(int(a[4*x+3])+int(b[4*x+3])+1)/2]
		}
	}
}

func fill(b []byte, v byte) {
	for i := range b {
		b[i] = v
	}
}
