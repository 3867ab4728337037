package v4l2

import (
	"cmp"
	"slices"
)

// A fourCC names a pixel format as V4L2 does: four letters, the first in the
// lowest byte.
type fourCC uint32

// The formats that are understood. GREY is NV12 or YU12 without their chroma,
// NV21 and YV12 are those with Cb and Cr exchanged.
const (
	yuyv fourCC = 'Y' | 'U'<<8 | 'Y'<<16 | 'V'<<24
	yvyu fourCC = 'Y' | 'V'<<8 | 'Y'<<16 | 'U'<<24
	uyvy fourCC = 'U' | 'Y'<<8 | 'V'<<16 | 'Y'<<24
	nv12 fourCC = 'N' | 'V'<<8 | '1'<<16 | '2'<<24
	nv21 fourCC = 'N' | 'V'<<8 | '2'<<16 | '1'<<24
	yu12 fourCC = 'Y' | 'U'<<8 | '1'<<16 | '2'<<24
	yv12 fourCC = 'Y' | 'V'<<8 | '1'<<16 | '2'<<24
	grey fourCC = 'G' | 'R'<<8 | 'E'<<16 | 'Y'<<24
	mjpg fourCC = 'M' | 'J'<<8 | 'P'<<16 | 'G'<<24
	jpeg fourCC = 'J' | 'P'<<8 | 'E'<<16 | 'G'<<24
)

// byUse has the formats in order of how many cameras have them: what few have,
// drivers are more likely to get wrong.
var byUse = [...]fourCC{yuyv, uyvy, yvyu, nv12, yu12, nv21, yv12, grey, mjpg, jpeg}

func (f fourCC) String() string {
	return string([]byte{byte(f), byte(f >> 8), byte(f >> 16), byte(f >> 24)})
}

// compressed reports whether pictures of format f have no fixed length.
func (f fourCC) compressed() bool { return f == mjpg || f == jpeg }

// packed reports whether two pixels of format f share four bytes.
func (f fourCC) packed() bool { return f == yuyv || f == yvyu || f == uyvy }

// planar reports whether format f has planes of luma and of 4:2:0 chroma.
func (f fourCC) planar() bool { return f == nv12 || f == nv21 || f == yu12 || f == yv12 }

// rank orders formats by the work they make: YUYV, which nearly every camera
// has and whose luma only needs picking out, then the planar ones, then MJPEG.
// ok is false for a format that is not understood.
func (f fourCC) rank(chroma bool) (rank int, ok bool) {
	switch {
	case f.packed():
		return 0, true
	case f.planar() || f == grey && !chroma:
		return 1, true
	case f.compressed():
		return 2, true
	case f == grey: // better than nothing only
		return 3, true
	default:
		return 0, false
	}
}

// A sizeRange is one entry of a camera's list of frame sizes, in pixels: a
// single size (minimum equals maximum), a grid of sizes, or all zero where the
// driver takes any size.
type sizeRange struct {
	minW, maxW, stepW int
	minH, maxH, stepH int
}

// nearest returns the size of the range that is nearest to w x h.
func (r sizeRange) nearest(w, h int) (int, int) {
	if r == (sizeRange{}) {
		return w, h
	}
	return snap(w, r.minW, r.maxW, r.stepW), snap(h, r.minH, r.maxH, r.stepH)
}

// snap returns the value of lo, lo+step, lo+2*step ... hi that is nearest to v.
func snap(v, lo, hi, step int) int {
	v = min(max(v, lo), max(lo, hi))
	if step <= 1 {
		return v
	}
	n := (v - lo + step/2) / step
	if lo+n*step > hi {
		n--
	}
	return lo + max(n, 0)*step
}

// A mode is a format and a size that a camera offers.
type mode struct {
	format fourCC
	w, h   int
}

// maxSide bounds both sides of a picture in pixels, so that no arithmetic with
// a driver's numbers overflows.
const maxSide = 8192

// modeOf returns what a camera offers in format f nearest to the size wanted.
// ok is false if the size is out of bounds or too odd for the format.
func modeOf(f fourCC, r sizeRange, wantW, wantH int) (m mode, ok bool) {
	w, h := r.nearest(wantW, wantH)
	m = mode{f, w, h}
	return m, m.sane()
}

// sane reports whether pictures of mode m can be dealt with.
func (m mode) sane() bool {
	odd := m.w%2 != 0 && (m.format.packed() || m.format.planar())
	return m.w >= 2 && m.h >= 2 && m.w <= maxSide && m.h <= maxSide && !odd
}

// compareModes orders modes from the best to the worst for a picture of
// wantW x wantH pixels:
//
//  1. the size itself or a smaller one down to half its width, by format:
//     YUYV, planar, MJPEG, and for each the size itself first;
//  2. larger sizes: MJPEG first, because USB carries large raw pictures at 5
//     to 10 a second only;
//  3. tiny ones.
//
// Of equals the one whose area is nearest wins, then the format that more
// cameras have.
func compareModes(a, b mode, wantW, wantH int, chroma bool) int {
	return cmp.Or(
		cmp.Compare(class(a, wantW, wantH, chroma), class(b, wantW, wantH, chroma)),
		cmp.Compare(abs(a.w*a.h-wantW*wantH), abs(b.w*b.h-wantW*wantH)),
		cmp.Compare(slices.Index(byUse[:], a.format), slices.Index(byUse[:], b.format)),
	)
}

// class is the first criterion of compareModes; less is better.
func class(m mode, wantW, wantH int, chroma bool) int {
	const ranks = 4
	rank, _ := m.format.rank(chroma)
	switch {
	case m.w == wantW && m.h == wantH:
		return 2 * rank
	case m.w <= wantW && m.h <= wantH && 2*m.w >= wantW:
		return 2*rank + 1
	case 2*m.w >= wantW && m.format.compressed():
		return 2 * ranks
	case 2*m.w >= wantW:
		return 2*ranks + 1 + rank
	}
	return 3*ranks + 1 + rank
}

func abs(v int) int { return max(v, -v) }

// An offer is a mode and the best rate that a camera has for it.
type offer struct {
	mode
	interval interval
	slow     bool // less than three quarters of the rate wanted
}

// compareOffers orders offers from the best to the worst: as compareModes does,
// yet those that are too slow come after those that are not, the fastest of
// them first, and tiny pictures after all.
func compareOffers(a, b offer, c Config) int {
	tier := func(o offer) int {
		switch {
		case 2*o.w < c.Width:
			return 2
		case o.slow:
			return 1
		}
		return 0
	}
	if t := cmp.Compare(tier(a), tier(b)); t != 0 {
		return t
	}
	if a.slow && b.slow {
		if t := cmp.Compare(b.interval.rate(), a.interval.rate()); t != 0 {
			return t
		}
	}
	return compareModes(a.mode, b.mode, c.Width, c.Height, c.Chroma)
}
