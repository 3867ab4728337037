package video

import "image"

// Scale fills dst, whose size is set, with src scaled by area average (or
// bilinear when it grows), cropped to dst's shape: to as much as there is of
// it, in the middle of the width and above the middle of the height, where
// faces are. It is what package ascii cuts off for a tile of that shape, within
// half a pixel, and nothing if the shapes are equal. Only luma is scaled; dst's
// chroma becomes empty. A src without pixels makes dst black. It allocates
// nothing. dst and src share no memory.
func Scale(dst, src *image.YCbCr) { ScaleTo(dst, src, 1) }

// ScaleTo is Scale for a dst whose pixels are high times as high as wide, which
// those of src are not.
func ScaleTo(dst, src *image.YCbCr, high int) {
	dst.Cb, dst.Cr, dst.CStride = dst.Cb[:0], dst.Cr[:0], 0
	w, h := dst.Rect.Dx(), dst.Rect.Dy()
	if dst.Rect.Empty() {
		return
	}
	to := samples{dst.Y, dst.YStride, w, h}
	from := samples{src.Y, src.YStride, src.Rect.Dx(), src.Rect.Dy()}
	if src.Rect.Empty() {
		for y := range h {
			clear(to.row(y))
		}
		return
	}
	to.scale(from.part(crop(from.w, from.h, w, h*high)))
}

// neutral is the chroma of gray.
const neutral = 128

// ScaleColour is Scale for pictures with colour: dst's chroma planes are filled
// too. They are 4:2:0, and large enough for dst's size. A src without chroma
// in 4:2:0 makes dst gray.
func ScaleColour(dst, src *image.YCbCr) { ScaleColourTo(dst, src, 1) }

// ScaleColourTo is ScaleColour for a dst whose pixels are high times as high as
// wide, which those of src are not.
func ScaleColourTo(dst, src *image.YCbCr, high int) {
	cb, cr, stride := dst.Cb, dst.Cr, dst.CStride
	ScaleTo(dst, src, high)
	dst.Cb, dst.Cr, dst.CStride = cb, cr, stride
	if dst.Rect.Empty() {
		return
	}
	w, h := (dst.Rect.Dx()+1)/2, (dst.Rect.Dy()+1)/2
	// The part that luma was cropped to, and whole samples of it.
	part := crop(src.Rect.Dx(), src.Rect.Dy(), dst.Rect.Dx(), dst.Rect.Dy()*high)
	part.Min = part.Min.Div(2)
	part.Max = part.Max.Add(image.Pt(1, 1)).Div(2)
	for n, pix := range [2][]byte{cb, cr} {
		to := samples{pix, stride, w, h}
		if !hasColour(src) {
			for y := range h {
				fill(to.row(y), neutral)
			}
			continue
		}
		from := samples{[2][]byte{src.Cb, src.Cr}[n], src.CStride, (src.Rect.Dx() + 1) / 2, (src.Rect.Dy() + 1) / 2}
		to.scale(from.part(part))
	}
}

// hasColour reports whether src has the chroma planes of its size in 4:2:0.
func hasColour(src *image.YCbCr) bool {
	w, h := (src.Rect.Dx()+1)/2, (src.Rect.Dy()+1)/2
	n := (h-1)*src.CStride + w
	return !src.Rect.Empty() && src.SubsampleRatio == image.YCbCrSubsampleRatio420 &&
		src.CStride >= w && len(src.Cb) >= n && len(src.Cr) >= n
}

// samples is a rectangle of luma or of chroma.
type samples struct {
	pix    []byte
	stride int
	w, h   int
}

// scale fills s with from.
func (s samples) scale(from samples) {
	switch {
	case from.w == s.w && from.h == s.h:
		for y := range s.h {
			copy(s.row(y), from.row(y))
		}
	case from.w < s.w || from.h < s.h:
		interpolate(s, from)
	default:
		average(s, from)
	}
}

func (s samples) row(y int) []byte { return s.pix[y*s.stride : y*s.stride+s.w] }

// part returns the samples of s in r.
func (s samples) part(r image.Rectangle) samples {
	return samples{s.pix[r.Min.Y*s.stride+r.Min.X:], s.stride, r.Dx(), r.Dy()}
}

// headroomNum/headroomDen is the share of what is cut off in height that is cut
// off above: that of package ascii. Half would be the middle; people sit with
// their faces above it.
const (
	headroomNum = 2
	headroomDen = 5
)

// crop returns the largest part of a picture of w x h pixels that has the shape
// wide x high, in whole pixels and at least one.
func crop(w, h, wide, high int) image.Rectangle {
	cw := max(1, min(w, (h*wide+high/2)/high))
	ch := max(1, min(h, (w*high+wide/2)/wide))
	x := (w - cw) / 2
	y := ((h-ch)*headroomNum + headroomDen/2) / headroomDen
	return image.Rect(x, y, x+cw, y+ch)
}

// chunk is how many columns average works on at once.
const chunk = 512

// average scales from down to d: each sample becomes the mean of the area it
// covers. Lengths are counted so that they are whole: down a column a sample of
// from is d.h long and one of d is from.h long, and along a row likewise.
func average(d, from samples) {
	var sums [chunk]uint64
	area := uint64(from.w) * uint64(from.h)
	for y := range d.h {
		row := d.row(y)
		for x0 := 0; x0 < d.w; x0 += chunk {
			n := min(chunk, d.w-x0)
			clear(sums[:n])
			for at, end := y*from.h, (y+1)*from.h; at < end; {
				r := at / d.h
				long := min((r+1)*d.h, end) - at
				addRow(sums[:n], from.row(r), x0, d.w, uint64(long))
				at += long
			}
			for i, v := range sums[:n] {
				row[x0+i] = byte((v + area/2) / area)
			}
		}
	}
}

// addRow adds to sums, times weight, what a row of src has in each of the
// columns from x0 on, of wide columns that it is divided into.
func addRow(sums []uint64, src []byte, x0, wide int, weight uint64) {
	at := x0 * len(src)
	i, part := at/wide, at%wide // the first sample of the column, and how much of it is before
	for k := range sums {
		end := at + len(src)
		last, rest := end/wide, end%wide
		if last == i {
			sums[k] += weight * uint64(int(src[i])*len(src))
		} else {
			sum := 0
			for _, v := range src[i+1 : last] {
				sum += int(v)
			}
			sum = sum*wide + int(src[i])*(wide-part)
			if rest > 0 {
				sum += int(src[last]) * rest
			}
			sums[k] += weight * uint64(sum)
		}
		at, i, part = end, last, rest
	}
}

// interpolate scales from up to d: each sample lies between four, whose weights are
// in 1/256.
func interpolate(d, from samples) {
	for y := range d.h {
		top, below, v := between(y, d.h, from.h)
		r0, r1, row := from.row(top), from.row(below), d.row(y)
		for x := range row {
			left, right, h := between(x, d.w, from.w)
			a := int(r0[left])*(256-h) + int(r0[right])*h
			b := int(r1[left])*(256-h) + int(r1[right])*h
			row[x] = byte((a*(256-v) + b*v + 1<<15) >> 16)
		}
	}
}

// between returns the two of n samples that sample i of wide lies between, and
// how far from the first, in 1/256.
func between(i, wide, n int) (a, b, part int) {
	at := max(0, ((2*i+1)*n-wide)*128/wide) // the middles of samples match
	a = min(at>>8, n-1)
	return a, min(a+1, n-1), at & 255
}
