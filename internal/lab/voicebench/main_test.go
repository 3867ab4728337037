package main

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/sanix-darker/s2c/internal/media"
)

// talk returns n samples of harmonics in syllables.
func talk(n int) []int16 {
	r := rand.New(rand.NewPCG(1, 1))
	s := make([]int16, n)
	for i := range s {
		t := float64(i) / media.SampleRate
		var x float64
		for h := 1.0; h < 30; h++ {
			x += math.Sin(2*math.Pi*130*h*t+h*h+math.Sin(2*math.Pi*0.7*t)) / h
		}
		s[i] = int16(4000*math.Pow(max(0, math.Sin(2*math.Pi*2*t)), 0.5)*x + 20*r.NormFloat64())
	}
	return s
}

func TestArrivals(t *testing.T) {
	const count = 50000
	for _, l := range losses {
		all := network{loss: l, jitter: 30 * time.Millisecond, seed: 3}.arrivals(count)
		if got, want := 1-float64(len(all))/count, float64(l.percent)/100; math.Abs(got-want) > 0.15*want {
			t.Errorf("%v: %.4f are lost, want %.4f", l, got, want)
		}
		here := make([]bool, count)
		for _, a := range all {
			here[a.index] = true
			if late := a.at - time.Duration(a.index)*packet - way; late < 0 || late >= 30*time.Millisecond {
				t.Fatalf("%v: packet %d comes %v late", l, a.index, late)
			}
		}
		row := 0
		for i, ok := range here {
			if !ok {
				row++
				continue
			}
			if row%l.row != 0 && i > row {
				t.Fatalf("%v: %d lost before packet %d", l, row, i)
			}
			row = 0
		}
		plain := network{loss: l, seed: 3}.arrivals(count)
		slices.SortFunc(all, func(a, b arrival) int { return a.index - b.index })
		for i := range plain {
			if plain[i].index != all[i].index {
				t.Fatalf("%v: with jitter other packets are lost", l)
			}
		}
	}
}

// TestScore checks the ruler: nothing is nothing, what was lost is harm, and
// what protects is less harm.
func TestScore(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and all in one goroutine")
	}
	pcm := talk(20 * media.SampleRate)
	harm := func(l loss, p policy, drift float64) (float64, *heard) {
		sent, err := encode(pcm, 24000, l, p)
		if err != nil {
			t.Fatal(err)
		}
		clean, err := decode(sent)
		if err != nil {
			t.Fatal(err)
		}
		h, err := network{loss: l, jitter: 30 * time.Millisecond, again: p.again, drift: drift, seed: 1}.play(sent)
		if err != nil {
			t.Fatal(err)
		}
		d, _ := distance(clean, 0, h)
		return d, h
	}
	if d, h := harm(loss{0, 1}, policies[0], 0); d > 0.01 || len(h.points) != 15*100 {
		t.Errorf("%.3f dB of harm without a loss in %d chunks, want none in %d", d, len(h.points), 15*100)
	}
	before := math.Inf(1)
	for _, p := range policies[:3] {
		d, h := harm(loss{20, 1}, p, 0)
		if st := h.stats(); d >= before/1.2 || d == 0 || p.again > 0 && st.Repeated < 50 || p.fec && p.again == 0 && st.Restored < 50 {
			t.Errorf("%s: %.3f dB of harm, %.3f with less protection: %+v", p.name, d, before, st)
		}
		before = d
	}
	// A clock that is off is followed at the cost of almost nothing.
	if d, h := harm(loss{0, 1}, policies[0], 2000); d > 0.5 || h.stats().Concealed > 0 {
		t.Errorf("%.3f dB of harm by a slow clock: %+v", d, h.stats())
	}
}

// TestSpectrum checks the levels of a tone in its band and in the others.
func TestSpectrum(t *testing.T) {
	pcm := make([]int16, window)
	for i := range pcm {
		pcm[i] = int16(3276.8 * math.Sin(2*math.Pi*1000*float64(i)/media.SampleRate))
	}
	l, loudest := spectrum(pcm)
	const at = 7 // 920 to 1080 Hz
	// A Hann window spreads a line over three: 1.76 dB more.
	if math.Abs(l[at]+20) > 2 || loudest != l[at] || l[0] > -60 || l[19] > -60 {
		t.Errorf("a tone of -20 dB has the levels %.1f", l)
	}
}
