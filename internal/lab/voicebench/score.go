package main

import (
	"math"
	"math/bits"
	"math/cmplx"
	"time"

	"github.com/sanix-darker/s2c/internal/media"
)

const (
	// lookAhead is how many samples later Opus plays what it heard.
	lookAhead = 312

	// The levels are those of a window of so many samples, every 20 ms.
	window = 1024
	every  = 20 * time.Millisecond

	// What is less than this below full scale is not heard, in dB, and what is
	// less in all bands is no speech.
	hearing = -70
	talking = -45

	badFrom = 6 // dB
)

// bands are the edges of the critical bands in Hz, after Zwicker.
var bands = [...]float64{
	100, 200, 300, 400, 510, 630, 770, 920, 1080, 1270, 1480, 1720,
	2000, 2320, 2700, 3150, 3700, 4400, 5300, 6400, 7700,
}

// levels are those of the bands in dB.
type levels [len(bands) - 1]float64

// distance compares what was heard with what should have been, which is late
// by some samples, while somebody speaks. It returns the mean difference in dB,
// and the share of the time in which it is bad.
func distance(want []int16, late int, h *heard) (mean, bad float64) {
	n := 0
	for i := 0; i < len(h.points); i += int(every / media.ChunkTime) {
		from := i * media.ChunkSamples
		at := h.points[i].at - late
		if at < 0 || at+window > len(want) || from+window > len(h.pcm) {
			continue
		}
		w, loudest := spectrum(want[at : at+window])
		if loudest < talking {
			continue
		}
		g, _ := spectrum(h.pcm[from : from+window])
		var d float64
		for b := range w {
			d += math.Abs(w[b] - g[b])
		}
		d /= float64(len(w))
		mean += d
		if d > badFrom {
			bad++
		}
		n++
	}
	if n == 0 {
		return math.NaN(), math.NaN()
	}
	return mean / float64(n), bad / float64(n)
}

// spectrum returns the levels of a window of sound, and the highest.
func spectrum(pcm []int16) (l levels, loudest float64) {
	var x [window]complex128
	for i, s := range pcm {
		x[i] = complex(float64(s)*hann[i], 0)
	}
	fourier(&x)
	loudest = hearing
	for b := range l {
		from, to := int(bands[b]*window/media.SampleRate+0.5), int(bands[b+1]*window/media.SampleRate+0.5)
		var sum float64
		for _, c := range x[from:max(to, from+1)] {
			sum += real(c)*real(c) + imag(c)*imag(c)
		}
		// A sine of full scale has a line of window/4.
		l[b] = max(10*math.Log10(sum*16/window/window+1e-12), hearing)
		loudest = max(loudest, l[b])
	}
	return l, loudest
}

// turns are the roots of one that a transform of a window needs, and hann is
// the window.
var turns, hann = tables()

func tables() (turns [window / 2]complex128, hann [window]float64) {
	for i := range turns {
		turns[i] = cmplx.Rect(1, -2*math.Pi*float64(i)/window)
	}
	for i := range hann {
		hann[i] = (0.5 - 0.5*math.Cos(2*math.Pi*float64(i)/window)) / 32768
	}
	return turns, hann
}

// fourier transforms a window in place.
func fourier(x *[window]complex128) {
	unused := bits.LeadingZeros32(window - 1)
	for i := range x {
		if j := int(bits.Reverse32(uint32(i)) >> unused); j > i {
			x[i], x[j] = x[j], x[i]
		}
	}
	for half := 1; half < window; half *= 2 {
		for begin := 0; begin < window; begin += 2 * half {
			for i := range half {
				a, b := x[begin+i], x[begin+i+half]*turns[i*(window/2/half)]
				x[begin+i], x[begin+i+half] = a+b, a-b
			}
		}
	}
}
