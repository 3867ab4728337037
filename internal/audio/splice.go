package audio

import "math"

// fades is the gain at the end of each chunk in a row that is made up, after
// a gain of 1.
var fades = [fadeChunks]float32{1, 1, 0.875, 0.75, 0.625, 0.5, 0.375, 0.25, 0.125, 0}

const (
	fadeIn   = 240 // samples, 5 ms: how fast a voice comes back after a fade
	overlap  = 240 // samples, 5 ms: of two chunks that are spliced
	overStep = 60  // samples between the places for a splice that are tried
)

// ramp multiplies pcm by a gain that goes from one value to another within
// the first n samples.
func ramp(pcm []int16, from, to float32, n int) {
	if from == 1 && to == 1 {
		return
	}
	step := (to - from) / float32(n)
	for i := range pcm {
		gain := to
		if i < n {
			gain = from + step*float32(i+1)
		}
		pcm[i] = int16(math.RoundToEven(float64(float32(pcm[i]) * gain)))
	}
}

// splice makes sound that begins like a and ends like b, which is as long, and
// stores it in a. It goes over from one to the other where they differ least.
func splice(a, b []int16) {
	best, at := int64(-1), 0
	for p := 0; p+overlap <= len(a); p += overStep {
		var diff int64
		for i := p; i < p+overlap; i++ {
			d := int64(a[i]) - int64(b[i])
			diff += d * d
		}
		if best < 0 || diff < best {
			best, at = diff, p
		}
	}
	for i := range overlap {
		w := float32(i+1) / (overlap + 1)
		a[at+i] = int16(float32(a[at+i])*(1-w) + float32(b[at+i])*w)
	}
	copy(a[at+overlap:], b[at+overlap:])
}
