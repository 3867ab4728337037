package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"time"

	"github.com/sanix-darker/s2c/internal/lab/speech"
	"github.com/sanix-darker/s2c/internal/media"
)

// PESQ scores pieces of 8 to 10 s, as P.862 was made for: it aligns a piece
// sentence by sentence and knows not many of them.
const (
	shortest = 8 * media.SampleRate
	longest  = 10 * media.SampleRate

	// pesqStep is how many of our samples make one of those that PESQ compares.
	pesqStep = media.SampleRate / speech.PESQRate

	// A piece with fewer chunks of 20 ms over the level of speech is not scored:
	// PESQ refuses silence.
	leastSpeech = 50
)

// A ruler scores speech with a program for P.862.2.
type ruler struct {
	program string
	dir     string // for the pieces
	pcm     []int16
	ref     []int16 // pcm at 16 kHz
	cuts    []int   // where pieces begin and end, in samples of pcm
}

// newRuler returns a ruler that compares with pcm from some time on. The caller
// removes its dir.
func newRuler(ctx context.Context, program string, pcm []int16, settle time.Duration) (*ruler, error) {
	ref, err := speech.Resample(ctx, pcm, speech.PESQRate)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "voicebench")
	if err != nil {
		return nil, fmt.Errorf("make a directory for the pieces: %w", err)
	}
	from := min(int(settle.Seconds()*media.SampleRate), len(pcm))
	return &ruler{program: program, dir: dir, pcm: pcm, ref: ref, cuts: pieces(pcm, from)}, nil
}

// score returns the mean MOS-LQO of the pieces of what was heard.
func (r *ruler) score(ctx context.Context, h *heard) (float64, error) {
	deg, err := speech.Resample(ctx, h.pcm, speech.PESQRate)
	if err != nil {
		return 0, err
	}
	var sum float64
	n := 0
	for i := range len(r.cuts) - 1 {
		from, to := r.cuts[i], r.cuts[i+1]
		// The last piece is not heard to its end.
		a, b := h.when(from), h.when(to)
		if b < 0 || !spoken(r.pcm[from:to]) {
			continue
		}
		mos, err := speech.PESQ(ctx, r.program, r.dir, r.ref[from/pesqStep:to/pesqStep], deg[a/pesqStep:b/pesqStep])
		if err != nil {
			return 0, err
		}
		sum += mos
		n++
	}
	if n == 0 {
		return 0, errors.New("no piece with speech for PESQ")
	}
	return sum / float64(n), nil
}

// pieces cuts speech from some sample on where it is most quiet.
func pieces(pcm []int16, from int) []int {
	const step = media.SampleRate / 100
	var power []float64 // of 10 ms each
	for at := 0; at+step <= len(pcm); at += step {
		var sum float64
		for _, x := range pcm[at : at+step] {
			sum += float64(x) * float64(x)
		}
		power = append(power, sum)
	}
	cuts := []int{from}
	for from+longest <= len(power)*step {
		best, least := 0, math.Inf(1)
		const around = 10 // 100 ms on both sides
		for at := (from + shortest) / step; at+around <= (from+longest)/step; at++ {
			var sum float64
			for _, p := range power[at-around : at+around] {
				sum += p
			}
			if sum < least {
				best, least = at*step, sum
			}
		}
		from = best
		cuts = append(cuts, from)
	}
	return cuts
}

// spoken reports whether there is enough in a piece to be scored.
func spoken(pcm []int16) bool {
	n := 0
	for len(pcm) >= window {
		if _, loudest := spectrum(pcm[:window]); loudest > talking {
			n++
		}
		pcm = pcm[window:]
	}
	return n >= leastSpeech
}

// when returns the sample of h.pcm in which a sample of the speech is heard, or
// -1 if it never is.
func (h *heard) when(at int) int {
	for i, p := range h.points {
		if p.at >= at {
			return i * media.ChunkSamples
		}
	}
	return -1
}
