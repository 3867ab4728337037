package video

import (
	"bytes"
	"fmt"
	"image"
	"testing"
)

func TestColour(t *testing.T) {
	for _, size := range [][2]int{{16, 16}, {17, 31}, {60, 20}, {160, 96}, {161, 97}, {MaxWidth, MaxHeight}} {
		t.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(t *testing.T) {
			l := newLink(t, Config{Width: size[0], Height: size[1], Chroma: true, Denoise: true})
			for i := range 6 {
				src := coloured(synthetic(size[0], size[1], i), i)
				if i == 4 {
					l.enc.ForceKey()
				}
				b, _ := l.send(src)
				for n := range 2 {
					want := chroma(src, n)
					if l.out.CStride != want.Rect.Dx() || len(chroma(&l.out, n).Y) != len(want.Y) {
						t.Fatalf("picture %d: colour plane %d has %d bytes in rows of %d, want %v",
							i, n, len(chroma(&l.out, n).Y), l.out.CStride, want.Rect.Max)
					}
					if got := psnr(want, chroma(&l.out, n)); got < 30 {
						t.Errorf("picture %d, colour plane %d: %.1f dB in %d bytes, want 30", i, n, got, len(b))
					}
				}
			}
		})
	}
}

// TestColourEveryQP is TestEveryQP with colour.
func TestColourEveryQP(t *testing.T) {
	for qp := range maxQP + 1 {
		l := newLink(t, Config{Width: 72, Height: 56, Chroma: true})
		for i, src := range []*image.YCbCr{
			synthetic(72, 56, 1), synthetic(72, 56, 2), noisy(72, 56, 1), synthetic(72, 56, 30),
		} {
			coloured(src, 7*i)
			copy(src.Cr, noisy(36, 28, uint32(i+1)).Y[:500])
			l.enc.rate.qp16 = qp * 16
			b, _ := l.send(src)
			if got := psnr(chroma(src, 1), chroma(&l.out, 1)); qp == 0 && got < 50 {
				t.Errorf("picture %d at qp 0: %.1f dB in %d bytes, want 50", i, got, len(b))
			}
		}
	}
}

// TestColourless gives an encoder of colour what has none, or none it knows.
func TestColourless(t *testing.T) {
	short := coloured(synthetic(32, 32, 0), 0)
	short.Cr = short.Cr[:100]
	narrow := coloured(synthetic(32, 32, 0), 0)
	narrow.CStride = 3
	other := coloured(synthetic(32, 32, 0), 0)
	other.SubsampleRatio = image.YCbCrSubsampleRatio444
	for i, src := range []*image.YCbCr{synthetic(32, 32, 0), short, narrow, other, synthetic(100, 50, 0)} {
		l := newLink(t, Config{Width: 32, Height: 32, Chroma: true})
		l.send(src)
		for _, v := range append(bytes.Clone(l.out.Cb), l.out.Cr...) {
			if v != neutral {
				t.Fatalf("source %d: chroma %d, want %d", i, v, neutral)
			}
		}
	}
	// And colour to one of luma: none comes out, and the planes are kept.
	l := newLink(t, Config{Width: 32, Height: 32})
	l.out.Cb, l.out.Cr = make([]byte, 256), make([]byte, 256)
	l.send(coloured(synthetic(32, 32, 0), 0))
	if len(l.out.Cb) != 0 || len(l.out.Cr) != 0 || cap(l.out.Cb) == 0 {
		t.Errorf("%d and %d bytes of chroma, room for %d, want none and the memory kept",
			len(l.out.Cb), len(l.out.Cr), cap(l.out.Cb))
	}
}

// TestColourChange sends pictures with and without colour to one decoder.
func TestColourChange(t *testing.T) {
	d := NewDecoder()
	for i := range 6 {
		l := newLink(t, Config{Width: 48, Height: 32, Chroma: i%2 == 0, FirstID: uint16(3 * i)})
		l.dec = d
		for k := range 3 {
			l.send(coloured(synthetic(48, 32, k), k))
			if (len(l.out.Cb) > 0) != (i%2 == 0) {
				t.Errorf("encoder %d: %d bytes of chroma", i, len(l.out.Cb))
			}
		}
	}
}

// TestColourCost checks that grey pictures cost next to nothing more with
// colour, and that colour costs no more than it should.
func TestColourCost(t *testing.T) {
	clip := loadClip(t)[:20]
	var total [2]int
	for i := range total {
		l := newLink(t, Config{Width: 160, Height: 96, Chroma: i == 1})
		for _, src := range clip {
			b, _ := l.send(src)
			total[i] += len(b)
		}
	}
	if total[1] > total[0]*102/100 {
		t.Errorf("%d bytes, and %d with gray for colour, want at most 2 %% more", total[0], total[1])
	}
}

func TestScaleColour(t *testing.T) {
	for _, size := range [][2]int{{40, 30}, {80, 60}, {160, 120}, {31, 17}, {60, 20}} {
		src := coloured(synthetic(80, 60, 0), 0)
		fill(src.Cb, 77)
		for i := range src.Cr {
			src.Cr[i] = byte(100 + i%40) // a slope along the row
		}
		dst := coloured(gray(size[0], size[1]), 0)
		plain := gray(size[0], size[1])
		ScaleColour(dst, src)
		Scale(plain, src)
		if !bytes.Equal(dst.Y, plain.Y) {
			t.Errorf("%v: luma differs from Scale's", size)
		}
		w := (size[0] + 1) / 2
		for i := range dst.Cb {
			if dst.Cb[i] != 77 {
				t.Fatalf("%v: Cb %d, want 77", size, dst.Cb[i])
			}
			if i%w > 0 && dst.Cr[i] < dst.Cr[i-1] {
				t.Fatalf("%v: Cr falls from %d to %d along a rising slope", size, dst.Cr[i-1], dst.Cr[i])
			}
		}
		ScaleColour(dst, synthetic(80, 60, 0))
		if dst.Cb[0] != neutral || dst.Cr[len(dst.Cr)-1] != neutral {
			t.Errorf("%v: %d, %d of a picture without colour, want %d", size, dst.Cb[0], dst.Cr[len(dst.Cr)-1], neutral)
		}
	}
	dst := coloured(gray(20, 20), 0)
	ScaleColour(dst, new(image.YCbCr))
	if dst.Y[0] != 0 || dst.Cb[0] != neutral {
		t.Errorf("%d, %d of no picture, want 0, %d", dst.Y[0], dst.Cb[0], neutral)
	}
}
