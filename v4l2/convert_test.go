package v4l2

import (
	"bytes"
	"fmt"
	"image"
	"math/rand/v2"
	"testing"
)

// planes draws Y, Cb and Cr of a w x h picture within lo..hi; chroma is per
// two pixels in each row, as YUYV has it.
func planes(w, h int, lo, hi uint8) (y, cb, cr []byte) {
	r := rand.New(rand.NewPCG(uint64(w), uint64(h)))
	draw := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = lo + uint8(r.IntN(int(hi-lo)+1))
		}
		return b
	}
	return draw(w * h), draw((w + 1) / 2 * h), draw((w + 1) / 2 * h)
}

// halve returns the mean of each two rows of b.
func halve(b []byte, w, h int) []byte {
	var out []byte
	for y := 0; y < h; y += 2 {
		for x := range w {
			out = append(out, byte((int(b[y*w+x])+int(b[min(y+1, h-1)*w+x])+1)/2))
		}
	}
	return out
}

func apply(t *table, b []byte) []byte {
	out := make([]byte, len(b))
	for i, v := range b {
		out[i] = t[v]
	}
	return out
}

// frame packs planes into the bytes of format f; cb and cr are 4:2:0 but for YUYV.
func frame(f fourCC, y, cb, cr []byte) []byte {
	switch f {
	case yuyv:
		var b []byte
		for i := range cb {
			b = append(b, y[2*i], cb[i], y[2*i+1], cr[i])
		}
		return b
	case nv12:
		b := bytes.Clone(y)
		for i := range cb {
			b = append(b, cb[i], cr[i])
		}
		return b
	case yu12:
		return bytes.Join([][]byte{y, cb, cr}, nil)
	default:
		return bytes.Clone(y)
	}
}

func TestConvert(t *testing.T) {
	for _, f := range []fourCC{yuyv, nv12, yu12, grey} {
		for _, size := range [][2]int{{2, 2}, {4, 3}, {64, 48}, {62, 47}, {640, 480}} {
			for _, full := range []bool{false, true} {
				for _, chroma := range []bool{false, true} {
					name := fmt.Sprintf("%v %v full %v chroma %v", f, size, full, chroma)
					testConvert(t, name, mode{f, size[0], size[1]}, full, chroma)
				}
			}
		}
	}
}

func testConvert(t *testing.T, name string, m mode, full, chroma bool) {
	lo, hi := uint8(16), uint8(235)
	luma, chr := &limitedLuma, &limitedChroma
	if full {
		lo, hi, luma, chr = 0, 255, &fullLuma, &fullLuma
	}
	y, cb, cr := planes(m.w, m.h, lo, hi)
	cb2, cr2 := halve(cb, (m.w+1)/2, m.h), halve(cr, (m.w+1)/2, m.h)
	src := frame(m.format, y, cb2, cr2)
	if m.format == yuyv {
		src = frame(yuyv, y, cb, cr)
	}
	if len(src) != m.format.frameLen(m.w, m.h) {
		t.Fatalf("%s: frame of %d bytes, frameLen says %d", name, len(src), m.format.frameLen(m.w, m.h))
	}
	if m.format == grey {
		cb2, cr2 = bytes.Repeat([]byte{128}, len(cb2)), bytes.Repeat([]byte{128}, len(cr2))
		chr = &fullLuma
	}
	var img image.YCbCr
	l := levels{full && m.w < 16} // too small to tell
	convert(&img, src, m, chroma, &l)
	if l.full != full {
		t.Errorf("%s: taken for full range: %v", name, l.full)
	}
	if !bytes.Equal(img.Y, apply(luma, y)) {
		t.Errorf("%s: luma differs", name)
	}
	if !chroma {
		cb2, cr2 = nil, nil
	}
	if !bytes.Equal(img.Cb, apply(chr, cb2)) || !bytes.Equal(img.Cr, apply(chr, cr2)) {
		t.Errorf("%s: chroma differs", name)
	}
	if img.Rect != image.Rect(0, 0, m.w, m.h) || img.YStride != m.w || chroma && img.CStride != (m.w+1)/2 {
		t.Errorf("%s: picture is %v, strides %d, %d", name, img.Rect, img.YStride, img.CStride)
	}
}

func TestTables(t *testing.T) {
	for _, c := range []struct {
		name string
		t    *table
		in   uint8
		want uint8
	}{
		{"luma", &limitedLuma, 0, 0},
		{"luma", &limitedLuma, 16, 0},
		{"luma", &limitedLuma, 17, 1},
		{"luma", &limitedLuma, 126, 128},
		{"luma", &limitedLuma, 235, 255},
		{"luma", &limitedLuma, 255, 255},
		{"chroma", &limitedChroma, 16, 1}, // 0.5
		{"chroma", &limitedChroma, 128, 128},
		{"chroma", &limitedChroma, 240, 255},
		{"chroma", &limitedChroma, 0, 0},
		{"full", &fullLuma, 77, 77},
	} {
		if got := c.t[c.in]; got != c.want {
			t.Errorf("%s[%d] = %d, want %d", c.name, c.in, got, c.want)
		}
	}
	for i := 1; i < 256; i++ {
		if limitedLuma[i] < limitedLuma[i-1] || limitedChroma[i] < limitedChroma[i-1] {
			t.Errorf("tables fall at %d", i)
		}
	}
}

// TestLevels holds the rule: overshoot proves nothing, dark or glaring areas
// do, and the decision is for good.
func TestLevels(t *testing.T) {
	const n = 160 * 120
	paint := func(base, spot uint8, spots int) []byte {
		b := bytes.Repeat([]byte{base}, n)
		for i := range spots {
			b[i] = spot
		}
		return b
	}
	for _, c := range []struct {
		name string
		b    []byte
		full bool
	}{
		{"grey", paint(128, 128, 0), false},
		{"limited black and white", paint(16, 235, n/2), false},
		{"overshoot everywhere", paint(16, 242, n/2), false},
		{"dead pixels", paint(128, 255, 6), false},
		{"a dark corner", paint(128, 2, n/10), true},
		{"glare", paint(128, 255, n/10), true},
	} {
		var l levels
		l.look(c.b, n, 1)
		if l.full != c.full {
			t.Errorf("%s: full %v, want %v", c.name, l.full, c.full)
		}
		l.full = true
		if l.look(c.b, n, 1); !l.full {
			t.Errorf("%s: the decision was taken back", c.name)
		}
	}
}

func TestConvertAllocs(t *testing.T) {
	for _, f := range []fourCC{yuyv, nv12, yu12, grey} {
		m := mode{f, 640, 480}
		src := bytes.Repeat([]byte{100}, f.frameLen(m.w, m.h))
		var img image.YCbCr
		var l levels
		convert(&img, src, m, true, &l)
		if n := testing.AllocsPerRun(10, func() { convert(&img, src, m, true, &l) }); n != 0 {
			t.Errorf("convert(%v) allocates %v times, want 0", f, n)
		}
	}
}

func BenchmarkConvert(b *testing.B) {
	for _, f := range []fourCC{yuyv, nv12} {
		for _, chroma := range []bool{false, true} {
			b.Run(fmt.Sprintf("%v/chroma=%v", f, chroma), func(b *testing.B) {
				m := mode{f, 640, 480}
				src := bytes.Repeat([]byte{100}, f.frameLen(m.w, m.h))
				var img image.YCbCr
				var l levels
				b.ReportAllocs()
				for b.Loop() {
					convert(&img, src, m, chroma, &l)
				}
			})
		}
	}
}
