package media

import (
	"image"
	"image/color"
	"testing"
	"time"
)

func TestChunk(t *testing.T) {
	if got := ChunkSamples * time.Second / SampleRate; got != ChunkTime {
		t.Errorf("a Chunk lasts %v, want %v", got, ChunkTime)
	}
	if got := len(Chunk{}.PCM); got != ChunkSamples {
		t.Errorf("a Chunk has %d samples, want %d", got, ChunkSamples)
	}
}

func TestResize(t *testing.T) {
	tests := []struct {
		w, h   int
		chroma bool
		luma   int // bytes
		plane  int // bytes of Cb and of Cr
	}{
		{160, 96, false, 15360, 0},
		{160, 96, true, 15360, 3840},
		{1, 1, true, 1, 1},
		{3, 5, true, 15, 6}, // odd sizes round up
		{2, 1, true, 2, 1},
		{640, 480, true, 307200, 76800},
		{0, 0, true, 0, 0},
	}
	var reused Frame
	for _, test := range tests {
		for name, f := range map[string]*Frame{"new": {}, "reused": &reused} {
			f.Resize(test.w, test.h, test.chroma)
			if len(f.Y) != test.luma || len(f.Cb) != test.plane || len(f.Cr) != test.plane {
				t.Errorf("%s, %+v: planes of %d, %d and %d bytes", name, test, len(f.Y), len(f.Cb), len(f.Cr))
			}
			if f.Bounds() != image.Rect(0, 0, test.w, test.h) || f.SubsampleRatio != image.YCbCrSubsampleRatio420 {
				t.Errorf("%s, %+v: bounds %v, %v", name, test, f.Bounds(), f.SubsampleRatio)
			}
			if !test.chroma || test.luma == 0 {
				continue
			}
			// The last pixel has its place in every plane.
			if y := f.YOffset(test.w-1, test.h-1); y != test.luma-1 {
				t.Errorf("%s, %+v: the last pixel is at %d", name, test, y)
			}
			if c := f.COffset(test.w-1, test.h-1); c != test.plane-1 {
				t.Errorf("%s, %+v: the colour of the last pixel is at %d", name, test, c)
			}
			f.Y[test.luma-1], f.Cb[test.plane-1], f.Cr[test.plane-1] = 1, 2, 3
			if got, want := f.YCbCrAt(test.w-1, test.h-1), (color.YCbCr{Y: 1, Cb: 2, Cr: 3}); got != want {
				t.Errorf("%s, %+v: the last pixel is %v, want %v", name, test, got, want)
			}
		}
	}
}

// TestCopyFrom checks that a copy is deep, of pictures with and without colour
// and of a part of one, whose rows are apart.
func TestCopyFrom(t *testing.T) {
	var whole Frame
	whole.Resize(16, 8, true)
	whole.At = time.Unix(1, 2)
	for i := range whole.Y {
		whole.Y[i] = byte(i)
	}
	for i := range whole.Cb {
		whole.Cb[i], whole.Cr[i] = byte(100+i), byte(200+i)
	}
	part := Frame{YCbCr: *whole.SubImage(image.Rect(4, 2, 10, 6)).(*image.YCbCr), At: time.Unix(3, 4)}
	grey := Frame{At: time.Unix(5, 6)}
	grey.Resize(5, 3, false)
	copy(grey.Y, "fifteen pixels.")
	var dst Frame
	for name, src := range map[string]*Frame{"whole": &whole, "part": &part, "grey": &grey, "empty": {}} {
		dst.CopyFrom(src)
		if dst.At != src.At || dst.Bounds() != src.Bounds() || len(dst.Cb) != len(src.Cb) || len(dst.Cr) != len(src.Cr) {
			t.Errorf("%s: the copy is %v of %v, want %v of %v", name, dst.Bounds(), dst.At, src.Bounds(), src.At)
		}
		for y := src.Rect.Min.Y; y < src.Rect.Max.Y; y++ {
			for x := src.Rect.Min.X; x < src.Rect.Max.X; x++ {
				if got, want := dst.Y[dst.YOffset(x, y)], src.Y[src.YOffset(x, y)]; got != want {
					t.Fatalf("%s: pixel %d,%d of the copy is %d, want %d", name, x, y, got, want)
				}
				if len(src.Cb) > 0 && dst.YCbCrAt(x, y) != src.YCbCrAt(x, y) {
					t.Fatalf("%s: pixel %d,%d of the copy has another colour", name, x, y)
				}
			}
		}
		if len(src.Y) > 0 {
			old := src.Y[0]
			dst.Y[0] = ^old
			if src.Y[0] != old {
				t.Errorf("%s: the copy shares its pixels", name)
			}
		}
	}
}

func TestAllocs(t *testing.T) {
	var src, dst Frame
	src.Resize(160, 96, true)
	dst.CopyFrom(&src)
	if n := testing.AllocsPerRun(100, func() {
		src.Resize(80, 48, false)
		dst.CopyFrom(&src)
		src.Resize(160, 96, true)
		dst.CopyFrom(&src)
	}); n != 0 {
		t.Errorf("Resize and CopyFrom allocate %v times", n)
	}
}

func BenchmarkCopyFrom(b *testing.B) {
	var src, dst Frame
	src.Resize(640, 480, true)
	b.SetBytes(int64(len(src.Y) + len(src.Cb) + len(src.Cr)))
	b.ReportAllocs()
	for b.Loop() {
		dst.CopyFrom(&src)
	}
}
