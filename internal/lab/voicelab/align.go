package main

import (
	"math"
	"math/cmplx"
)

const (
	coarse    = 8000 // samples per second of sound that is compared
	window    = coarse
	hop       = coarse / 2
	reach     = coarse / 2 // how far from where a window is expected it is looked for
	farReach  = 8 * coarse // when it is not there
	likeness  = 0.4        // from which on it is found
	audible   = -45        // dBFS; a window that is less loud has nothing to be found
	emphasis  = 0.9        // of high frequencies, so that the pitch alone does not decide
	taps      = 16         // of the filter, to either side, in samples of the lower rate
	passShare = 0.9        // of the band that is kept
	fullScale = 32768
)

// decimate brings sound to a rate that is lower by a whole factor.
func decimate(pcm []int16, factor int) []float64 {
	half := taps * factor
	filter := make([]float64, 2*half+1)
	sum := 0.0
	for i := range filter {
		x := float64(i-half) / float64(factor) * passShare
		v := 1.0
		if x != 0 {
			v = math.Sin(math.Pi*x) / (math.Pi * x)
		}
		v *= 0.5 + 0.5*math.Cos(math.Pi*float64(i-half)/float64(half+1)) // Hann's window
		filter[i] = v
		sum += v
	}
	out := make([]float64, len(pcm)/factor)
	for i := range out {
		var v float64
		for k, f := range filter {
			if at := i*factor + k - half; at >= 0 && at < len(pcm) {
				v += f * float64(pcm[at])
			}
		}
		out[i] = v / sum
	}
	return out
}

// loud returns the level of sound in dBFS.
func loud(x []float64) float64 {
	sum := 1e-9
	for _, v := range x {
		sum += v * v
	}
	return 10 * math.Log10(sum/float64(max(1, len(x)))/fullScale/fullScale)
}

// emphasize returns sound with more of the high frequencies.
func emphasize(x []float64) []float64 {
	y := make([]float64, len(x))
	before := 0.0
	for i, v := range x {
		y[i] = v - emphasis*before
		before = v
	}
	return y
}

// fourier transforms x, whose length is a power of two, in place.
func fourier(x []complex128) {
	n := len(x)
	for i, j := 1, 0; i < n; i++ {
		bit := n >> 1
		for ; j&bit != 0; bit >>= 1 {
			j ^= bit
		}
		if j ^= bit; i < j {
			x[i], x[j] = x[j], x[i]
		}
	}
	turns := make([]complex128, n/2)
	for i := range turns {
		turns[i] = cmplx.Rect(1, -2*math.Pi*float64(i)/float64(n))
	}
	for size := 2; size <= n; size *= 2 {
		half, step := size/2, n/size
		for at := 0; at < n; at += size {
			for k := range half {
				a, b := x[at+k], x[at+k+half]*turns[k*step]
				x[at+k], x[at+k+half] = a+b, a-b
			}
		}
	}
}

// likenesses returns how alike x is to each part of y that is as long, -1 to 1.
func likenesses(x, y []float64) []float64 {
	count := len(y) - len(x) + 1
	if count <= 0 || len(x) == 0 {
		return nil
	}
	n := 1
	for n < len(y) {
		n *= 2
	}
	// Both in one transform: x is the real part, y the imaginary one.
	z := make([]complex128, n)
	for i, v := range y {
		z[i] = complex(0, v)
	}
	for i, v := range x {
		z[i] += complex(v, 0)
	}
	fourier(z)
	c := make([]complex128, n)
	for i := range c {
		a, b := z[i], cmplx.Conj(z[(n-i)%n])
		fx, fy := (a+b)/2, (a-b)/2i
		c[i] = fx * cmplx.Conj(fy) // backwards, so that a second transform is the inverse
	}
	fourier(c)
	// What is quieter than a bit is like nothing, and its level is rounding.
	least := float64(len(x))
	var own, theirs float64
	for _, v := range x {
		own += v * v
	}
	for _, v := range y[:len(x)] {
		theirs += v * v
	}
	out := make([]float64, count)
	for i := range out {
		if i > 0 {
			theirs += y[i+len(x)-1]*y[i+len(x)-1] - y[i-1]*y[i-1]
		}
		out[i] = real(c[i]) / float64(n) / math.Sqrt(max(own, least)*max(theirs, least))
	}
	return out
}

// best returns the place of the greatest of some figures.
func best(x []float64) (at int, most float64) {
	for i, v := range x {
		if i == 0 || v > most {
			at, most = i, v
		}
	}
	return at, most
}

// A tape is speech that is repeated for ever, at the rate of comparison.
type tape struct {
	loudness []float64 // as it is
	sharp    []float64 // emphasized
}

func newTape(pcm []int16) *tape {
	x := decimate(pcm, rate/coarse)
	return &tape{x, emphasize(x)}
}

// part returns so many samples from a place on, which may be negative.
func part(x []float64, at, n int) []float64 {
	out := make([]float64, n)
	at %= len(x)
	if at < 0 {
		at += len(x)
	}
	for i := range out {
		out[i] = x[at]
		if at++; at == len(x) {
			at = 0
		}
	}
	return out
}

// find returns where on the tape the sound of a longer time is, and how sure that
// is: the likeness there.
func (t *tape) find(heard []float64) (at int, like float64) {
	return best(likenesses(heard, part(t.sharp, 0, len(t.sharp)+len(heard)-1)))
}

// A sight is a window of what was heard that was found on the tape.
type sight struct {
	at   int     // in what was heard
	lag  int     // place in what was heard less that on the tape
	like float64 // 0 to 1
}

// follow finds windows of what was heard between two places, of which the first
// is expected at some lag and each next one near the one before, or else further
// away. Windows without speech are left out; those in which nothing was found have
// a likeness of 0, and the lag of the one before.
func (t *tape) follow(heard []float64, from, to, lag int) []sight {
	var all []sight
	for at := from; at+window <= min(to, len(heard)); at += hop {
		if loud(part(t.loudness, at-lag, window)) < audible {
			continue
		}
		s := sight{at: at, lag: lag}
		for _, reach := range []int{reach, farReach} {
			place, like := best(likenesses(heard[at:at+window], part(t.sharp, at-lag-reach, window+2*reach)))
			if like >= likeness {
				lag += reach - place
				s.lag, s.like = lag, like
				break
			}
		}
		all = append(all, s)
	}
	return all
}
