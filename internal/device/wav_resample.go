package device

import (
	"math"

	"github.com/sanix-darker/s2c/internal/media"
)

const (
	// resampleWidth is how many zero crossings the filter has on each side. With
	// 32 it falls from nothing to 80 dB between 0.843 and 1 times the highest
	// frequency that both rates can carry: above 3.4 kHz of 8 kHz, above 18.6 kHz
	// of 44.1 kHz.
	resampleWidth = 32

	// resampleBeta shapes the Kaiser window: 80 dB (A = 8.7 + beta / 0.1102).
	resampleBeta = 7.857

	// resampleEdge is the middle of that fall. Its width is
	// (80 - 8) / 2.285 / 64 taps = 0.49 rad = 0.157 of the highest frequency.
	resampleEdge = 1 - 0.157/2

	// resamplePhases is how many places between two samples are told apart at
	// most. Common rates need fewer, and those are exact: 160 for 44.1 kHz. For
	// others the place is off by up to 1/8192 of a sample, which makes 100 dB at
	// 1 kHz and 76 dB at 15 kHz.
	resamplePhases = 4096
)

// resample brings sound to 48 kHz by a windowed sinc, without folding what is
// above the highest frequency into the sound. The sound is taken to go round, as
// a clip does that is repeated. pcm has at least one sample.
func resample(pcm []int16, rate int) []int16 {
	if rate == media.SampleRate {
		return pcm
	}
	common := gcd(rate, media.SampleRate)
	up, down := media.SampleRate/common, rate/common
	f := newSinc(rate, min(up, resamplePhases))
	// What the filter needs on either side is what comes next when it goes round.
	round := make([]int16, len(pcm)+f.taps)
	for i := range round {
		round[i] = pcm[((i-f.taps/2+1)%len(pcm)+len(pcm))%len(pcm)]
	}
	out := make([]int16, max(1, int(int64(len(pcm))*media.SampleRate/int64(rate))))
	at, rest := 0, 0 // the place in pcm is at + rest/up
	for i := range out {
		sum := float32(0)
		window := round[at : at+f.taps]
		for j, k := range f.phase(rest * f.phases / up) {
			sum += k * float32(window[j])
		}
		out[i] = int16(math.Round(float64(max(math.MinInt16, min(sum, math.MaxInt16)))))
		rest += down
		at += rest / up
		rest %= up
	}
	return out
}

// A sinc is a low-pass filter, sampled at several phases.
type sinc struct {
	taps, phases int
	table        []float32 // taps for each phase
}

// newSinc returns the filter between a rate and ours.
func newSinc(rate, phases int) sinc {
	// In samples of the source: where they come faster than ours, the filter is
	// that much lower and longer.
	scale := min(1, media.SampleRate/float64(rate))
	half := int(math.Ceil(resampleWidth / scale))
	f := sinc{taps: 2 * half, phases: phases}
	f.table = make([]float32, f.phases*f.taps)
	edge := scale * resampleEdge
	for p := range f.phases {
		taps := f.phase(p)
		sum := 0.0
		for j := range taps {
			x := float64(j-half+1) - float64(p)/float64(f.phases)
			y := kaiser(x/float64(half)) * edge
			if x != 0 {
				y *= math.Sin(math.Pi*edge*x) / (math.Pi * edge * x)
			}
			taps[j] = float32(y)
			sum += y
		}
		// every phase lets a constant through as it is
		for j := range taps {
			taps[j] /= float32(sum)
		}
	}
	return f
}

// phase returns the taps of a phase.
func (f sinc) phase(p int) []float32 { return f.table[p*f.taps:][:f.taps] }

// kaiser returns the window at x, which is between -1 and 1.
func kaiser(x float64) float64 {
	return besselI0(resampleBeta*math.Sqrt(max(0, 1-x*x))) / besselI0(resampleBeta)
}

// besselI0 is the modified Bessel function of the first kind, by its series.
func besselI0(x float64) float64 {
	sum, term := 1.0, 1.0
	for k := 1.0; term > 1e-12*sum; k++ {
		term *= x / 2 / k * (x / 2 / k)
		sum += term
	}
	return sum
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
