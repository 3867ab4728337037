package video

import (
	"bytes"
	"image"
	"math/rand/v2"
	"testing"
)

// grainy returns p with the noise of a camera.
func grainy(rng *rand.Rand, p *image.YCbCr, deviation float64) *image.YCbCr {
	out := gray(p.Rect.Dx(), p.Rect.Dy())
	for i, v := range p.Y {
		out.Y[i] = byte(max(0, min(float64(v)+rng.NormFloat64()*deviation+0.5, 255)))
	}
	return out
}

// denoised passes a picture through a denoiser.
func denoised(n *denoiser, p *image.YCbCr) *image.YCbCr {
	var pl plane
	w, h := p.Rect.Dx(), p.Rect.Dy()
	pl.resize((w+15)&^15, (h+15)&^15)
	pl.load(p.Y, p.YStride, w, h)
	n.run(&pl)
	out := gray(w, h)
	pl.store(out.Y, w, w, h)
	return out
}

func TestDenoiseStill(t *testing.T) {
	clean := loadClip(t)[0]
	for _, tt := range []struct{ deviation, gain float64 }{{1, 3}, {2, 4}, {4, 6}, {6, 6}} {
		rng := rand.New(rand.NewPCG(1, 2))
		var n denoiser
		var before, after float64
		for i := range 40 {
			noisy := grainy(rng, clean, tt.deviation)
			got := denoised(&n, noisy)
			if i >= 20 {
				before, after = before+psnr(noisy, clean)/20, after+psnr(got, clean)/20
			}
		}
		t.Logf("deviation %v: %.1f dB became %.1f dB, noise seen as %.2f", tt.deviation, before, after, float64(n.noise)/64)
		if after-before < tt.gain {
			t.Errorf("deviation %v: %.1f dB became %.1f dB, want %v dB more", tt.deviation, before, after, tt.gain)
		}
	}
}

// TestDenoiseMotion checks that what moves is not smeared, and that a picture
// without noise comes out as it went in.
func TestDenoiseMotion(t *testing.T) {
	var n denoiser
	worst := 100.0
	for i, src := range loadClip(t) {
		got := denoised(&n, src)
		if i > 0 {
			worst = min(worst, psnr(got, src))
		}
	}
	if worst < 42 {
		t.Errorf("a clip with little noise: %.1f dB at worst, want 42", worst)
	}
	still := synthetic(64, 64, 0)
	for i := range 5 {
		if got := denoised(&n, still); !bytes.Equal(got.Y, still.Y) {
			t.Errorf("still picture %d: %.1f dB, want it as it was", i, psnr(got, still))
		}
	}
	// A lamp is switched on.
	bright := gray(64, 64)
	for i, v := range still.Y {
		bright.Y[i] = v/2 + 100
	}
	if got := denoised(&n, bright); psnr(got, bright) < 45 {
		t.Errorf("brighter picture: %.1f dB, want it at once", psnr(got, bright))
	}
}

// TestDenoiseRate checks what the filter is for: a still scene costs little
// however noisy the camera is.
func TestDenoiseRate(t *testing.T) {
	clean := loadClip(t)[0]
	var total [2]int
	var quality [2]float64
	for i := range total {
		rng := rand.New(rand.NewPCG(3, 4))
		l := newLink(t, Config{Width: 160, Height: 96, Denoise: i == 1})
		for k := range 30 {
			if b, _ := l.send(grainy(rng, clean, 4)); k >= 10 {
				total[i] += len(b)
			}
		}
		quality[i] = ssim(clean, &l.out)
	}
	t.Logf("%d bytes, SSIM %.4f; with the filter %d, %.4f", total[0], quality[0], total[1], quality[1])
	if total[1]*3 > total[0] || quality[1] < quality[0] {
		t.Errorf("%d bytes, SSIM %.4f; with the filter %d, %.4f, want a third at most and no less quality",
			total[0], quality[0], total[1], quality[1])
	}
}

func TestDenoiseAllocs(t *testing.T) {
	var n denoiser
	var p plane
	src := synthetic(160, 96, 0)
	p.resize(160, 96)
	i := 0
	run := func() {
		p.load(src.Y, src.YStride, 160, 96)
		p.pix[p.at(i%160, 5)] ^= 64
		n.run(&p)
		i++
	}
	run()
	if got := testing.AllocsPerRun(20, run); got != 0 {
		t.Errorf("denoiser allocates %v times a picture, want 0", got)
	}
}

func BenchmarkDenoise(b *testing.B) {
	for _, size := range [][2]int{{160, 96}, {320, 192}} {
		b.Run(image.Rect(0, 0, size[0], size[1]).Max.String(), func(b *testing.B) {
			var n denoiser
			var p plane
			rng := rand.New(rand.NewPCG(1, 2))
			src := grainy(rng, synthetic(size[0], size[1], 0), 4)
			next := grainy(rng, synthetic(size[0], size[1], 0), 4)
			p.resize(size[0], size[1])
			b.ReportAllocs()
			for b.Loop() {
				src, next = next, src
				p.load(src.Y, src.YStride, size[0], size[1])
				n.run(&p)
			}
		})
	}
}
