package audio

import (
	"math"
	"slices"
	"testing"

	"github.com/sanix-darker/s2c/internal/media"
)

// power returns the sum of the squares of s.
func power(s []int16) (sum float64) {
	for _, x := range s {
		sum += float64(x) * float64(x)
	}
	return sum + 1
}

// gated returns what a Gate makes of s.
func gated(s []int16) (out []int16) {
	var g Gate
	for _, c := range chunks(s) {
		g.Apply(&c)
		out = append(out, c.PCM[:]...)
	}
	return out
}

// room returns n samples of noise of that level.
func room(n int, level float64) (s []int16) {
	for _, c := range noise(n/media.ChunkSamples, level) {
		s = append(s, c.PCM[:]...)
	}
	return s
}

// TestGate speaks in rooms of all kinds: every word passes whole, from its first
// samples on, and the room is lowered between them.
func TestGate(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and all in one goroutine")
	}
	const (
		rate   = media.SampleRate
		warm   = 8 * rate // it takes that long to know the loudest room
		word   = rate     // of speech, two syllables
		pause  = 2 * rate
		period = word + pause
	)
	words := speech(rate)
	for _, noisy := range []float64{-75, -55, -46} {
		in := room(warm+5*period, noisy)
		var starts []int
		for i, at := range []int{0, 77, 240, 400, 470} { // where in a chunk a word begins
			starts = append(starts, warm+i*period+at)
			for k, x := range words {
				in[starts[i]+k] += x
			}
		}
		out := gated(in)
		for _, i := range starts {
			if d := 10 * math.Log10(power(out[i:i+word])/power(in[i:i+word])); math.Abs(d) > 0.5 {
				t.Errorf("room of %v dBFS, word at %d: changed by %.2f dB", noisy, i, d)
			}
			const first = rate / 50
			if d := 10 * math.Log10(power(out[i:i+first])/power(in[i:i+first])); d < -1 {
				t.Errorf("room of %v dBFS, word at %d: its first 20 ms are changed by %.2f dB", noisy, i, d)
			}
			from, to := i+word+rate/2, i+period-rate/50
			if d := 10 * math.Log10(power(out[from:to])/power(in[from:to])); d > -12 && noisy > -70 || d < -18.5 && noisy > -60 {
				t.Errorf("room of %v dBFS, after the word at %d: changed by %.2f dB, want -12 to -18", noisy, i, d)
			}
		}
	}
}

// TestGateOpen checks what is never lowered: what is no room, and everything
// until the room is known.
func TestGateOpen(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and all in one goroutine")
	}
	loud := tone(20*media.SampleRate, 200, 1000) // -33 dBFS, without a pause
	for name, in := range map[string][]int16{
		"silence":          make([]int16, media.SampleRate),
		"speech":           slices.Repeat(speech(4*media.SampleRate), 5),
		"humming":          loud,
		"the first second": room(media.SampleRate, -50),
	} {
		out := gated(in)
		if name == "speech" { // its pauses are shorter than the hang-over
			if d := 10 * math.Log10(power(out)/power(in)); math.Abs(d) > 0.05 {
				t.Errorf("%s was changed by %.2f dB", name, d)
			}
		} else if !slices.Equal(in, out) {
			t.Errorf("%s was changed", name)
		}
	}
}

// TestGateIsSmooth checks that neither opening nor closing clicks: the gain never
// changes faster than within 2 ms.
func TestGateIsSmooth(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and all in one goroutine")
	}
	in := room(16*media.SampleRate, -50)
	for i := 10 * media.SampleRate; i < len(in); i += 3 * media.SampleRate {
		copy(in[i:], tone(media.SampleRate/5, 300, 3000))
	}
	out := gated(in)
	for i := 1; i < len(in); i++ {
		// What the gate may add to a step of its input.
		most := math.Abs(float64(in[i])-float64(in[i-1])) + math.Abs(float64(in[i]))/gateRamp + 2
		if step := math.Abs(float64(out[i]) - float64(out[i-1])); step > most {
			t.Fatalf("at sample %d a step of %.0f, want at most %.0f", i, step, most)
		}
	}
}

func BenchmarkGate(b *testing.B) {
	sound := noise(100, -50)
	var g Gate
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		c := sound[i%len(sound)]
		g.Apply(&c)
		i++
	}
}
