package main

import (
	"errors"
	"fmt"
	"math"
)

// point is what a clip takes and keeps at one quantiser.
type point struct {
	kbps float64 // without the first picture
	ssim float64

	// Of ours alone.
	key, largest   int     // bytes of the first picture, and of the largest other
	encode, decode float64 // CPU in ms for a picture
}

// codec compresses a clip at a quantiser, the larger the coarser.
type codec struct {
	name        string
	first, last int
	code        func(c *clip, quantiser int) (point, error)
}

var errQuality = errors.New("the quality is out of the quantiser's reach")

// at returns what the codec needs for an SSIM: between two quantisers next
// to each other that have it between them.
func (k *codec) at(c *clip, want float64) (point, error) {
	lo, hi := k.first, k.last
	fine, err := k.code(c, lo)
	if err != nil {
		return fine, err
	}
	coarse, err := k.code(c, hi)
	if err != nil {
		return fine, err
	}
	if fine.ssim < want || coarse.ssim > want {
		return fine, fmt.Errorf("%s of %s %dx%d at SSIM %v: %w (%.4f to %.4f)",
			k.name, c.name, c.w, c.h, want, errQuality, coarse.ssim, fine.ssim)
	}
	for hi-lo > 1 {
		// Where a straight line would have it, but not at either end.
		part := (scale(fine.ssim) - scale(want)) / (scale(fine.ssim) - scale(coarse.ssim))
		mid := max(lo+1, min(lo+int(math.Round(part*float64(hi-lo))), hi-1))
		p, err := k.code(c, mid)
		if err != nil {
			return p, err
		}
		if p.ssim >= want {
			lo, fine = mid, p
		} else {
			hi, coarse = mid, p
		}
	}
	part := 0.0
	if fine.ssim > coarse.ssim {
		part = (scale(fine.ssim) - scale(want)) / (scale(fine.ssim) - scale(coarse.ssim))
	}
	mix := func(a, b float64) float64 { return a*(1-part) + b*part }
	p := fine
	p.kbps = math.Exp(mix(math.Log(fine.kbps), math.Log(coarse.kbps)))
	p.ssim = want
	p.encode, p.decode = mix(fine.encode, coarse.encode), mix(fine.decode, coarse.decode)
	return p, nil
}

// scale makes qualities comparable: steps of it matter alike.
func scale(ssim float64) float64 { return -math.Log(max(1-ssim, 1e-6)) }

// kbps returns the rate of n pictures of so many bytes together.
func kbps(bytes, n, fps int) float64 { return float64(bytes) * 8 * float64(fps) / 1000 / float64(n) }
