package audio

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/sanix-darker/s2c/internal/media"
)

// TestMixerTransparent checks that what needs no limiting is left bit by bit.
func TestMixerTransparent(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	var m Mixer
	var sum media.Chunk
	for range 20 {
		var voices [3]media.Chunk
		var want samples
		for i := range voices {
			for j := range want {
				x := int16(r.IntN(2*knee/3) - knee/3)
				voices[i].PCM[j] = x
				want[j] += x
			}
			m.Add(&voices[i], 1)
		}
		m.Mix(&sum)
		if sum.PCM != want {
			t.Fatal("the sum of three quiet voices is not exact")
		}
	}
	m.Mix(&sum)
	if sum.PCM != (samples{}) {
		t.Error("the sum of nothing is not silent")
	}
}

// TestMixerLoud checks that loud voices neither wrap around nor stick to full
// scale, and that the limiter does not pump.
func TestMixerLoud(t *testing.T) {
	sounds := [][]int16{
		tone(4*media.SampleRate, 200, 30000), tone(4*media.SampleRate, 311, 30000),
		tone(4*media.SampleRate, 457, 30000), tone(4*media.SampleRate, 733, 30000),
	}
	var m Mixer
	var got []int16
	full := 0
	for i := range len(sounds[0]) / media.ChunkSamples {
		var c media.Chunk
		for _, s := range sounds {
			m.Add(&chunks(s[i*media.ChunkSamples:][:media.ChunkSamples])[0], 1)
		}
		m.Mix(&c)
		got = append(got, c.PCM[:]...)
	}
	for i, x := range got {
		var sum int
		for _, s := range sounds {
			sum += int(s[i])
		}
		if sum > 1000 && x < 0 || sum < -1000 && x > 0 {
			t.Fatalf("sample %d is %d for a sum of %d", i, x, sum)
		}
		if x == math.MaxInt16 || x == math.MinInt16 {
			full++
		}
	}
	if full > 0 {
		t.Errorf("%d samples at full scale", full)
	}
	// After the attack nothing is bent, and the volume hardly moves.
	low, high := math.Inf(1), math.Inf(-1)
	for i, c := range chunks(got) {
		if i < 50 {
			continue
		}
		var sum [media.ChunkSamples]float64
		var dot, energy float64
		for j := range sum {
			for _, s := range sounds {
				sum[j] += float64(s[i*media.ChunkSamples+j])
			}
			dot += sum[j] * float64(c.PCM[j])
			energy += sum[j] * sum[j]
		}
		gain := 20 * math.Log10(dot/energy)
		low, high = min(low, gain), max(high, gain)
	}
	if high-low > 1.5 {
		t.Errorf("the gain moves between %.2f and %.2f dB", low, high)
	}
}

// TestMixerRecovers checks that a shout turns down what follows for two
// seconds only, and without a jump.
func TestMixerRecovers(t *testing.T) {
	var m Mixer
	var shout, soft, out media.Chunk
	copy(shout.PCM[:], tone(media.ChunkSamples, 500, 32000))
	copy(soft.PCM[:], tone(media.ChunkSamples, 500, 1000))
	m.Add(&shout, 2)
	m.Mix(&out)
	last := level(soft.PCM[:]) - 20
	for i := range 300 {
		m.Add(&soft, 1)
		m.Mix(&out)
		l := level(out.PCM[:])
		if i > 0 && (l < last-0.01 || l > last+0.7) {
			t.Fatalf("level goes from %.2f to %.2f dBFS at chunk %d", last, l, i)
		}
		last = l
	}
	if out.PCM != soft.PCM {
		t.Error("three seconds after a shout the limiter is still on")
	}
}

func TestMixerGain(t *testing.T) {
	tests := []struct {
		gain float32
		x    int16
		want int16
	}{
		{1, 1000, 1000},
		{0.5, 1000, 500},
		{2, -1000, -2000},
		{0, 1000, 0},
		{-1, 1000, 0},
		{float32(math.NaN()), 1000, 0},
		{float32(math.Inf(1)), 1000, maxGain * 1000},
		{100, 1000, maxGain * 1000},
	}
	for _, tt := range tests {
		var m Mixer
		var c, out media.Chunk
		for i := range c.PCM {
			c.PCM[i] = tt.x
		}
		m.Add(&c, tt.gain)
		m.Mix(&out)
		if got := out.PCM[media.ChunkSamples-1]; got != tt.want {
			t.Errorf("%d with a gain of %v is %d, want %d", tt.x, tt.gain, got, tt.want)
		}
	}
}

// TestBend checks that the curve is monotonic, symmetric and within range for
// every sum that can occur.
func TestBend(t *testing.T) {
	last := int16(0)
	for x := float32(0); x < 64*maxGain*32768; x += 1 + x/512 {
		y := bend(x)
		if y < last || bend(-x) != -y || x <= knee && math.Abs(float64(float32(y)-x)) > 0.5 {
			t.Fatalf("bend(%v) = %d after %d, bend(%v) = %d", x, y, last, -x, bend(-x))
		}
		last = y
	}
}
