package cam

import (
	"bufio"
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"strings"
	"testing"
	"time"
)

func newPicture(w, h int) *image.YCbCr {
	return image.NewYCbCr(image.Rect(0, 0, w, h), image.YCbCrSubsampleRatio420)
}

func TestStamp(t *testing.T) {
	now := time.UnixMilli(1_700_000_000_123)
	for _, size := range [][2]int{{24, 8}, {160, 120}, {641, 479}} {
		for _, age := range []time.Duration{0, time.Millisecond, 150 * time.Millisecond, 30 * time.Second, -20 * time.Millisecond} {
			img := newPicture(size[0], size[1])
			drawStamp(img, now.Add(-age))
			if got, ok := ReadStamp(img, now); !ok || got != age {
				t.Errorf("%v: age %v, %v; want %v", size, got, ok, age)
			}
		}
	}
}

// TestStampRefuses: nothing is read out of a picture without a strip, and
// hardly ever out of one with a damaged strip.
func TestStampRefuses(t *testing.T) {
	now := time.UnixMilli(1_700_000_000_123)
	if age, ok := ReadStamp(newPicture(10, 10), now); ok {
		t.Errorf("tiny picture: age %v", age)
	}
	img := newPicture(240, 80)
	if age, ok := ReadStamp(img, now); ok {
		t.Errorf("black picture: age %v", age)
	}
	read := 0
	for cell := range stampCells {
		drawStamp(img, now)
		for y := range 80 {
			for x := cell * 10; x < cell*10+10; x++ {
				img.Y[y*img.YStride+x] ^= 0xff
			}
		}
		if _, ok := ReadStamp(img, now); ok {
			read++
		}
	}
	if read > 2 { // a CRC of 4 bits misses one error in 16
		t.Errorf("%d of %d damaged strips were read", read, stampCells)
	}
}

// TestStampLayout holds the layout of the package comment for one instant.
func TestStampLayout(t *testing.T) {
	// 0x1234 in Gray code is 0x1b2e.
	got := fmt.Sprintf("%024b", stampBits(time.UnixMilli(7<<16|0x1234)))
	want := "01" + "0001101100101110" + fmt.Sprintf("%04b", crcByDivision(0x1234)) + "10"
	if got != want {
		t.Errorf("strip %s, want %s", got, want)
	}
}

// crcByDivision divides polynomials the slow way.
func crcByDivision(v uint32) uint32 {
	bits := fmt.Appendf(nil, "%016b0000", v)
	for i := range 16 {
		if bits[i] == '1' {
			for k, c := range []byte("10011") {
				bits[i+k] ^= c - '0'
			}
		}
	}
	var r uint32
	for _, b := range bits[16:] {
		r = r<<1 | uint32(b-'0')
	}
	return r
}

func y4m(head string, w, h, n int) string {
	var b strings.Builder
	b.WriteString(head)
	for i := range n {
		b.WriteString("FRAME\n")
		b.WriteString(strings.Repeat(string(rune('a'+i)), w*h*3/2))
	}
	return b.String()
}

func TestClip(t *testing.T) {
	c, err := readClip(bufio.NewReader(strings.NewReader(y4m("YUV4MPEG2 W4 H2 F10:1 Ip C420jpeg\n", 4, 2, 3))))
	if err != nil {
		t.Fatal(err)
	}
	img := newPicture(4, 2)
	for ms, want := range map[int]byte{0: 'a', 40: 'a', 60: 'b', 100: 'b', 200: 'c', 300: 'a', 1040: 'b'} {
		c.Draw(img, time.Duration(ms)*time.Millisecond)
		if img.Y[7] != want || img.Cr[1] != want {
			t.Errorf("at %d ms picture %c, want %c", ms, img.Y[7], want)
		}
	}
}

func TestClipRefuses(t *testing.T) {
	for name, in := range map[string]string{
		"empty":      "",
		"not y4m":    "RIFF W4 H2\n",
		"no frames":  "YUV4MPEG2 W4 H2\n",
		"odd size":   y4m("YUV4MPEG2 W3 H2\n", 3, 2, 1),
		"huge":       "YUV4MPEG2 W100000 H2\n",
		"4:4:4":      y4m("YUV4MPEG2 W4 H2 C444\n", 4, 2, 1),
		"10 bits":    y4m("YUV4MPEG2 W4 H2 C420p10\n", 4, 2, 1),
		"cut short":  y4m("YUV4MPEG2 W4 H2\n", 4, 2, 1)[:25],
		"no marker":  "YUV4MPEG2 W4 H2\nJUNK\n",
		"bad number": "YUV4MPEG2 Wx H2\n",
	} {
		if _, err := readClip(bufio.NewReader(strings.NewReader(in))); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestEncode(t *testing.T) {
	img := newPicture(4, 2)
	copy(img.Y, "ABCDEFGH")
	copy(img.Cb, "uv")
	copy(img.Cr, "UV")
	for f, want := range map[Format]string{
		YUYV: "AuBUCvDVEuFUGvHV",
		UYVY: "uAUBvCVDuEUFvGVH",
		NV12: "ABCDEFGHuUvV",
		NV21: "ABCDEFGHUuVv",
		YU12: "ABCDEFGHuvUV",
		GREY: "ABCDEFGH",
	} {
		got, err := encode(nil, img, f)
		if err != nil || string(got) != want || len(got) != maxFrame(f, img.Rect.Size()) {
			t.Errorf("%s: %q, %v; want %q", f, got, err, want)
		}
	}
}

func TestAppendPadded(t *testing.T) {
	for f, c := range map[Format][2]string{
		YUYV: {"AuBUCvDVEuFUGvHV", "AuBUCvDV__EuFUGvHV__"},
		NV12: {"ABCDEFGHuUvV", "ABCD__EFGH__uUvV__"},
		YU12: {"ABCDEFGHuvUV", "ABCD__EFGH__uv_UV_"},
		GREY: {"ABCDEFGH", "ABCD__EFGH__"},
	} {
		got := strings.ReplaceAll(string(appendPadded(nil, []byte(c[0]), f, image.Pt(4, 2), 2)), "\xaa", "_")
		if got != c[1] {
			t.Errorf("%s: %q, want %q", f, got, c[1])
		}
	}
}

// TestEncoder: what has not changed is not encoded again, what has changed is.
func TestEncoder(t *testing.T) {
	e := encoder{format: MJPEG}
	img := newPicture(64, 48)
	one, err := e.encode(img)
	if err != nil {
		t.Fatal(err)
	}
	first := bytes.Clone(one)
	if n := testing.AllocsPerRun(5, func() { _, _ = e.encode(img) }); n != 0 {
		t.Errorf("the same picture again takes %v allocations: it is encoded anew", n)
	}
	img.Cr[5] = 200
	if two, err := e.encode(img); err != nil || bytes.Equal(first, two) {
		t.Errorf("another picture: the same frame, %v", err)
	}
}

func TestEncodeMJPEG(t *testing.T) {
	img := newPicture(64, 48)
	Bars{64, 48}.Draw(img, 0)
	b, err := encode(nil, img, MJPEG)
	if err != nil || bytes.Contains(b, []byte{0xff, 0xc4}) || !bytes.HasSuffix(b, []byte{0xff, 0xd9}) {
		t.Errorf("%d bytes, %v; want a picture without tables", len(b), err)
	}
	if _, err := jpeg.Decode(bytes.NewReader(b)); err == nil {
		t.Error("decodes without tables")
	}
}

// TestBars: the bars have their colours, and something moves.
func TestBars(t *testing.T) {
	b := Bars{160, 120}
	one, two := newPicture(160, 120), newPicture(160, 120)
	b.Draw(one, 0)
	b.Draw(two, time.Second)
	if bytes.Equal(one.Y, two.Y) {
		t.Error("nothing moves within a second")
	}
	for i, c := range barColours {
		if got := one.Y[i*20+10]; got != c[0] {
			t.Errorf("bar %d has luma %d, want %d", i, got, c[0])
		}
	}
	small := newPicture(80, 60)
	scale(small, one)
	for i, c := range barColours {
		if got := small.Y[i*10+5]; got != c[0] {
			t.Errorf("scaled: bar %d has luma %d, want %d", i, got, c[0])
		}
	}
}
