package video

import (
	"fmt"
	"image"
	"testing"
)

// TestAllocs asserts that neither side allocates once all pictures that it
// keeps have been used.
func TestAllocs(t *testing.T) {
	for _, c := range []Config{
		{Width: 160, Height: 96, Bitrate: 40_000, FPS: 30, MaxBytes: 1150},
		{Width: 160, Height: 96, Bitrate: 40_000, FPS: 30, MaxBytes: 1150, Denoise: true, Chroma: true},
	} {
		t.Run(fmt.Sprintf("colour %t", c.Chroma), func(t *testing.T) { countAllocs(t, c) })
	}
}

func countAllocs(t *testing.T, c Config) {
	clip := loadClip(t)
	for i := range clip {
		coloured(clip[i], i)
	}
	e := newEncoder(t, c)
	d := NewDecoder()
	var out image.YCbCr
	buf := make([]byte, 0, 8192)
	i := 0
	step := func() {
		if i%20 == 19 {
			e.ForceKey()
		}
		b, p, err := e.Encode(buf, play(clip, i))
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Decode(b, p, &out); err != nil {
			t.Fatal(err)
		}
		i++
	}
	for range 2*shelfSize + 8 {
		step()
	}
	if n := testing.AllocsPerRun(60, step); n != 0 {
		t.Errorf("Encode and Decode allocate %v times, want 0", n)
	}
	// A lost reference is common, and must not cost either.
	b, p, err := e.Encode(buf, clip[0])
	if err != nil {
		t.Fatal(err)
	}
	p.Ref = p.ID + 1
	if b[0]&flagKey != 0 {
		t.Fatal("a key picture where none was expected")
	}
	if n := testing.AllocsPerRun(10, func() { _ = d.Decode(b, p, &out) }); n != 0 {
		t.Errorf("Decode without reference allocates %v times, want 0", n)
	}
	// Neither does a source of another size.
	large := coloured(synthetic(320, 240, 0), 0)
	if n := testing.AllocsPerRun(10, func() { _, _, _ = e.Encode(buf, large) }); n != 0 {
		t.Errorf("Encode of a larger source allocates %v times, want 0", n)
	}
}

// benchClips returns the clip in the sizes that are measured.
func benchClips(b *testing.B, run func(b *testing.B, clip []*image.YCbCr)) {
	clip := loadClip(b)
	for _, size := range [][2]int{{160, 96}, {320, 192}} {
		scaled := make([]*image.YCbCr, len(clip))
		for i, src := range clip {
			scaled[i] = gray(size[0], size[1])
			Scale(scaled[i], src)
		}
		b.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(b *testing.B) { run(b, scaled) })
	}
}

// BenchmarkEncode reports beside the time the rate at 30 pictures per second.
func BenchmarkEncode(b *testing.B) {
	benchClips(b, func(b *testing.B, clip []*image.YCbCr) {
		e := newEncoder(b, Config{Width: clip[0].Rect.Dx(), Height: clip[0].Rect.Dy()})
		buf := make([]byte, 0, 1<<16)
		i, total := 0, 0
		next := func() int {
			out, _, err := e.Encode(buf, play(clip, i))
			if err != nil {
				b.Fatal(err)
			}
			i++
			return len(out)
		}
		for range shelfSize + 2 { // warm, and past the key picture
			next()
		}
		b.ReportAllocs()
		for b.Loop() {
			total += next()
		}
		b.ReportMetric(float64(total)*8*30/1000/float64(b.N), "kbit/s")
	})
}

// BenchmarkLayers codes each picture in the three sizes that a member sends at
// most, as in a call: with colour, denoised and at a bitrate.
func BenchmarkLayers(b *testing.B) {
	clip := loadClip(b)
	for i := range clip {
		clip[i] = coloured(clip[i], i)
	}
	sizes := [][2]int{{320, 192}, {160, 96}, {80, 48}}
	var encoders [3]*Encoder
	var sources [3][]*image.YCbCr
	for i, size := range sizes {
		encoders[i] = newEncoder(b, Config{
			Width: size[0], Height: size[1], FPS: 30, Bitrate: size[0] * size[1] * 5, MaxBytes: 6000, Denoise: true, Chroma: true,
		})
		for _, src := range clip {
			dst := image.NewYCbCr(image.Rect(0, 0, size[0], size[1]), image.YCbCrSubsampleRatio420)
			ScaleColour(dst, src)
			sources[i] = append(sources[i], dst)
		}
	}
	buf := make([]byte, 0, 1<<16)
	n := 0
	next := func() {
		for i, e := range encoders {
			if _, _, err := e.Encode(buf, play(sources[i], n)); err != nil {
				b.Fatal(err)
			}
		}
		n++
	}
	for range shelfSize + 2 {
		next()
	}
	b.ReportAllocs()
	for b.Loop() {
		next()
	}
}

func BenchmarkDecode(b *testing.B) {
	benchClips(b, func(b *testing.B, clip []*image.YCbCr) {
		l := newLink(b, Config{Width: clip[0].Rect.Dx(), Height: clip[0].Rect.Dy()})
		var ps []packet
		for i := range 2 * len(clip) {
			buf, p := l.encode(play(clip, i))
			ps = append(ps, packet{buf, p})
		}
		i := 0
		next := func() {
			if err := l.dec.Decode(ps[i%len(ps)].b, ps[i%len(ps)].p, &l.out); err != nil {
				b.Fatal(err)
			}
			i++
		}
		for range shelfSize + 2 {
			next()
		}
		b.ReportAllocs()
		for b.Loop() {
			next()
		}
	})
}

// BenchmarkQuality reports what constant quality comes to on the test clip.
func BenchmarkQuality(b *testing.B) {
	clip := loadClip(b)
	var f floor
	for b.Loop() {
		f = measure(b, clip, qualityQP)
	}
	b.ReportMetric(f.SSIM, "SSIM")
	b.ReportMetric(f.kbps(len(clip)), "kbit/s")
}

func BenchmarkScale(b *testing.B) {
	src := synthetic(640, 480, 0)
	for _, size := range [][2]int{{60, 20}, {160, 96}, {320, 192}, {640, 480}, {1280, 720}} {
		b.Run(fmt.Sprintf("640x480to%dx%d", size[0], size[1]), func(b *testing.B) {
			dst := gray(size[0], size[1])
			b.ReportAllocs()
			for b.Loop() {
				Scale(dst, src)
			}
		})
	}
}
