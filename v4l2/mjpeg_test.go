package v4l2

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	stdjpeg "image/jpeg"
	"slices"
	"testing"
)

// picture draws a smooth picture with the given subsampling.
func picture(w, h int, ratio image.YCbCrSubsampleRatio) *image.YCbCr {
	p := image.NewYCbCr(image.Rect(0, 0, w, h), ratio)
	for y := range h {
		for x := range w {
			p.Y[p.YOffset(x, y)] = uint8(16 + (x*3+y*2)%200)
			p.Cb[p.COffset(x, y)] = uint8(64 + x/2%100)
			p.Cr[p.COffset(x, y)] = uint8(64 + y/2%100)
		}
	}
	return p
}

func encodeJPEG(t testing.TB, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := stdjpeg.Encode(&b, img, &stdjpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// withoutTables cuts the Huffman tables out, as cameras do.
func withoutTables(t testing.TB, b []byte) []byte {
	t.Helper()
	i := bytes.Index(b, []byte{0xff, markDHT})
	if i < 0 {
		t.Fatal("no Huffman tables to cut out")
	}
	n := 2 + int(b[i+2])<<8 + int(b[i+3])
	return slices.Concat(b[:i], b[i+n:])
}

// TestStandardTables compares the tables with those that the standard
// library's encoder writes, which are the same.
func TestStandardTables(t *testing.T) {
	b := encodeJPEG(t, picture(16, 16, image.YCbCrSubsampleRatio420))
	if len(standardTables) != 420 || !bytes.Contains(b, []byte(standardTables)) {
		t.Errorf("the %d bytes of tables are not those of section K.3", len(standardTables))
	}
}

func TestDecode(t *testing.T) {
	whole := encodeJPEG(t, picture(64, 48, image.YCbCrSubsampleRatio420))
	bare := withoutTables(t, whole)
	m := mode{mjpg, 64, 48}
	var want image.YCbCr
	p, err := stdjpeg.Decode(bytes.NewReader(whole))
	if err != nil {
		t.Fatal(err)
	}
	want = *p.(*image.YCbCr)

	for name, c := range map[string]struct {
		b  []byte
		m  mode
		ok bool
	}{
		"with tables":     {whole, m, true},
		"without tables":  {bare, m, true},
		"padded":          {append(bytes.Clone(bare), 0, 0, 0), m, true},
		"without its end": {bare[:len(bare)-2], m, true},
		"cut short":       {bare[:len(bare)-200], m, false},
		"header only":     {bare[:60], m, false},
		"empty":           {nil, m, false},
		"no JPEG":         {bytes.Repeat([]byte{7}, 500), m, false},
		"another size":    {bare, mode{mjpg, 640, 480}, false},
		"two frames fuse": {slices.Concat(bare[:len(bare)/2], bare), m, false},
	} {
		var d jpegDecoder
		var img image.YCbCr
		img.Y = []byte("before")
		err := d.decode(&img, c.b, c.m, true)
		switch {
		case !c.ok && !errors.Is(err, errFrame):
			t.Errorf("%s: error %v, want errFrame", name, err)
		case !c.ok && string(img.Y) != "before":
			t.Errorf("%s: the picture before was lost", name)
		case !c.ok:
		case err != nil:
			t.Errorf("%s: %v", name, err)
		default:
			for y := range 48 {
				if !bytes.Equal(img.Y[y*64:][:64], want.Y[y*want.YStride:][:64]) {
					t.Errorf("%s: luma of row %d differs", name, y)
					break
				}
			}
		}
	}
}

// TestDecodeSize: a camera that sends another size than it has set is believed
// from the second frame on; a single odd frame, or one that is far too large, is
// a damaged one.
func TestDecodeSize(t *testing.T) {
	small := encodeJPEG(t, picture(32, 16, image.YCbCrSubsampleRatio420))
	other := encodeJPEG(t, picture(64, 48, image.YCbCrSubsampleRatio422))
	huge := encodeJPEG(t, picture(160, 120, image.YCbCrSubsampleRatio420))
	var d jpegDecoder
	for i, c := range []struct {
		b []byte
		w int // of the picture; 0 for a damaged frame
	}{
		{small, 0},
		{small, 32},
		{other, 0},
		{small, 32},
		{other, 0},
		{other, 64},
		{other, 64},
		{huge, 0},
		{huge, 0},
		{other, 64},
		{small, 0},
		{huge, 0},
		{small, 0},
		{small, 32},
	} {
		var img image.YCbCr
		err := d.decode(&img, c.b, mode{mjpg, 32, 48}, true)
		if img.Rect.Dx() != c.w || (err == nil) != (c.w > 0) {
			t.Errorf("frame %d: picture %v, %v; want a width of %d", i, img.Rect, err, c.w)
		}
	}
}

func TestDecodeGray(t *testing.T) {
	g := image.NewGray(image.Rect(0, 0, 32, 16))
	for i := range g.Pix {
		g.Pix[i] = 200
	}
	var d jpegDecoder
	var img image.YCbCr
	if err := d.decode(&img, encodeJPEG(t, g), mode{mjpg, 32, 16}, true); err != nil {
		t.Fatal(err)
	}
	if img.Y[100] != 200 || img.Cb[5] != 128 || img.Cr[5] != 128 {
		t.Errorf("sample %d, %d, %d; want 200, 128, 128", img.Y[100], img.Cb[5], img.Cr[5])
	}
}

// TestDecodeRefuses: a header is not believed more than the mode.
func TestDecodeRefuses(t *testing.T) {
	rgb := image.NewRGBA(image.Rect(0, 0, 16, 16))
	rgb.Set(3, 3, color.RGBA{255, 0, 0, 255})
	b := encodeJPEG(t, rgb) // is YCbCr inside: accepted
	var d jpegDecoder
	var img image.YCbCr
	if err := d.decode(&img, b, mode{mjpg, 16, 16}, false); err != nil {
		t.Errorf("decode: %v", err)
	}
	if len(img.Cb) != 0 {
		t.Errorf("%d bytes of chroma without being asked", len(img.Cb))
	}
	// A header that promises 65535 x 65535 must not be believed.
	i := bytes.Index(b, []byte{0xff, markSOF0})
	copy(b[i+5:], []byte{0xff, 0xff, 0xff, 0xff})
	if err := d.decode(&img, b, mode{mjpg, 16, 16}, false); !errors.Is(err, errFrame) {
		t.Errorf("decode of a huge header: %v, want errFrame", err)
	}
}

// TestHalveChroma checks every subsampling that image/jpeg knows against the
// definition.
func TestHalveChroma(t *testing.T) {
	const w, h = 18, 14
	for _, ratio := range []image.YCbCrSubsampleRatio{
		image.YCbCrSubsampleRatio444, image.YCbCrSubsampleRatio422, image.YCbCrSubsampleRatio420,
		image.YCbCrSubsampleRatio440, image.YCbCrSubsampleRatio411,
	} {
		p := picture(w, h, ratio)
		var img image.YCbCr
		shape(&img, w, h, true)
		halveChroma(&img, p)
		for y := range h / 2 {
			for x := range w / 2 {
				sum := 0
				for _, d := range []image.Point{{0, 0}, {1, 0}, {0, 1}, {1, 1}} {
					sum += int(p.Cb[p.COffset(2*x+d.X, 2*y+d.Y)])
				}
				if got, want := img.Cb[y*img.CStride+x], uint8((sum+2)/4); got != want {
					t.Fatalf("%v: Cb at %d,%d = %d, want %d", ratio, x, y, got, want)
				}
			}
		}
	}
}

func FuzzDecode(f *testing.F) {
	whole := encodeJPEG(f, picture(32, 16, image.YCbCrSubsampleRatio420))
	f.Add(whole)
	f.Add(withoutTables(f, whole))
	f.Add(whole[:100])
	f.Add([]byte{0xff, 0xd8, 0xff, 0xff, 0xff, 0xda, 0, 2})
	f.Fuzz(func(t *testing.T, b []byte) {
		var d jpegDecoder
		var img image.YCbCr
		for range 2 { // another size is believed the second time
			n := img.Rect.Dx() * img.Rect.Dy()
			if err := d.decode(&img, b, mode{mjpg, 32, 16}, true); err == nil {
				n = img.Rect.Dx() * img.Rect.Dy()
			}
			if len(img.Y) != n || n > maxGrowth*32*16 {
				t.Errorf("picture %v with %d bytes of luma", img.Rect, len(img.Y))
			}
		}
		// What has tables already comes out as it went in.
		once, _, _, err := appendTables(nil, b)
		if err != nil {
			return
		}
		if twice, _, _, err := appendTables(nil, once); err != nil || !bytes.Equal(once, twice) {
			t.Errorf("appendTables twice differs: %v", err)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	frame := withoutTables(b, encodeJPEG(b, picture(640, 480, image.YCbCrSubsampleRatio422)))
	var d jpegDecoder
	var img image.YCbCr
	b.ReportAllocs()
	for b.Loop() {
		if err := d.decode(&img, frame, mode{mjpg, 640, 480}, false); err != nil {
			b.Fatal(err)
		}
	}
}
