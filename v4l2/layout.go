package v4l2

import "fmt"

// A layout says where the samples of a frame are: rows of the first plane are
// stride bytes apart, those of separate chroma planes half of that.
type layout struct {
	mode
	stride int
}

const (
	// Hardware pads rows to a multiple of 16 bytes, and at most to one of 256.
	strideAlign, maxStrideAlign = 16, 256

	// pageSize is what buffers are rounded up to, and some drivers say that all
	// of it is the picture.
	pageSize = 4096

	// maxStride bounds what is believed of a driver: 4 bytes a pixel.
	maxStride = 4 * maxSide
)

// rowBytes returns the bytes of a row of the first plane without padding.
func (m mode) rowBytes() int {
	if m.format.packed() {
		return 2 * m.w
	}
	return m.w
}

// rows returns how many rows of the first plane's length a frame has, the
// chroma planes included.
func (m mode) rows() int {
	if m.format.planar() {
		return m.h + (m.h+1)/2
	}
	return m.h
}

// frameLen returns the bytes of a frame without padding. m is not compressed.
func (m mode) frameLen() int { return m.rowBytes() * m.rows() }

// layoutOf returns the layout of a frame of n bytes of mode m, which is sane and
// not compressed, where the driver says that rows are declared bytes apart, 0 if
// it does not say. The length decides what drivers tell wrong or not at all:
//
//  1. the rows are as far apart as declared, with or without padding after the
//     last one;
//  2. there is no padding;
//  3. the frame divides into longer rows, as hardware aligns them;
//  4. there is something left behind the last row, less than a page.
//
// Anything else is a damaged frame: too short, or its rows cannot be found.
func layoutOf(m mode, declared, n int) (layout, error) {
	row, rows := m.rowBytes(), m.rows()
	if declared < row || declared > maxStride || m.format.planar() && declared%2 != 0 {
		declared = row
	}
	if n <= declared*rows && n >= leastLen(m, declared) {
		return layout{m, declared}, nil
	}
	if n == m.frameLen() {
		return layout{m, row}, nil
	}
	if s := n / rows; n%rows == 0 && s%strideAlign == 0 && s > row && s < row+maxStrideAlign {
		return layout{m, s}, nil
	}
	for _, s := range [...]int{declared, row} {
		if over := n - s*rows; over > 0 && over < pageSize {
			return layout{m, s}, nil
		}
	}
	return layout{}, fmt.Errorf("%w: %d bytes instead of %d", errFrame, n, declared*rows)
}

// leastLen returns the bytes of a frame up to the last sample.
func leastLen(m mode, stride int) int {
	pad := stride - m.rowBytes()
	if m.format == yu12 || m.format == yv12 {
		pad /= 2 // the last row is one of chroma
	}
	return stride*m.rows() - pad
}

// A plane says where samples are: the first one, and how many bytes rows and
// samples are apart.
type plane struct{ off, stride, step int }

// luma returns where the luma is.
func (l layout) luma() plane {
	switch {
	case l.format == uyvy:
		return plane{1, l.stride, 2}
	case l.format.packed():
		return plane{0, l.stride, 2}
	}
	return plane{0, l.stride, 1}
}

// chroma returns where the chroma is: in every row of a packed frame, in every
// second one of a planar frame.
func (l layout) chroma() (cb, cr plane) {
	base := l.stride * l.h
	switch l.format {
	case yuyv:
		return plane{1, l.stride, 4}, plane{3, l.stride, 4}
	case yvyu:
		return plane{3, l.stride, 4}, plane{1, l.stride, 4}
	case uyvy:
		return plane{0, l.stride, 4}, plane{2, l.stride, 4}
	case nv12:
		return plane{base, l.stride, 2}, plane{base + 1, l.stride, 2}
	case nv21:
		return plane{base + 1, l.stride, 2}, plane{base, l.stride, 2}
	default: // YU12, YV12
		half := l.stride / 2
		one, two := plane{base, half, 1}, plane{base + half*((l.h+1)/2), half, 1}
		if l.format == yv12 {
			return two, one
		}
		return one, two
	}
}
