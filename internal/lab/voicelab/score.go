package main

import (
	"context"
	"math"
	"os"
	"slices"

	"github.com/sanix-darker/s2c/internal/lab/speech"
)

const (
	leastPiece = 7 * coarse
	mostPiece  = 10 * coarse
	pause      = coarse / 5 // the quietest of this length is where a piece ends
	step       = coarse / 50
)

// A span is from one sample to before another.
type span struct{ from, to int }

// pieces cuts speech into pieces of about 8 s that begin and end in a pause, as
// far as there is one. What is too short for two is one.
func pieces(x []float64) []span {
	var all []span
	at := 0
	for len(x)-at > mostPiece+leastPiece {
		end, least := 0, math.Inf(1)
		for p := at + leastPiece; p+pause <= at+mostPiece; p += step {
			if l := loud(x[p : p+pause]); l < least {
				end, least = p+pause/2, l
			}
		}
		all = append(all, span{at, end})
		at = end
	}
	if rest := (len(x) - at) / 2; rest >= leastPiece {
		return append(all, span{at, at + rest}, span{at + rest, len(x)})
	}
	return append(all, span{at, len(x)})
}

// score returns the mean PESQ-WB score of pieces of what was heard beside what was
// said. Both have the same length and start at the same word. It is NaN without a
// program.
func (l *lab) score(ctx context.Context, said, heard []int16) (float64, error) {
	if l.pesq == "" {
		return math.NaN(), nil
	}
	dir, err := os.MkdirTemp(l.dir, "pesq")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	sum := 0.0
	all := pieces(decimate(said, rate/coarse))
	for _, p := range all {
		from, to := p.from*rate/coarse, p.to*rate/coarse
		const factor = rate / speech.PESQRate
		mos, err := speech.PESQ(ctx, l.pesq, dir, rounded(decimate(said[from:to], factor)), rounded(decimate(heard[from:to], factor)))
		if err != nil {
			return 0, err
		}
		sum += mos
	}
	return sum / float64(len(all)), nil
}

// rounded returns sound as samples.
func rounded(x []float64) []int16 {
	out := make([]int16, len(x))
	for i, v := range x {
		out[i] = int16(max(math.MinInt16, min(math.MaxInt16, math.Round(v))))
	}
	return out
}

// cut returns so many samples of speech that is repeated for ever.
func cut(pcm []int16, at, n int) []int16 {
	at %= len(pcm)
	if at < 0 {
		at += len(pcm)
	}
	return slices.Repeat(pcm, (at+n)/len(pcm)+1)[at : at+n]
}

// silences returns how many milliseconds of what was heard are nothing at all
// while somebody speaks.
func silences(said, heard []int16) int {
	const chunk = rate / 100
	n := 0
	for at := 0; at+chunk <= min(len(said), len(heard)); at += chunk {
		if slices.Max(heard[at:at+chunk]) != 0 || slices.Min(heard[at:at+chunk]) != 0 {
			continue
		}
		x := make([]float64, chunk)
		for i := range x {
			x[i] = float64(said[at+i])
		}
		if loud(x) > audible {
			n += 10
		}
	}
	return n
}

// mean returns the mean of figures, NaN of none.
func mean(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v
	}
	return sum / float64(len(x))
}

// quantile returns the figure that a share of all are below, NaN of none.
func quantile(x []float64, q float64) float64 {
	if len(x) == 0 {
		return math.NaN()
	}
	s := slices.Sorted(slices.Values(x))
	return s[min(int(q*float64(len(s))), len(s)-1)]
}
