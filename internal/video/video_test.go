package video

import (
	"bytes"
	"compress/gzip"
	"flag"
	"image"
	"io"
	"math"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// gray returns a black picture of w x h pixels.
func gray(w, h int) *image.YCbCr {
	return &image.YCbCr{
		Y: make([]byte, w*h), YStride: w, Rect: image.Rect(0, 0, w, h),
		SubsampleRatio: image.YCbCrSubsampleRatio420,
	}
}

// loadClip returns the test clip, 45 pictures of 160x96 at 30 per second.
func loadClip(tb testing.TB) []*image.YCbCr {
	tb.Helper()
	b, err := os.ReadFile("testdata/asl_160x96_45f.y.gz")
	if err != nil {
		tb.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		tb.Fatal(err)
	}
	var clip []*image.YCbCr
	for {
		p := gray(160, 96)
		switch _, err := io.ReadFull(z, p.Y); err {
		case nil:
			clip = append(clip, p)
		case io.EOF:
			return clip
		default:
			tb.Fatal(err)
		}
	}
}

// synthetic returns picture i of a clip without end, integer arithmetic alone:
// a gradient that drifts, a textured square that moves, and a little noise.
func synthetic(w, h, i int) *image.YCbCr {
	p := gray(w, h)
	noise := uint32(i)*2654435761 + 1
	left, top := i*3%w, i*2%h
	for y := range h {
		for x := range w {
			v := (x*255/w+y*128/h)/2 + i%32
			if x >= left && x < left+w/3 && y >= top && y < top+h/3 {
				v = 60 + (x-left)*7%64 + (y-top)*(x-left)%97
			}
			noise ^= noise << 13
			noise ^= noise >> 17
			noise ^= noise << 5
			p.Y[y*w+x] = byte(max(0, min(v+int(noise>>30), 255)))
		}
	}
	return p
}

// noisy returns a picture that cannot be compressed.
func noisy(w, h int, seed uint32) *image.YCbCr {
	p := gray(w, h)
	for i := range p.Y {
		seed ^= seed << 13
		seed ^= seed >> 17
		seed ^= seed << 5
		p.Y[i] = byte(seed >> 16)
	}
	return p
}

func newEncoder(tb testing.TB, c Config) *Encoder {
	tb.Helper()
	e, err := NewEncoder(c)
	if err != nil {
		tb.Fatal(err)
	}
	return e
}

// link is an encoder whose pictures a decoder follows.
type link struct {
	tb  testing.TB
	enc *Encoder
	dec *Decoder
	out image.YCbCr
}

func newLink(tb testing.TB, c Config) *link {
	return &link{tb: tb, enc: newEncoder(tb, c), dec: NewDecoder()}
}

// send compresses a picture and decompresses it into l.out, which must be what
// the encoder takes it to be.
func (l *link) send(src *image.YCbCr) ([]byte, Picture) {
	l.tb.Helper()
	b, p := l.encode(src)
	if err := l.dec.Decode(b, p, &l.out); err != nil {
		l.tb.Fatalf("Decode(%d bytes, %v) = %v", len(b), p, err)
	}
	l.check(p)
	return b, p
}

func (l *link) encode(src *image.YCbCr) ([]byte, Picture) {
	l.tb.Helper()
	b, p, err := l.enc.Encode(nil, src)
	if err != nil {
		l.tb.Fatal(err)
	}
	return b, p
}

// check compares l.out with what the encoder expects of its newest picture.
func (l *link) check(p Picture) {
	l.tb.Helper()
	var want image.YCbCr
	l.enc.shelf.newest().show(&want)
	if l.out.Rect != want.Rect || !bytes.Equal(l.out.Y, want.Y) ||
		!bytes.Equal(l.out.Cb, want.Cb) || !bytes.Equal(l.out.Cr, want.Cr) {
		l.tb.Fatalf("picture %v: decoder's %v differs from encoder's %v", p, l.out.Rect, want.Rect)
	}
}

// coloured gives p two colours that drift, and a patch that moves.
func coloured(p *image.YCbCr, i int) *image.YCbCr {
	w, h := (p.Rect.Dx()+1)/2, (p.Rect.Dy()+1)/2
	p.Cb, p.Cr, p.CStride = make([]byte, w*h), make([]byte, w*h), w
	left := (i * 2) % w
	for k := range p.Cb {
		x, y := k%w, k/w
		p.Cb[k], p.Cr[k] = byte(90+x*60/w+i%8), byte(170-y*70/h)
		if x >= left && x < left+w/4 {
			p.Cb[k], p.Cr[k] = byte(100+y*11%40), 90
		}
	}
	return p
}

// chroma returns colour plane n of p as a picture.
func chroma(p *image.YCbCr, n int) *image.YCbCr {
	pix := [2][]byte{p.Cb, p.Cr}[n]
	return &image.YCbCr{Y: pix, YStride: p.CStride, Rect: image.Rect(0, 0, (p.Rect.Dx()+1)/2, (p.Rect.Dy()+1)/2)}
}

// psnr returns the peak signal to noise ratio of two pictures in dB.
func psnr(a, b *image.YCbCr) float64 {
	sum := 0
	for i, v := range a.Y {
		d := int(v) - int(b.Y[i])
		sum += d * d
	}
	return 10 * math.Log10(255*255*float64(len(a.Y))/max(float64(sum), 1))
}

// ssim returns the structural similarity of two pictures: a Gaussian window of
// 11x11 with sigma 1.5, the mean over all windows inside the picture.
func ssim(a, b *image.YCbCr) float64 {
	const c1, c2 = 0.01 * 255 * 0.01 * 255, 0.03 * 255 * 0.03 * 255
	w, h := a.Rect.Dx(), a.Rect.Dy()
	x, y := make([]float64, w*h), make([]float64, w*h)
	xx, yy, xy := make([]float64, w*h), make([]float64, w*h), make([]float64, w*h)
	for i := range x {
		x[i], y[i] = float64(a.Y[i]), float64(b.Y[i])
		xx[i], yy[i], xy[i] = x[i]*x[i], y[i]*y[i], x[i]*y[i]
	}
	for _, p := range [][]float64{x, y, xx, yy, xy} {
		gauss(p, w, h)
	}
	sum, n := 0.0, 0
	for j := 5; j < h-5; j++ {
		for i := 5; i < w-5; i++ {
			k := j*w + i
			mx, my := x[k], y[k]
			vx, vy, cov := xx[k]-mx*mx, yy[k]-my*my, xy[k]-mx*my
			sum += (2*mx*my + c1) * (2*cov + c2) / ((mx*mx + my*my + c1) * (vx + vy + c2))
			n++
		}
	}
	return sum / float64(n)
}

// gauss blurs p in place; the outermost 5 samples are left undefined.
func gauss(p []float64, w, h int) {
	var kernel [11]float64
	total := 0.0
	for i := range kernel {
		kernel[i] = math.Exp(-float64((i-5)*(i-5)) / (2 * 1.5 * 1.5))
		total += kernel[i]
	}
	t := make([]float64, len(p))
	for y := range h {
		for x := 5; x < w-5; x++ {
			for k, g := range kernel {
				t[y*w+x] += p[y*w+x+k-5] * g / total
			}
		}
	}
	clear(p)
	for y := 5; y < h-5; y++ {
		for x := range w {
			for k, g := range kernel {
				p[y*w+x] += t[(y+k-5)*w+x] * g / total
			}
		}
	}
}
