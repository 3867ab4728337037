package v4l2

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	stdjpeg "image/jpeg"
)

// errFrame says that a frame is damaged: it is left out, and the next one is
// waited for.
var errFrame = errors.New("damaged frame")

// Markers of ISO/IEC 10918-1, table B.1: the byte after 0xff.
const (
	markSOF0 = 0xc0 // baseline
	markSOF1 = 0xc1 // extended sequential
	markSOF2 = 0xc2 // progressive
	markDHT  = 0xc4
	markSOI  = 0xd8
	markSOS  = 0xda
)

// endOfImage is the marker after the scan, which some cameras leave out.
var endOfImage = []byte{0xff, 0xd9}

// A jpegDecoder turns the frames of an MJPEG camera into pictures.
type jpegDecoder struct {
	buf []byte // the frame with its Huffman tables
	r   bytes.Reader

	// What the frames say of their size, which some drivers tell wrong: another
	// than the mode's is believed from the second frame in a row on.
	size, other image.Point
}

// decode stores frame src of mode m in img. JPEG is full range. A frame that
// is cut short, broken or of another size fails with errFrame and leaves img as
// it was. The standard library decodes colour even where none is wanted, and
// allocates the decoded picture; this is the one format that is not free of
// allocations.
func (d *jpegDecoder) decode(img *image.YCbCr, src []byte, m mode, chroma bool) error {
	buf, w, h, err := appendTables(d.buf[:0], src)
	d.buf = buf
	if err != nil {
		return err
	}
	// Before decoding: the decoder allocates whatever size the header names.
	if !d.believe(image.Pt(w, h), m) {
		return fmt.Errorf("%w: %dx%d pixels instead of %dx%d", errFrame, w, h, m.w, m.h)
	}
	d.r.Reset(buf)
	p, err := stdjpeg.Decode(&d.r)
	if err != nil {
		return fmt.Errorf("%w: %w", errFrame, err)
	}
	switch p := p.(type) {
	case *image.YCbCr:
		shape(img, w, h, chroma)
		copyPlane(img.Y, p.Y, w, h, p.YStride)
		if chroma {
			halveChroma(img, p)
		}
	case *image.Gray:
		shape(img, w, h, chroma)
		copyPlane(img.Y, p.Pix, w, h, p.Stride)
		fill(img.Cb, 128)
		fill(img.Cr, 128)
	default:
		return fmt.Errorf("%w: %T is not a camera's picture", errFrame, p)
	}
	return nil
}

// isJPEG reports whether b begins as a JPEG picture does.
func isJPEG(b []byte) bool { return len(b) >= 4 && b[0] == 0xff && b[1] == markSOI }

// believe reports whether a frame of mode m that says to have this size is to
// be decoded.
func (d *jpegDecoder) believe(size image.Point, m mode) bool {
	if d.size == (image.Point{}) {
		d.size = image.Pt(m.w, m.h)
	}
	switch {
	case size == d.size:
	case size != d.other || size.X < 2 || size.Y < 2 || size.X*size.Y > maxGrowth*m.w*m.h:
		d.other = size
		return false
	default:
		d.size = size
	}
	d.other = image.Point{}
	return true
}

// maxGrowth bounds how many times larger than agreed a picture may be.
const maxGrowth = 4

// appendTables appends the JPEG picture src to dst, with the standard Huffman
// tables if it has none, as cameras leave them out, and with an end if that is
// missing. It also returns the picture's size in pixels.
func appendTables(dst, src []byte) (_ []byte, w, h int, err error) {
	if !isJPEG(src) {
		return dst, 0, 0, fmt.Errorf("%w: no JPEG picture", errFrame)
	}
	hasTables := false
	for i := 2; i+4 <= len(src) && src[i] == 0xff; {
		mark := src[i+1]
		if mark == 0xff { // a fill byte
			i++
			continue
		}
		n := int(src[i+2])<<8 | int(src[i+3])
		if n < 2 || i+2+n > len(src) {
			break
		}
		switch mark {
		case markDHT:
			hasTables = true
		case markSOF0, markSOF1, markSOF2:
			if n >= 8 {
				h, w = int(src[i+5])<<8|int(src[i+6]), int(src[i+7])<<8|int(src[i+8])
			}
		case markSOS:
			dst = append(dst, src[:i]...)
			if !hasTables {
				dst = append(dst, standardTables...)
			}
			dst = append(dst, src[i:]...)
			if !bytes.HasSuffix(dst, endOfImage) {
				dst = append(dst, endOfImage...)
			}
			return dst, w, h, nil
		}
		i += 2 + n
	}
	return dst, 0, 0, fmt.Errorf("%w: JPEG header of %d bytes without a scan", errFrame, len(src))
}

// copyPlane copies w x h samples of src to dst, which has no padding.
func copyPlane(dst, src []byte, w, h, stride int) {
	for y := range h {
		copy(dst[y*w:][:w], src[y*stride:])
	}
}

// halveChroma makes the 4:2:0 chroma of img of p's, whatever p's is: each sample
// is the mean of the four that it covers.
func halveChroma(img, p *image.YCbCr) {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	if p.SubsampleRatio == image.YCbCrSubsampleRatio420 {
		copyPlane(img.Cb, p.Cb, img.CStride, (h+1)/2, p.CStride)
		copyPlane(img.Cr, p.Cr, img.CStride, (h+1)/2, p.CStride)
		return
	}
	for y := range (h + 1) / 2 {
		y1 := min(2*y+1, h-1)
		for x := range img.CStride {
			x1 := min(2*x+1, w-1)
			a, b := p.COffset(2*x, 2*y), p.COffset(x1, 2*y)
			c, d := p.COffset(2*x, y1), p.COffset(x1, y1)
			o := y*img.CStride + x
			img.Cb[o] = mean4(p.Cb[a], p.Cb[b], p.Cb[c], p.Cb[d])
			img.Cr[o] = mean4(p.Cr[a], p.Cr[b], p.Cr[c], p.Cr[d])
		}
	}
}

func mean4(a, b, c, d byte) byte { return byte((int(a) + int(b) + int(c) + int(d) + 2) / 4) }

// standardTables is a DHT segment with the four Huffman tables of ISO/IEC
// 10918-1, section K.3.
const standardTables = "" +
	"\xff\xc4\x01\xa2\x00\x00\x01\x05\x01\x01\x01\x01\x01\x01\x00\x00\x00\x00\x00\x00" +
	"\x00\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x10\x00\x02\x01\x03\x03\x02" +
	"\x04\x03\x05\x05\x04\x04\x00\x00\x01\x7d\x01\x02\x03\x00\x04\x11\x05\x12\x21\x31" +
	"\x41\x06\x13\x51\x61\x07\x22\x71\x14\x32\x81\x91\xa1\x08\x23\x42\xb1\xc1\x15\x52" +
	"\xd1\xf0\x24\x33\x62\x72\x82\x09\x0a\x16\x17\x18\x19\x1a\x25\x26\x27\x28\x29\x2a" +
	"\x34\x35\x36\x37\x38\x39\x3a\x43\x44\x45\x46\x47\x48\x49\x4a\x53\x54\x55\x56\x57" +
	"\x58\x59\x5a\x63\x64\x65\x66\x67\x68\x69\x6a\x73\x74\x75\x76\x77\x78\x79\x7a\x83" +
	"\x84\x85\x86\x87\x88\x89\x8a\x92\x93\x94\x95\x96\x97\x98\x99\x9a\xa2\xa3\xa4\xa5" +
	"\xa6\xa7\xa8\xa9\xaa\xb2\xb3\xb4\xb5\xb6\xb7\xb8\xb9\xba\xc2\xc3\xc4\xc5\xc6\xc7" +
	"\xc8\xc9\xca\xd2\xd3\xd4\xd5\xd6\xd7\xd8\xd9\xda\xe1\xe2\xe3\xe4\xe5\xe6\xe7\xe8" +
	"\xe9\xea\xf1\xf2\xf3\xf4\xf5\xf6\xf7\xf8\xf9\xfa\x01\x00\x03\x01\x01\x01\x01\x01" +
	"\x01\x01\x01\x01\x00\x00\x00\x00\x00\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a" +
	"\x0b\x11\x00\x02\x01\x02\x04\x04\x03\x04\x07\x05\x04\x04\x00\x01\x02\x77\x00\x01" +
	"\x02\x03\x11\x04\x05\x21\x31\x06\x12\x41\x51\x07\x61\x71\x13\x22\x32\x81\x08\x14" +
	"\x42\x91\xa1\xb1\xc1\x09\x23\x33\x52\xf0\x15\x62\x72\xd1\x0a\x16\x24\x34\xe1\x25" +
	"\xf1\x17\x18\x19\x1a\x26\x27\x28\x29\x2a\x35\x36\x37\x38\x39\x3a\x43\x44\x45\x46" +
	"\x47\x48\x49\x4a\x53\x54\x55\x56\x57\x58\x59\x5a\x63\x64\x65\x66\x67\x68\x69\x6a" +
	"\x73\x74\x75\x76\x77\x78\x79\x7a\x82\x83\x84\x85\x86\x87\x88\x89\x8a\x92\x93\x94" +
	"\x95\x96\x97\x98\x99\x9a\xa2\xa3\xa4\xa5\xa6\xa7\xa8\xa9\xaa\xb2\xb3\xb4\xb5\xb6" +
	"\xb7\xb8\xb9\xba\xc2\xc3\xc4\xc5\xc6\xc7\xc8\xc9\xca\xd2\xd3\xd4\xd5\xd6\xd7\xd8" +
	"\xd9\xda\xe2\xe3\xe4\xe5\xe6\xe7\xe8\xe9\xea\xf2\xf3\xf4\xf5\xf6\xf7\xf8\xf9\xfa"
