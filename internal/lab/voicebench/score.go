package main

import (
	"math"
	"math/cmplx"

	"github.com/sanix-darker/s2c/internal/media"
)

const (
	// lookAhead is how many samples later Opus plays what it heard.
	lookAhead = 312

	window = 1024

	// What is less than this below full scale is not heard, in dB, and what is
	// less in all bands is no speech.
	hearing = -70
	speech  = -45

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
	for i, p := range h.points {
		from := i * media.ChunkSamples
		at := p.at - late
		if at < 0 || at+window > len(want) || from+window > len(h.pcm) {
			continue
		}
		w, loudest := spectrum(want[at : at+window])
		if loudest < speech {
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
		hann := 0.5 - 0.5*math.Cos(2*math.Pi*float64(i)/window)
		x[i] = complex(float64(s)/32768*hann, 0)
	}
	fourier(x[:])
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

// fourier transforms x, whose length is a power of two.
func fourier(x []complex128) {
	if len(x) == 1 {
		return
	}
	half := len(x) / 2
	even, odd := make([]complex128, half), make([]complex128, half)
	for i := range half {
		even[i], odd[i] = x[2*i], x[2*i+1]
	}
	fourier(even)
	fourier(odd)
	for i := range half {
		t := cmplx.Rect(1, -math.Pi*float64(i)/float64(half)) * odd[i]
		x[i], x[i+half] = even[i]+t, even[i]-t
	}
}
