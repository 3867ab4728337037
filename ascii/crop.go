package ascii

import (
	"image"
	"math"
)

// maxSide bounds the width and height of a picture in pixels, so that the sums
// of the sampler fit their integers.
const maxSide = 1<<15 - 1

// A plane is one channel of a picture: h rows of w samples, stride bytes apart.
type plane struct {
	pix          []byte
	w, h, stride int
}

// valid reports whether every sample of p exists.
func (p plane) valid() bool {
	if p.w <= 0 || p.h <= 0 || p.w > maxSide || p.h > maxSide || p.stride < p.w {
		return false
	}
	return int64(len(p.pix)) >= int64(p.h-1)*int64(p.stride)+int64(p.w)
}

// lumaPlane returns the luma of a picture; ok is false when it has none.
func lumaPlane(src *image.YCbCr) (p plane, ok bool) {
	if src == nil {
		return p, false
	}
	p = plane{src.Y, src.Rect.Dx(), src.Rect.Dy(), src.YStride}
	return p, p.valid()
}

// chromaPlanes returns the chroma of a picture whose luma is valid; ok is
// false when it has none, or planes that are shorter than the luma asks for.
func chromaPlanes(src *image.YCbCr) (cb, cr plane, ok bool) {
	if len(src.Cb) == 0 || len(src.Cr) == 0 {
		return cb, cr, false
	}
	across, down := 1, 1
	switch src.SubsampleRatio {
	case image.YCbCrSubsampleRatio422:
		across = 2
	case image.YCbCrSubsampleRatio420:
		across, down = 2, 2
	case image.YCbCrSubsampleRatio440:
		down = 2
	case image.YCbCrSubsampleRatio411:
		across = 4
	case image.YCbCrSubsampleRatio410:
		across, down = 4, 2
	case image.YCbCrSubsampleRatio444:
	default:
		return cb, cr, false
	}
	// As image.YCbCr.COffset counts: the first chroma sample is the one of the
	// first pixel, the last one that of the last pixel.
	b := src.Rect
	w := (b.Max.X-1)/across - b.Min.X/across + 1
	h := (b.Max.Y-1)/down - b.Min.Y/down + 1
	cb = plane{src.Cb, w, h, src.CStride}
	cr = plane{src.Cr, w, h, src.CStride}
	return cb, cr, cb.valid() && cr.valid()
}

// aspectOf returns a usable height of a cell over its width.
func aspectOf(cellAspect float64) float64 {
	if !(cellAspect > 0) { // also when it is not a number
		return 2
	}
	return min(max(cellAspect, 0.25), 8)
}

// A box is a part of a plane, in pixels from its upper left corner.
type box struct{ x0, y0, x1, y1 float64 }

// scale returns the box in a plane that is fx times as wide and fy times as
// high.
func (b box) scale(fx, fy float64) box {
	return box{b.x0 * fx, b.y0 * fy, b.x1 * fx, b.y1 * fy}
}

// headroom is the share of what is cut off in height that is cut off above.
// Half would be the middle; people sit with their faces above it.
const headroom = 0.4

// crop returns the largest part of a picture of w x h pixels that has the
// shape of a tile, at least one pixel wide and high. If it is
// whole pixels wide or high it starts at one, so that what it is divided in may
// be whole pixels too.
func crop(w, h, cols, rows int, aspect float64) box {
	shape := float64(cols) / (float64(rows) * aspect) // width over height
	width, height := float64(w), float64(h)
	cw := max(1, min(width, height*shape))
	ch := max(1, min(height, width/shape))
	x0 := (width - cw) / 2
	if cw == math.Trunc(cw) {
		x0 = math.Round(x0)
	}
	y0 := (height - ch) * headroom
	if ch == math.Trunc(ch) {
		y0 = math.Round(y0)
	}
	return box{x0, y0, x0 + cw, y0 + ch}
}

// A span is the part of an axis that one sample covers: from a up to b, in
// 1/256 pixel.
type span struct{ a, b uint32 }

// appendSpans appends the spans of n samples between from and to on an axis of
// size pixels.
//
// Spans are as wide as their distance, so that samples are exact means. Where
// samples are closer than pixels, spans are one pixel wide: the mean over one
// pixel's width between two pixels is the linear interpolation of the two.
func appendSpans(s []span, from, to float64, size, n int) []span {
	step := (to - from) / float64(n)
	half := max(step, 1) / 2
	end := float64(size)
	for i := range n {
		mid := from + (float64(i)+0.5)*step
		// At the edge of the picture a span is cut off there; its middle is
		// inside, so at least half a pixel stays.
		a := math.Round(256 * max(mid-half, 0))
		b := math.Round(256 * min(mid+half, end))
		s = append(s, span{uint32(a), uint32(b)})
	}
	return s
}
