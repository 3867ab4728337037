package cam

import (
	"bytes"
	"image"
	"image/jpeg"
)

// jpegQuality gives frames of about 50 kB at 640x480, as cameras do.
const jpegQuality = 85

// maxFrame returns the most bytes that a frame of format f takes.
func maxFrame(f Format, size image.Point) int {
	switch f {
	case NV12:
		return size.X*size.Y + 2*((size.X+1)/2)*((size.Y+1)/2)
	case GREY:
		return size.X * size.Y
	default:
		return size.X * size.Y * 2
	}
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
	case NV12:
		b = append(b, img.Y...)
		for i := range img.Cb {
			b = append(b, img.Cb[i], img.Cr[i])
		}
		return b, nil
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
