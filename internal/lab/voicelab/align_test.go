package main

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// babble returns sound that is like speech, and the same only for the same seed:
// syllables of a wandering pitch and of changing colour, with pauses.
func babble(n int, seed uint64) []int16 {
	r := rand.New(rand.NewPCG(seed, 9))
	pcm := make([]int16, 0, n)
	phase, hz := 0.0, 120.0
	for len(pcm) < n {
		length := rate/10 + r.IntN(rate/5)
		if r.IntN(6) == 0 {
			pcm = append(pcm, make([]int16, length)...)
			continue
		}
		to, f1, f2 := 90+100*r.Float64(), 300+500*r.Float64(), 900+1500*r.Float64()
		var colour [10]float64
		for h := range colour {
			f := 2 * float64(h+1) * to
			x, y := (f-f1)/200, (f-f2)/300
			colour[h] = 1/(1+x*x) + 0.5/(1+y*y) + 0.1/float64(h+1)
		}
		for i := range length {
			hz += (to - hz) / (rate / 10)
			phase += 2 * math.Pi * hz / rate
			x := 0.0
			for h, a := range colour {
				x += a * math.Sin(2*float64(h+1)*phase)
			}
			pcm = append(pcm, int16(4000*x*math.Sin(math.Pi*float64(i)/float64(length))))
		}
	}
	return pcm[:n]
}

func TestLikenesses(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	y := make([]float64, 300)
	for i := range y {
		y[i] = 1000 * r.NormFloat64()
	}
	x := slices.Clone(y[123:223])
	got := likenesses(x, y)
	if len(got) != 201 {
		t.Fatalf("%d likenesses, want 201", len(got))
	}
	for i, v := range got {
		var dot, a, b float64
		for k := range x {
			dot += x[k] * y[i+k]
			a += x[k] * x[k]
			b += y[i+k] * y[i+k]
		}
		if want := dot / math.Sqrt(a*b); math.Abs(v-want) > 1e-6 {
			t.Errorf("likeness at %d is %v, want %v", i, v, want)
		}
	}
	if at, like := best(got); at != 123 || like < 0.999 {
		t.Errorf("the best is %v at %d, want 1 at 123", like, at)
	}
	if got := likenesses(y, x); got != nil {
		t.Errorf("likenesses of what is longer: %v", got)
	}
}

func TestDecimate(t *testing.T) {
	for _, c := range []struct {
		hz      float64
		dB, off float64
	}{{1000, -3, 0.1}, {3000, -3, 0.2}, {5000, -60, 60}, {10000, -60, 60}} {
		pcm := make([]int16, rate)
		for i := range pcm {
			pcm[i] = int16(32767 * math.Sin(2*math.Pi*c.hz*float64(i)/rate))
		}
		x := decimate(pcm, rate/coarse)
		if len(x) != coarse {
			t.Fatalf("a second has %d samples", len(x))
		}
		if l := loud(x[100 : coarse-100]); l > c.dB+c.off || c.dB > -10 && l < c.dB-c.off {
			t.Errorf("%v Hz has %.2f dBFS, want %.0f", c.hz, l, c.dB)
		}
	}
}

// TestFollow checks that delays are found: of a voice that comes from somewhere in
// the tape, is later for a while, much later, and gone.
func TestFollow(t *testing.T) {
	said := babble(20*rate, 1)
	const first = 13*rate + 777
	late := func(from, to, by int) []int16 { return cut(said, first+from-by, to-from) }
	heard := slices.Concat(
		late(0, 6*rate, 0),
		late(6*rate, 10*rate, rate*30/1000),
		make([]int16, 2*rate),
		late(12*rate, 18*rate, rate*3))
	tp, sharp := newTape(said), emphasize(decimate(heard, rate/coarse))
	place, like := tp.find(sharp[:4*coarse])
	if d := place*rate/coarse - first; like < 0.7 || d < -6 || d > 6 {
		t.Fatalf("found at %d with likeness %.2f, want %d", place*rate/coarse, like, first)
	}
	found := 0
	for _, s := range tp.follow(sharp, 0, len(sharp), -place) {
		sec := float64(s.at) / coarse
		var want float64
		switch {
		case sec <= 5:
		case sec >= 6 && sec <= 9:
			want = 30
		case sec >= 12:
			want = 3000
		case sec >= 10 && sec <= 11:
			if s.like != 0 {
				t.Errorf("at %.1f s silence was found with likeness %.2f", sec, s.like)
			}
			continue
		default:
			continue // in between
		}
		found++
		if ms := float64(s.lag+place) * 1000 / coarse; math.Abs(ms-want) > 0.2 || s.like < likeness {
			t.Errorf("at %.1f s the voice is %.1f ms late with likeness %.2f, want %.0f", sec, ms, s.like, want)
		}
	}
	if found < 15 {
		t.Errorf("only %d windows were looked for", found)
	}
}

// TestListen checks that a voice is found among others, and a stranger's is not.
func TestListen(t *testing.T) {
	const length = 12 * rate
	heard := make([]int16, length)
	for seed := range uint64(6) {
		pcm := cut(babble(6*rate, seed), int(seed)*rate/3, length)
		for i, v := range pcm {
			heard[i] += v / 6
		}
	}
	sharp := emphasize(decimate(heard, rate/coarse))
	for _, seed := range []uint64{0, 5} {
		if h := newTape(babble(6*rate, seed)).listen(sharp); h.windows < 2 || h.share() < 0.7 {
			t.Errorf("voice %d was found %d times of %d", seed, h.found, h.windows)
		}
	}
	if h := newTape(babble(6*rate, 99)).listen(sharp); h.found > 0 {
		t.Errorf("somebody who was not there was found %d times of %d", h.found, h.windows)
	}
}

func TestPieces(t *testing.T) {
	x := make([]float64, 30*coarse)
	for i := range x {
		x[i] = 1000
	}
	clear(x[8*coarse : 8*coarse+pause])
	clear(x[17*coarse : 17*coarse+pause])
	got := pieces(x)
	want := []span{{0, 8*coarse + pause/2}, {8*coarse + pause/2, 19*coarse + pause/4}, {19*coarse + pause/4, 30 * coarse}}
	if len(got) != 3 || got[0] != want[0] || got[2].to != len(x) {
		t.Errorf("pieces = %v, want such as %v", got, want)
	}
	for i, p := range got {
		if n := p.to - p.from; n < leastPiece || n > mostPiece+leastPiece || i > 0 && p.from != got[i-1].to {
			t.Errorf("piece %d of %v", i, got)
		}
	}
	if got := pieces(x[:3*coarse]); !slices.Equal(got, []span{{0, 3 * coarse}}) {
		t.Errorf("pieces of 3 s = %v", got)
	}
}

func TestSilences(t *testing.T) {
	said := babble(2*rate, 2)
	heard := slices.Clone(said)
	for i := range said { // nobody is silent for a sample alone
		said[i] |= 1
		heard[i] |= 1
	}
	if got := silences(said, heard); got != 0 {
		t.Errorf("%d ms of silence, want none", got)
	}
	loudest := 0
	for i, v := range said {
		if v > said[loudest] {
			loudest = i
		}
	}
	at := loudest / 480 * 480
	clear(heard[at : at+480])
	if got := silences(said, heard); got != 10 {
		t.Errorf("%d ms of silence, want 10", got)
	}
}

// TestPlain checks that Opus alone is in time with what was said, and that losses
// harm it.
func TestPlain(t *testing.T) {
	said := babble(4*rate, 3)
	var like [2]float64
	for i, loss := range []float64{0, 0.3} {
		heard, err := plain(said, 1, loss, 1)
		if err != nil {
			t.Fatal(err)
		}
		if len(heard) < len(said) {
			t.Fatalf("%d samples of %d are heard", len(heard), len(said))
		}
		x := emphasize(decimate(heard[:len(said)], rate/coarse))
		var at int
		at, like[i] = best(likenesses(x[coarse:3*coarse], emphasize(decimate(said, rate/coarse))))
		if at < coarse-2 || at > coarse+2 {
			t.Errorf("loss %v: heard %d samples of 8 kHz late", loss, coarse-at)
		}
	}
	if like[0] < 0.8 || like[1] > like[0]-0.05 {
		t.Errorf("likeness %.2f without losses, %.2f with", like[0], like[1])
	}
}

func TestCut(t *testing.T) {
	want := babble(rate/10, 4)
	for _, c := range []struct{ at, first int }{{0, 0}, {-1, len(want) - 1}, {3*len(want) + 5, 5}} {
		if got := cut(want, c.at, 3*len(want)); len(got) != 3*len(want) || got[0] != want[c.first] || got[len(want)] != want[c.first] {
			t.Errorf("cut at %d begins with another sample than %d", c.at, c.first)
		}
	}
	if got := loud(toFloat(level(slices.Clone(want)))); math.Abs(got-loudness) > 0.5 {
		t.Errorf("after level the loudness is %.1f dBFS, want %d", got, loudness)
	}
}

func toFloat(pcm []int16) []float64 {
	x := make([]float64, len(pcm))
	for i, v := range pcm {
		x[i] = float64(v)
	}
	return x
}
