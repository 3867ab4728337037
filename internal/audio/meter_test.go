package audio

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/sanix-darker/s2c/internal/media"
)

func TestMeterLevel(t *testing.T) {
	full := tone(media.ChunkSamples, 500, 32767)
	square := make([]int16, media.ChunkSamples)
	for i := range square {
		square[i] = math.MinInt16
	}
	tests := []struct {
		name  string
		sound []int16
		want  float64
	}{
		{"nothing", make([]int16, media.ChunkSamples), -96},
		{"a sine of full scale", full, -3.01},
		{"a sine of a tenth", tone(media.ChunkSamples, 500, 3276.7), -23.01},
		{"the most there is", square, 0},
	}
	for _, tt := range tests {
		var m Meter
		if m.Level() != silence || m.Speaking() {
			t.Error("the zero Meter hears something")
		}
		m.Measure(&chunks(tt.sound)[0])
		if got := m.Level(); math.Abs(got-tt.want) > 0.05 {
			t.Errorf("level of %s is %.2f, want %.2f", tt.name, got, tt.want)
		}
	}
}

// noise returns n chunks of noise of about that level in dBFS.
func noise(n int, level float64) []media.Chunk {
	r := rand.New(rand.NewPCG(5, 5))
	c := make([]media.Chunk, n)
	for i := range c {
		for j := range c[i].PCM {
			c[i].PCM[j] = int16(r.NormFloat64() * 32768 * math.Pow(10, level/20))
		}
	}
	return c
}

// repeat returns c n times, and then the first part of it again.
func repeat(c []media.Chunk, n, part int) []media.Chunk {
	return append(slices.Repeat(c, n), c[:part]...)
}

func TestMeterSpeaking(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and all in one goroutine")
	}
	tests := []struct {
		name   string
		before []media.Chunk // the room
		sound  []media.Chunk
		want   bool // at the end of sound
	}{
		{"silence", nil, make([]media.Chunk, 100), false},
		{"speech at once", nil, chunks(speech(media.SampleRate / 4)), true},
		{"speech in a quiet room", noise(200, -70), chunks(speech(media.SampleRate / 4)), true},
		{"a whisper in a quiet room", noise(200, -80), noise(10, -52), true},
		{"a whisper in a loud room", noise(500, -45), noise(10, -44), false},
		{"speech in a loud room", noise(500, -45), noise(10, -25), true},
		{"a fan", nil, noise(1000, -45), false},
		{"a loud fan, switched on", noise(200, -70), noise(1500, -40), false},
		{"a key stroke", noise(200, -70), append(noise(1, -20), noise(3, -70)...), false},
		{"a minute of speech", nil, repeat(chunks(speech(4*media.SampleRate)), 15, 13), true},
		{"shouting without a pause", nil, noise(3000, -15), true},
	}
	for _, tt := range tests {
		var m Meter
		for i := range tt.before {
			m.Measure(&tt.before[i])
		}
		if m.Speaking() {
			t.Errorf("%s: the room speaks", tt.name)
		}
		for i := range tt.sound {
			m.Measure(&tt.sound[i])
		}
		if got := m.Speaking(); got != tt.want {
			t.Errorf("%s: Speaking() = %v at %.1f dBFS over %.1f, want %v", tt.name, got, m.Level(), m.floor, tt.want)
		}
	}
}

// TestMeterHangOver checks for how long a pause is bridged.
func TestMeterHangOver(t *testing.T) {
	var m Meter
	for _, c := range noise(10, -20) {
		m.Measure(&c)
	}
	var quiet media.Chunk
	n := 0
	for ; m.Speaking() && n < 100; n++ {
		m.Measure(&quiet)
	}
	if n != hangOver {
		t.Errorf("Speaking for %d chunks after the last word, want %d", n, hangOver)
	}
}
