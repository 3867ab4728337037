package v4l2

import (
	"bytes"
	"fmt"
	"image"
	"math/rand/v2"
	"testing"
)

var rawFormats = []fourCC{yuyv, yvyu, uyvy, nv12, nv21, yu12, yv12, grey}

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

// pack packs planes into the bytes of format f; cb and cr are 4:2:0 but for YUYV.
func pack(f fourCC, y, cb, cr []byte) []byte {
	var b []byte
	switch f {
	case yuyv, yvyu, uyvy:
		for i := range cb {
			switch f {
			case yuyv:
				b = append(b, y[2*i], cb[i], y[2*i+1], cr[i])
			case yvyu:
				b = append(b, y[2*i], cr[i], y[2*i+1], cb[i])
			default:
				b = append(b, cb[i], y[2*i], cr[i], y[2*i+1])
			}
		}
		return b
	case nv12, nv21:
		if f == nv21 {
			cb, cr = cr, cb
		}
		b = bytes.Clone(y)
		for i := range cb {
			b = append(b, cb[i], cr[i])
		}
		return b
	case yu12:
		return bytes.Join([][]byte{y, cb, cr}, nil)
	case yv12:
		return bytes.Join([][]byte{y, cr, cb}, nil)
	default:
		return bytes.Clone(y)
	}
}

// padRows returns frame b of mode m with rows of stride bytes.
func padRows(b []byte, m mode, stride int) []byte {
	var out []byte
	for y := range m.rows() {
		n, gap := m.rowBytes(), stride-m.rowBytes()
		for half := range 2 { // YU12 and YV12 have two rows of chroma for one of luma
			if y >= m.h && (m.format == yu12 || m.format == yv12) {
				n, gap = m.rowBytes()/2, (stride-m.rowBytes())/2
			} else if half == 1 {
				break
			}
			out = append(append(out, b[:n]...), bytes.Repeat([]byte{0}, gap)...)
			b = b[n:]
		}
	}
	return out
}

func TestConvert(t *testing.T) {
	for _, f := range rawFormats {
		for _, size := range [][2]int{{2, 2}, {4, 3}, {64, 48}, {62, 47}, {640, 480}} {
			for _, full := range []bool{false, true} {
				for _, chroma := range []bool{false, true} {
					name := fmt.Sprintf("%v %v full %v chroma %v", f, size, full, chroma)
					m := mode{f, size[0], size[1]}
					testConvert(t, name, m, m.rowBytes(), full, chroma)
					testConvert(t, name+" padded", m, m.rowBytes()+32, full, chroma)
				}
			}
		}
	}
}

func testConvert(t *testing.T, name string, m mode, stride int, full, chroma bool) {
	lo, hi := uint8(16), uint8(235)
	luma, chr := &limitedLuma, &limitedChroma
	if full {
		lo, hi, luma, chr = 0, 255, &fullLuma, &fullLuma
	}
	y, cb, cr := planes(m.w, m.h, lo, hi)
	cb2, cr2 := halve(cb, (m.w+1)/2, m.h), halve(cr, (m.w+1)/2, m.h)
	src := pack(m.format, y, cb2, cr2)
	if m.format.packed() {
		src = pack(m.format, y, cb, cr)
	}
	if len(src) != m.frameLen() {
		t.Fatalf("%s: frame of %d bytes, frameLen says %d", name, len(src), m.frameLen())
	}
	src = padRows(src, m, stride)
	lay, err := layoutOf(m, stride, len(src))
	if err != nil || lay.stride != stride {
		t.Fatalf("%s: layout %v, %v", name, lay, err)
	}
	if m.format == grey {
		cb2, cr2 = bytes.Repeat([]byte{128}, len(cb2)), bytes.Repeat([]byte{128}, len(cr2))
		chr = &fullLuma
	}
	var img image.YCbCr
	l := levels{full && m.w < 16} // too small to tell
	convert(&img, src, lay, chroma, &l)
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
		l.look(c.b, 160, 120, plane{0, 160, 1})
		if l.full != c.full {
			t.Errorf("%s: full %v, want %v", c.name, l.full, c.full)
		}
		l.full = true
		if l.look(c.b, 160, 120, plane{0, 160, 1}); !l.full {
			t.Errorf("%s: the decision was taken back", c.name)
		}
	}
}

func TestConvertAllocs(t *testing.T) {
	for _, f := range rawFormats {
		for _, pad := range []int{0, 64} {
			m := mode{f, 640, 480}
			l := layout{m, m.rowBytes() + pad}
			src := bytes.Repeat([]byte{100}, l.stride*m.rows())
			var img image.YCbCr
			var lv levels
			convert(&img, src, l, true, &lv)
			if n := testing.AllocsPerRun(10, func() { convert(&img, src, l, true, &lv) }); n != 0 {
				t.Errorf("convert(%v) with %d bytes of padding allocates %v times, want 0", f, pad, n)
			}
		}
	}
}

func BenchmarkConvert(b *testing.B) {
	for _, f := range []fourCC{yuyv, nv12, yu12, grey} {
		for _, chroma := range []bool{false, true} {
			b.Run(fmt.Sprintf("%v/chroma=%v", f, chroma), func(b *testing.B) {
				m := mode{f, 640, 480}
				src := bytes.Repeat([]byte{100}, m.frameLen())
				var img image.YCbCr
				var l levels
				b.ReportAllocs()
				for b.Loop() {
					convert(&img, src, layout{m, m.rowBytes()}, chroma, &l)
				}
			})
		}
	}
}
