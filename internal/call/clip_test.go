package call_test

import (
	"bytes"
	"image"
	"os"
	"testing"
	"time"

	"github.com/sanix-darker/s2c/internal/lab"
	"github.com/sanix-darker/s2c/internal/video"
)

// signer returns the reel of a person at a webcam, forwards and backwards in
// turn so that it has no cut: 160x96, 30 pictures a second.
func signer(t *testing.T) *reel {
	t.Helper()
	const w, h, cw, ch = 160, 96, 640, 480
	b, err := os.ReadFile(lab.Clip(t))
	if err != nil {
		t.Fatal(err)
	}
	var pictures [][]byte
	_, b, _ = bytes.Cut(b, []byte("\n")) // the head of the file
	for len(b) > 0 {
		_, b, _ = bytes.Cut(b, []byte("\n")) // of the picture
		dst := image.NewYCbCr(image.Rect(0, 0, w, h), image.YCbCrSubsampleRatio420)
		video.Scale(dst, &image.YCbCr{Y: b[:cw*ch], YStride: cw, Rect: image.Rect(0, 0, cw, ch)})
		pictures = append(pictures, dst.Y)
		b = b[cw*ch*3/2:]
	}
	turn := len(pictures) - 1
	return &reel{w: w, h: h, rate: 30, film: func(y []byte, n int) {
		if n %= 2 * turn; n > turn {
			n = 2*turn - n
		}
		copy(y, pictures[n])
	}}
}

// TestLossOfClip shows what becomes of the picture of a person who signs, at
// the kinds of loss of TestLostPictures.
func TestLossOfClip(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("half a minute of computing")
	}
	r := signer(t)
	burst := 3 * r.every()
	tests := []struct {
		name   string
		link   lossyLink
		late   float64 // at most this share of late pictures
		freeze int     // pictures
		now    float64 // SSIM to what was filmed then, at least
	}{
		{"none", lossyLink{}, 0, 0, 0.982},
		{"random 5 %", lossyLink{loss: 0.05}, 0.06, 15, 0.981},
		{"random 10 %", lossyLink{loss: 0.10}, 0.12, 15, 0.979},
		{"random 20 %", lossyLink{loss: 0.20}, 0.27, 25, 0.97},
		{"bursts 5 %", lossyLink{loss: 0.05, burst: burst}, 0.12, 20, 0.975},
		{"bursts 10 %", lossyLink{loss: 0.10, burst: burst}, 0.20, 25, 0.97},
		{"bursts 20 %", lossyLink{loss: 0.20, burst: burst}, 0.35, 30, 0.96},
	}
	logLost(t)
	for _, test := range tests {
		s := lose(t, r, test.link, 20)
		s.log(t, test.name)
		if late := float64(s.late) / float64(s.instants); late > test.late || s.freeze > test.freeze || s.now < test.now || s.heal > 500*time.Millisecond {
			t.Errorf("%s: late %.3f, freeze %d, SSIM %.4f, healed after %v; want at most %.3f, %d, at least %.4f, at most 500ms",
				test.name, late, s.freeze, s.now, s.heal, test.late, test.freeze, test.now)
		}
	}
}
