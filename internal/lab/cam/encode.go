package cam

import (
	"bytes"
	"image"
	"image/jpeg"
)

// jpegQuality gives frames of about 50 kB at 640x480, as cameras do.
const jpegQuality = 85

// rowBytes returns the bytes of a row of w pixels in format f, of the first
// plane, or 0 for MJPEG.
func rowBytes(f Format, w int) int {
	switch f {
	case MJPEG:
		return 0
	case NV12, NV21, YU12, GREY:
		return w
	default:
		return 2 * w
	}
}

// frameRows returns how many rows of that length a frame has, the chroma planes
// included.
func frameRows(f Format, h int) int {
	switch f {
	case NV12, NV21, YU12:
		return h + (h+1)/2
	default:
		return h
	}
}

// maxFrame returns the most bytes that a frame of format f takes.
func maxFrame(f Format, size image.Point) int {
	if f == MJPEG {
		return size.X * size.Y * 2
	}
	return rowBytes(f, size.X) * frameRows(f, size.Y)
}

// appendPadded appends a frame to b with pad bytes after each row, and half of
// that after the rows of the chroma planes of YU12.
func appendPadded(b, frame []byte, f Format, size image.Point, pad int) []byte {
	row := rowBytes(f, size.X)
	for y := 0; len(frame) > 0; y++ {
		n, gap := row, pad
		if f == YU12 && y >= size.Y {
			n, gap = row/2, pad/2
		}
		b = append(b, frame[:n]...)
		for range gap {
			b = append(b, 0xaa)
		}
		frame = frame[n:]
	}
	return b
}

// scale stores in dst the picture src at dst's size, taking the nearest samples.
func scale(dst, src *image.YCbCr) {
	plane := func(d []byte, dw, dh int, s []byte, sw, sh int) {
		for y := range dh {
			row := s[y*sh/dh*sw:]
			for x := range dw {
				d[y*dw+x] = row[x*sw/dw]
			}
		}
	}
	d, s := dst.Rect.Size(), src.Rect.Size()
	plane(dst.Y, d.X, d.Y, src.Y, s.X, s.Y)
	d, s = d.Add(image.Pt(1, 1)).Div(2), s.Add(image.Pt(1, 1)).Div(2)
	plane(dst.Cb, d.X, d.Y, src.Cb, s.X, s.Y)
	plane(dst.Cr, d.X, d.Y, src.Cr, s.X, s.Y)
}

// encode appends img to b in format f.
func encode(b []byte, img *image.YCbCr, f Format) ([]byte, error) {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	switch f {
	case GREY:
		return append(b, img.Y...), nil
	case NV12, NV21:
		one, two := img.Cb, img.Cr
		if f == NV21 {
			one, two = two, one
		}
		b = append(b, img.Y...)
		for i := range one {
			b = append(b, one[i], two[i])
		}
		return b, nil
	case YU12:
		return append(append(append(b, img.Y...), img.Cb...), img.Cr...), nil
	case MJPEG:
		var buf bytes.Buffer
		if err := jpeg.Encode(&buf, img, &jpeg.Options{Quality: jpegQuality}); err != nil {
			return b, err
		}
		return appendWithoutTables(b, buf.Bytes()), nil
	default:
		for y := range h {
			row, c := img.Y[y*img.YStride:][:w], y/2*img.CStride
			for x := 0; x+1 < w; x += 2 {
				if f == UYVY {
					b = append(b, img.Cb[c+x/2], row[x], img.Cr[c+x/2], row[x+1])
					continue
				}
				b = append(b, row[x], img.Cb[c+x/2], row[x+1], img.Cr[c+x/2])
			}
		}
		return b, nil
	}
}

// appendWithoutTables appends the JPEG picture p without its Huffman tables
// (segment FFC4), as cameras send it.
func appendWithoutTables(b, p []byte) []byte {
	const sos, dht = 0xda, 0xc4
	b = append(b, p[:2]...)
	for i := 2; i+4 <= len(p); {
		n := 2 + int(p[i+2])<<8 + int(p[i+3])
		switch p[i+1] {
		case sos:
			return append(b, p[i:]...)
		case dht:
		default:
			b = append(b, p[i:i+n]...)
		}
		i += n
	}
	return b
}

// An encoder encodes the pictures of one stream. It takes a picture that equals
// the one before for the same frame: JPEG takes long, and a camera of 60
// pictures a second that sees something still need not be a burden.
type encoder struct {
	format      Format
	pad         int
	last        image.YCbCr
	plain, done []byte
}

// encode returns the frame of img. It is valid until the next.
func (e *encoder) encode(img *image.YCbCr) ([]byte, error) {
	if e.done != nil && bytes.Equal(e.last.Y, img.Y) && bytes.Equal(e.last.Cb, img.Cb) && bytes.Equal(e.last.Cr, img.Cr) {
		return e.done, nil
	}
	var err error
	if e.plain, err = encode(e.plain[:0], img, e.format); err != nil {
		return nil, err
	}
	if e.pad == 0 || e.format == MJPEG {
		e.done = e.plain
	} else {
		e.done = appendPadded(e.done[:0], e.plain, e.format, img.Rect.Size(), e.pad)
	}
	e.last.Y = append(e.last.Y[:0], img.Y...)
	e.last.Cb = append(e.last.Cb[:0], img.Cb...)
	e.last.Cr = append(e.last.Cr[:0], img.Cr...)
	return e.done, nil
}
