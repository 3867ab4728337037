package cam

import (
	"image"
	"time"
)

const (
	stampCells = 24
	stampBlack = 16  // luma, so that it is within limited range
	stampWhite = 235 // likewise
)

// stampBits returns the cells of the strip for the instant t, as the package
// comment lays them out, the leftmost in the highest of 24 bits.
func stampBits(t time.Time) uint32 {
	ms := uint32(t.UnixMilli()) & 0xffff
	return 1<<22 | (ms^ms>>1)<<6 | crc4(ms)<<2 | 1<<1
}

// crc4 returns the CRC of 16 bits by x^4+x+1.
func crc4(v uint32) uint32 {
	r := v << 4
	for i := 19; i >= 4; i-- {
		if r&(1<<i) != 0 {
			r ^= 0x13 << (i - 4)
		}
	}
	return r & 15
}

// drawStamp draws the strip for the instant t over the lowest eighth of img.
func drawStamp(img *image.YCbCr, t time.Time) {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	bits := stampBits(t)
	for y := h * 7 / 8; y < h; y++ {
		row := img.Y[y*img.YStride:][:w]
		for x := range row {
			row[x] = stampBlack
			if bits>>(stampCells-1-x*stampCells/w)&1 != 0 {
				row[x] = stampWhite
			}
		}
	}
	for y := h * 7 / 16; y < (h+1)/2; y++ {
		for x := range (w + 1) / 2 {
			img.Cb[y*img.CStride+x], img.Cr[y*img.CStride+x] = 128, 128
		}
	}
}

// ReadStamp returns how old a picture is at the instant now, by its time
// strip. ok is false if it has none that can be read. Ages from 32 s on cannot
// be told from smaller ones.
func ReadStamp(img *image.YCbCr, now time.Time) (age time.Duration, ok bool) {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	if w < stampCells || h < 8 {
		return 0, false
	}
	row := img.Y[(h-h/16-1)*img.YStride:][:w]
	var bits uint32
	for i := range stampCells {
		bits = bits<<1 | uint32(row[(2*i+1)*w/(2*stampCells)])>>7
	}
	if bits>>22 != 1 || bits&3 != 2 {
		return 0, false
	}
	ms := bits >> 6 & 0xffff
	for s := 1; s < 16; s *= 2 { // from Gray code
		ms ^= ms >> s
	}
	if crc4(ms) != bits>>2&15 {
		return 0, false
	}
	// The difference modulo 65536 as a signed number: clocks differ a little.
	d := int16(uint16(now.UnixMilli()) - uint16(ms))
	return time.Duration(d) * time.Millisecond, true
}
