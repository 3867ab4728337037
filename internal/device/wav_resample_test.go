package device

import (
	"fmt"
	"math"
	"testing"

	"github.com/sanix-darker/s2c/internal/media"
)

// sine returns a second of a tone.
func sine(hz, amp float64, rate int) []int16 {
	pcm := make([]int16, rate)
	for i := range pcm {
		pcm[i] = int16(math.Round(amp * math.Sin(2*math.Pi*hz*float64(i)/float64(rate))))
	}
	return pcm
}

// rest returns what is left of pcm without a tone, as an amplitude.
func rest(pcm []int16, hz float64) float64 {
	var re, im float64
	for i, v := range pcm {
		sin, cos := math.Sincos(2 * math.Pi * hz * float64(i) / media.SampleRate)
		re += 2 * float64(v) * cos / float64(len(pcm))
		im += 2 * float64(v) * sin / float64(len(pcm))
	}
	sum := 0.0
	for i, v := range pcm {
		sin, cos := math.Sincos(2 * math.Pi * hz * float64(i) / media.SampleRate)
		d := float64(v) - re*cos - im*sin
		sum += d * d
	}
	return math.Sqrt(2 * sum / float64(len(pcm)))
}

// TestResample makes sure that tones keep their pitch and strength at every
// rate, with nothing beside them. A second of a whole number of Hz goes round
// without a seam.
func TestResample(t *testing.T) {
	const amp = 16000
	for _, rate := range []int{8000, 11025, 16000, 44100, 47999, 48000, 96000, 192000} {
		for _, hz := range []float64{1, 1000, 3000, 8000, 18000} {
			if hz > 0.42*float64(rate) {
				continue // the filter is falling there
			}
			out := resample(sine(hz, amp, rate), rate)
			if len(out) != media.SampleRate {
				t.Errorf("a second at %d Hz becomes %d samples, want %d", rate, len(out), media.SampleRate)
			}
			got, noise := amplitude(out, hz), rest(out, hz)
			snr := 20 * math.Log10(got/noise)
			if math.Abs(got-amp) > amp/100 || snr < 72 {
				t.Errorf("%.0f Hz at %d Hz: an amplitude of %d becomes %.0f with %.1f dB to the rest, want 72 at least", hz, rate, amp, got, snr)
			}
		}
	}
}

// TestResampleAlias makes sure that what is above the highest frequency of ours
// goes away instead of being folded down.
func TestResampleAlias(t *testing.T) {
	for _, tt := range []struct {
		rate int
		hz   float64
	}{{96000, 24100}, {96000, 30000}, {96000, 47000}, {192000, 25000}, {192000, 90000}, {88200, 40000}} {
		out := resample(sine(tt.hz, 16000, tt.rate), tt.rate)
		worst := 0
		for _, v := range out {
			worst = max(worst, int(v), -int(v))
		}
		if worst > 4 { // 72 dB below
			t.Errorf("%.0f Hz at %d Hz of 16000 becomes something of %d, want 4 at most", tt.hz, tt.rate, worst)
		}
	}
}

// TestResampleFull makes sure that the loudest sound there is does not wrap.
func TestResampleFull(t *testing.T) {
	pcm := make([]int16, 4410)
	for i := range pcm {
		pcm[i] = math.MinInt16
		if i/50%2 == 0 {
			pcm[i] = math.MaxInt16
		}
	}
	out := resample(pcm, 44100)
	for i, v := range out {
		// the middle of each half of the square
		at := float64(i) * 44100 / 48000
		if phase := math.Mod(at, 50); phase > 15 && phase < 35 && (v > 0) != (int(at)/50%2 == 0) {
			t.Fatalf("sample %d is %d, of the wrong sign", i, v)
		}
	}
}

func BenchmarkResample(b *testing.B) {
	for _, rate := range []int{8000, 44100, 47999, 96000} {
		pcm := sine(1000, 16000, rate)
		b.Run(fmt.Sprint(rate), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				resample(pcm, rate)
			}
		})
	}
}
