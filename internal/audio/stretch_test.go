package audio

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/sanix-darker/s2c/internal/media"
)

// vowel returns n samples of a voice of that pitch: harmonics under formants.
func vowel(n int, hertz float64) []int16 {
	s := make([]int16, n)
	for i := range s {
		t := float64(i) / media.SampleRate
		var x float64
		for h := 1.0; h*hertz < 3800; h++ {
			f := h * hertz
			x += math.Sin(2*math.Pi*f*t+h*h) * (math.Exp(-math.Abs(f-600)/200) + 0.4*math.Exp(-math.Abs(f-2100)/300))
		}
		s[i] = int16(2500 * x)
	}
	return s
}

// pitch returns the pitch of s in Hz: the first lag of 2 to 15 ms of which the
// correlation is nearly the best.
func pitch(s []int16) float64 {
	const from, to = media.SampleRate / 500, media.SampleRate / 66
	var c [to + 1]float32
	best := float32(0)
	for lag := from; lag <= to; lag++ {
		c[lag] = likenessOf(s[:len(s)-to], s[lag:len(s)-to+lag])
		best = max(best, c[lag])
	}
	for lag := from + 1; lag < to; lag++ {
		if c[lag] > best-0.05 && c[lag] >= c[lag-1] && c[lag] >= c[lag+1] {
			return float64(media.SampleRate) / float64(lag)
		}
	}
	return 0
}

// through plays s in packets of so many samples through a track that owes want
// samples, and returns what comes out, how much is still owed, the chunks until
// it was no more than a change, and how much was changed in 500 ms at most.
func through(s []int16, n, want int, quiet bool, like float64) (out []int16, owed, used, fastest int) {
	var t track
	var pcm samples
	owed = want
	var shifts []int
	for more := false; len(s) > 0; {
		t.add(s[:n])
		s = s[n:]
		shift := 0
		if more = len(s) > 0 && t.short(owed, quiet); !more {
			shift = t.stretch(owed, n, quiet, like)
		}
		owed -= shift
		shifts = append(shifts, max(shift, -shift))
		if max(owed, -owed) > maxLag {
			used = len(shifts) * n / len(pcm)
		}
		sum := 0
		for _, n := range shifts[max(len(shifts)-24000/n, 0):] {
			sum += n
		}
		fastest = max(fastest, sum)
		for !more && t.n >= len(pcm) {
			t.take(&pcm)
			out = append(out, pcm[:]...)
		}
	}
	return append(out, t.pcm[maxLag:maxLag+t.n]...), owed, used, fastest
}

// TestStretch checks that voices become shorter and longer by what is asked
// for, give or take a period, no faster than a fifth, without a click and with
// the pitch that they have.
func TestStretch(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and all in one goroutine")
	}
	for _, n := range []int{media.ChunkSamples, longSamples} {
		for _, hertz := range []float64{80, 390, 120, 200}[:2*n/media.ChunkSamples] {
			for _, want := range []int{960, -960, 9600, -9600} {
				t.Run(fmt.Sprintf("%d/%v Hz/%d", n, hertz, want), func(t *testing.T) {
					checkStretch(t, n, hertz, want)
				})
			}
		}
	}
}

func checkStretch(t *testing.T, n int, hertz float64, want int) {
	in := vowel(2*media.SampleRate, hertz)
	out, owed, used, fastest := through(in, n, want, false, likeness)
	if len(out) != len(in)-(want-owed) {
		t.Errorf("%d samples came of %d, %d of %d still owed", len(out), len(in), owed, want)
	}
	if period := media.SampleRate / hertz; math.Abs(float64(owed)) > 2*period {
		t.Errorf("%d of %d samples still owed, want at most two periods of %.0f", owed, want, period)
	}
	if most := 24000/slowdown + maxLag; fastest > most {
		t.Errorf("%d samples within 500 ms, want %d or less", fastest, most)
	}
	amount := max(want, -want)
	if most := 10 + amount*slowdown*8/5/media.ChunkSamples; used > most {
		t.Errorf("%d samples took %d chunks, want %d or less", want, used, most)
	}
	if was, is := steepest(in), steepest(out); float64(is) > 1.05*float64(was) {
		t.Errorf("a step of %d, the voice has %d", is, was)
	}
	for at := 0; at+2400 <= len(out); at += 4800 {
		if p := pitch(out[at : at+2400]); math.Abs(p/hertz-1) > 0.02 {
			t.Errorf("at sample %d the pitch is %.1f Hz, want %.1f", at, p, hertz)
		}
	}
}

// TestStretchSpeech checks that what glides and pauses has no click either.
func TestStretchSpeech(t *testing.T) {
	in := speech(4 * media.SampleRate)
	for _, n := range []int{media.ChunkSamples, longSamples} {
		for _, want := range []int{4800, -4800} {
			out, owed, _, _ := through(in, n, want, false, likeness)
			if max(owed, -owed) > maxLag {
				t.Errorf("packets of %d: %d of %d samples still owed after 4 s", n, owed, want)
			}
			if was, is := steepest(in), steepest(out); float64(is) > 1.05*float64(was) {
				t.Errorf("packets of %d: a step of %d, the speech has %d", n, is, was)
			}
		}
	}
}

// TestStretchPause checks that a pause becomes as long as asked for, to the
// sample.
func TestStretchPause(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	in := make([]int16, media.SampleRate)
	for i := range in {
		in[i] = int16(20 * r.NormFloat64())
	}
	for _, n := range []int{media.ChunkSamples, longSamples} {
		for want := -2000; want <= 2000; want += 97 {
			out, owed, _, _ := through(in, n, want, true, likeness)
			if owed != 0 || len(out) != len(in)-want {
				t.Errorf("packets of %d: asked for %d, got %d, %d still owed", n, want, len(in)-len(out), owed)
			}
		}
	}
}

// TestStretchRefuses checks that what is not like itself stays as it is, until
// that does not matter any more.
func TestStretchRefuses(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	in := make([]int16, media.SampleRate)
	for i := range in {
		in[i] = int16(5000 * r.NormFloat64())
	}
	for _, want := range []int{960, -960} {
		if _, owed, _, _ := through(in, longSamples, want, false, likenessFast); owed != want {
			t.Errorf("noise was changed: %d owed of %d", owed, want)
		}
		if _, owed, _, _ := through(in, longSamples, want, false, -1); max(owed, -owed) > maxLag {
			t.Errorf("noise was not changed: %d owed of %d", owed, want)
		}
	}
}

func BenchmarkStretch(b *testing.B) {
	var t track
	var c samples
	sound := vowel(media.SampleRate, 147)
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		t.n, t.rest = 0, 0
		t.add(sound[i%50*longSamples:][:longSamples])
		if t.stretch(960, longSamples, false, likeness) == 0 {
			b.Fatal("not shortened")
		}
		t.take(&c)
		i++
	}
}
