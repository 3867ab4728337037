package device

import (
	"bytes"
	"testing"
	"time"

	"github.com/sanix-darker/s2c/internal/media"
)

// TestCard: the picture depends on variant, size and time, and on nothing else.
func TestCard(t *testing.T) {
	draw := func(variant int, at time.Duration, chroma bool) media.Frame {
		var f media.Frame
		newCard(variant, VideoConfig{Width: 160, Height: 120, FPS: 30, Chroma: chroma}).draw(&f, at)
		return f
	}
	base := draw(0, time.Second, true)
	if again := draw(0, time.Second, true); !bytes.Equal(base.Y, again.Y) || !bytes.Equal(base.Cb, again.Cb) {
		t.Error("the same time gives another picture")
	}
	if grey := draw(0, time.Second, false); !bytes.Equal(base.Y, grey.Y) || len(grey.Cb) != 0 || len(grey.Cr) != 0 {
		t.Error("luma depends on colour, or there is colour without being asked for")
	}
	if d := share(base.Y, draw(0, time.Second+100*time.Millisecond, false).Y); d < 0.005 {
		t.Errorf("%.4f of the picture moves within 100 ms, want more", d)
	}
	for variant := 1; variant < 12; variant++ {
		if d := share(base.Y, draw(variant, time.Second, false).Y); d < 0.2 {
			t.Errorf("variant %d differs from 0 in %.2f of the picture, want more", variant, d)
		}
	}
}

// share returns the share of samples that differ clearly.
func share(a, b []byte) float64 {
	n := 0
	for i := range a {
		if max(int(a[i])-int(b[i]), int(b[i])-int(a[i])) > 8 {
			n++
		}
	}
	return float64(n) / float64(len(a))
}

// TestCardRange: black and white are in it, and nothing is drawn outside of
// pictures of any size.
func TestCardRange(t *testing.T) {
	for _, size := range [][2]int{{2, 2}, {16, 240}, {400, 20}, {640, 480}} {
		d := newCard(3, VideoConfig{Width: size[0], Height: size[1], FPS: 30, Chroma: true})
		var f media.Frame
		for i := range 50 {
			d.draw(&f, time.Duration(i)*377*time.Millisecond)
		}
		lowest, highest := byte(255), byte(0)
		for _, v := range f.Y {
			lowest, highest = min(lowest, v), max(highest, v)
		}
		if size[0] >= 160 && (lowest > 20 || highest < 235) {
			t.Errorf("%v: luma from %d to %d", size, lowest, highest)
		}
	}
}

func TestCardAllocs(t *testing.T) {
	d := newCard(1, VideoConfig{Width: 640, Height: 480, FPS: 30, Chroma: true})
	var f media.Frame
	d.draw(&f, 0)
	if n := testing.AllocsPerRun(5, func() { d.draw(&f, time.Second) }); n != 0 {
		t.Errorf("draw allocates %v times, want 0", n)
	}
}

func BenchmarkCard(b *testing.B) {
	d := newCard(1, VideoConfig{Width: 640, Height: 480, FPS: 30, Chroma: true})
	var f media.Frame
	b.ReportAllocs()
	for b.Loop() {
		d.draw(&f, time.Second)
	}
}
