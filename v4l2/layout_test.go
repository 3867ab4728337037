package v4l2

import (
	"errors"
	"image"
	"testing"
)

func TestLayoutOf(t *testing.T) {
	vga, qcif := mode{yuyv, 640, 480}, mode{yuyv, 424, 240}
	nv, yu := mode{nv12, 640, 480}, mode{yu12, 640, 480}
	for _, c := range []struct {
		name     string
		m        mode
		declared int
		n        int
		stride   int // 0 for a damaged frame
	}{
		{"as it should be", vga, 1280, 614400, 1280},
		{"no stride told", vga, 0, 614400, 1280},
		{"nonsense told", vga, 1 << 30, 614400, 1280},
		{"too small a stride told", vga, 640, 614400, 1280},
		{"padded and told", vga, 1344, 1344 * 480, 1344},
		{"padded by an odd number and told", vga, 1287, 1287 * 480, 1287},
		{"padded, but for the last row", vga, 1344, 1344*480 - 64, 1344},
		{"padded, not told", vga, 1280, 1344 * 480, 1344},
		{"padding told, and there is none", vga, 1344, 614400, 1280},
		{"a page's rest", qcif, 848, 50 * 4096, 848},
		{"padded, and a page's rest", vga, 1344, 1344*480 + 4095, 1344},
		{"a byte short", vga, 1280, 614399, 0},
		{"half", vga, 1280, 307200, 0},
		{"none", vga, 1280, 0, 0},
		{"short of padded rows by one too many", vga, 1344, 1344*480 - 65, 0},
		{"far too long", vga, 1280, 5 * 614400, 0},
		{"too long by something", vga, 1280, 614400 + 5000, 0},
		{"NV12", nv, 640, 460800, 640},
		{"NV12 padded", nv, 704, 704 * 720, 704},
		{"NV12 padded, not told", nv, 640, 704 * 720, 704},
		{"NV12 as YUYV", nv, 640, 614400, 0},
		{"YU12 padded, but for the last row of chroma", yu, 704, 704*720 - 32, 704},
		{"YU12, an odd stride", yu, 641, 460800, 640},
		{"grey that counts the chroma it has not", mode{grey, 640, 480}, 640, 460800, 0},
	} {
		l, err := layoutOf(c.m, c.declared, c.n)
		if (err == nil) != (c.stride > 0) || l.stride != c.stride || err != nil && !errors.Is(err, errFrame) {
			t.Errorf("%s: layoutOf(%v, %d, %d) = %v, %v; want a stride of %d", c.name, c.m, c.declared, c.n, l, err, c.stride)
		}
	}
}

// FuzzLayout: whatever a driver says of a frame and however long it is, the
// frame is refused or converted without a look beyond its end.
func FuzzLayout(f *testing.F) {
	f.Add(uint8(0), uint16(64), uint16(48), 128, 6144)
	f.Add(uint8(3), uint16(64), uint16(47), 96, 96*71)
	f.Add(uint8(5), uint16(62), uint16(3), 64, 64*5-1)
	f.Add(uint8(7), uint16(2), uint16(2), -1, 4)
	f.Add(uint8(1), uint16(300), uint16(200), 1<<30, 300*2*200+4095)
	f.Fuzz(func(t *testing.T, format uint8, w, h uint16, declared, n int) {
		m := mode{rawFormats[int(format)%len(rawFormats)], int(w % 512), int(h % 512)}
		if n < 0 || n > 1<<22 || !m.sane() {
			return
		}
		l, err := layoutOf(m, declared, n)
		if err != nil {
			return
		}
		src := make([]byte, n)
		var img image.YCbCr
		var lv levels
		convert(&img, src[:n:n], l, true, &lv)
		if len(img.Y) != m.w*m.h || len(img.Cb) != len(img.Cr) || len(img.Cb) != (m.w+1)/2*((m.h+1)/2) {
			t.Errorf("%v of %d bytes: planes of %d, %d and %d", l, n, len(img.Y), len(img.Cb), len(img.Cr))
		}
	})
}
