package video

import (
	"fmt"
	"image"
	"testing"
)

// play returns picture i of the clip played to and fro without end, so that
// nothing jumps.
func play(clip []*image.YCbCr, i int) *image.YCbCr {
	n := len(clip) - 1
	if i %= 2 * n; i > n {
		i = 2*n - i
	}
	return clip[i]
}

// TestBitrate checks that pictures take what they may where that is little, and
// where it is much only what the wanted quality takes.
func TestBitrate(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and all in one goroutine")
	}
	clip := loadClip(t)
	frees := make(map[Config]int)
	for _, tt := range []struct {
		bitrate, fps, maxBytes, quantiser int
		scarce                            bool
		quality                           float64 // at least
	}{
		{15_000, 30, 0, 0, true, 0.93},
		{30_000, 30, 1150, 0, true, 0.955},
		{45_000, 30, 1150, 0, true, 0.97},
		{90_000, 30, 1150, 0, false, 0.975},
		{20_000, 15, 1150, 0, true, 0.95},
		{90_000, 0, 1150, 0, false, 0.975},
		{90_000, 30, 1150, 30, false, 0.93},
	} {
		c := Config{Width: 160, Height: 96, Bitrate: tt.bitrate, FPS: tt.fps, MaxBytes: tt.maxBytes, Quantiser: tt.quantiser}
		capped, quality := tenSeconds(t, clip, c)
		c.Bitrate = 0
		c.MaxBytes = 0
		if frees[c] == 0 {
			frees[c], _ = tenSeconds(t, clip, c)
		}
		free := frees[c]
		switch {
		case capped > tt.bitrate*105/100, capped > free*101/100:
			t.Errorf("%+v: %d bit/s, %d without a bitrate, want no more than either", tt, capped, free)
		case tt.scarce && capped < tt.bitrate*85/100:
			t.Errorf("%+v: %d bit/s, want nearly all of the bitrate", tt, capped)
		case !tt.scarce && capped < free*97/100:
			t.Errorf("%+v: %d bit/s, want %d as without a bitrate", tt, capped, free)
		}
		if quality < tt.quality {
			t.Errorf("%+v: SSIM %.4f", tt, quality)
		}
		t.Logf("%+v: %d bit/s of %d, SSIM %.4f", tt, capped, free, quality)
	}
}

// tenSeconds returns the bit/s and the SSIM of ten seconds of the clip. Each
// picture keeps to c.MaxBytes.
func tenSeconds(t *testing.T, clip []*image.YCbCr, c Config) (bitrate int, quality float64) {
	l := newLink(t, c)
	fps := c.FPS
	if fps == 0 {
		fps = 15
	}
	const seconds = 10
	total := 0
	for i := range seconds * fps {
		src := play(clip, i*30/fps)
		b, p := l.send(src)
		total += len(b) * 8
		if c.MaxBytes != 0 && len(b) > c.MaxBytes {
			t.Errorf("%+v: picture %+v takes %d bytes", c, p, len(b))
		}
		if i%fps == fps-1 {
			quality += ssim(src, &l.out) / seconds
		}
	}
	return total / seconds, quality
}

// TestBitrateRest checks that the rate control does not spend its bitrate on
// what nobody sees.
func TestBitrateRest(t *testing.T) {
	l := newLink(t, Config{Width: 160, Height: 96, Bitrate: 100_000, FPS: 30})
	src := loadClip(t)[0]
	for range 60 {
		l.send(src)
	}
	if b, _ := l.send(src); len(b) > 6 {
		t.Errorf("unchanged picture takes %d bytes, want at most 6", len(b))
	}
	if got := l.enc.rate.qp(); got != qualityQP {
		t.Errorf("qp %d at rest, want %d", got, qualityQP)
	}
}

// TestMaxBytes gives the encoder what cannot be compressed, after pictures that
// taught it to expect the opposite, and the smallest limits.
func TestMaxBytes(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and all in one goroutine")
	}
	for _, size := range [][2]int{{16, 16}, {160, 96}, {320, 192}, {MaxWidth, MaxHeight}} {
		for _, limit := range []int{minMaxBytes, 512, 1150} {
			t.Run(fmt.Sprintf("%dx%d in %d", size[0], size[1], limit), func(t *testing.T) {
				l := newLink(t, Config{Width: size[0], Height: size[1], MaxBytes: limit, Chroma: limit != 512})
				for i := range 6 {
					if i == 4 {
						l.enc.ForceKey()
					}
					src := coloured(noisy(size[0], size[1], uint32(i+1)), i)
					fill(src.Cb[:len(src.Cb)/2], byte(i*100))
					if b, p := l.send(src); len(b) > limit {
						t.Errorf("picture %+v takes %d bytes", p, len(b))
					}
				}
			})
		}
	}
}

// TestMaxBytesLearnt applies a limit only when the probabilities have been
// taught that nothing is ever left as it was.
func TestMaxBytesLearnt(t *testing.T) {
	l := newLink(t, Config{Width: MaxWidth, Height: MaxHeight, Chroma: true})
	for i := range 3 {
		l.send(coloured(noisy(MaxWidth, MaxHeight, uint32(i+1)), i))
	}
	l.enc.maxBytes = minMaxBytes
	for i := range 2 {
		if i == 1 {
			l.enc.ForceKey()
		}
		if b, _ := l.send(coloured(noisy(MaxWidth, MaxHeight, 9), 9)); len(b) > minMaxBytes {
			t.Errorf("picture takes %d bytes, want %d", len(b), minMaxBytes)
		}
	}
}

// TestMaxBytesQuality checks that a key picture in one datagram is still a
// picture, that it gets sharp within a few more, and then costs nothing.
func TestMaxBytesQuality(t *testing.T) {
	clip := loadClip(t)
	l := newLink(t, Config{Width: 160, Height: 96, MaxBytes: 1150, Bitrate: 60_000, FPS: 30})
	for i := range 15 {
		b, _ := l.send(clip[0])
		got := ssim(clip[0], &l.out)
		t.Logf("picture %d: SSIM %.4f in %d bytes", i, got, len(b))
		if i == 0 && (got < 0.93 || len(b) < 900) || i == 5 && got < 0.975 || i == 14 && (got < 0.975 || len(b) > 6) {
			t.Errorf("picture %d: SSIM %.4f in %d bytes", i, got, len(b))
		}
	}
}

// TestRateKey checks that a key picture changes nothing for the next, and that
// it is paid for in time.
func TestRateKey(t *testing.T) {
	const target = 1000 // bits per picture
	r := newRate(target*30, 30, 0)
	for range 100 { // comes to rest
		r.sent(target/8, r.qp(), false)
	}
	qp := r.qp()
	r.sent(1150, 40, true)
	if r.qp() != qp {
		t.Errorf("qp %d after a key picture, want %d as before", r.qp(), qp)
	}
	r.sent(target*3/4/8, qp, false)
	if d := r.qp() - qp; d < -1 || d > 1 {
		t.Errorf("qp %d after a picture that pays, want %d", r.qp(), qp)
	}
	total, n := 1150*8+target*3/4/8*8, 1
	for ; r.debt > 0; n++ {
		bits := target * 3 / 4
		r.sent(bits/8, r.qp(), false)
		total += bits / 8 * 8
		if n > 100 {
			t.Fatalf("after %d pictures %d bits of a key picture are not paid for", n, r.debt)
		}
	}
	if got := total / (n + 1); got > target+5 || got < target-30 {
		t.Errorf("%d bits per picture until the key picture was paid for, want about %d", got, target)
	}
}

func TestCoarser(t *testing.T) {
	for qp := range maxQP {
		q := qp
		for try := range maxTries {
			q = coarser(q, 1001, 1000, try)
		}
		if q != maxQP {
			t.Errorf("from qp %d, %d tries reach only %d", qp, maxTries, q)
		}
	}
}
