package doctor

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/sanix-darker/s2c/internal/media"
)

// seconds returns that much sound of a function of the time in seconds.
func seconds(d float64, f func(t float64) float64) []int16 {
	pcm := make([]int16, int(d*media.SampleRate))
	for i := range pcm {
		pcm[i] = int16(max(-32768, min(32767, math.Round(f(float64(i)/media.SampleRate)))))
	}
	return pcm
}

func tone(hz, amp, t float64) float64 { return amp * math.Sin(2*math.Pi*hz*t) }

// speech is sound as of somebody who speaks four syllables a second and pauses
// for half of the time.
func speech(amp, t float64) float64 {
	syllable := max(0, math.Sin(2*math.Pi*4*t))
	return syllable * (tone(180, amp/2, t) + tone(360, amp/4, t) + tone(900, amp/4, t))
}

func TestMeasure(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	noise := func(amp float64) float64 { return amp * rnd.NormFloat64() }
	clip := func(v float64) float64 { return max(-32768, min(32767, v)) }
	tests := []struct {
		name string
		pcm  []int16
		want Sound
	}{
		{"nothing", nil, Sound{Silent: true, Peak: -96, Loud: -96, Floor: -96, Offset: -96, Hum: -96, HumHz: 50}},
		{"a sample", []int16{-32768}, Sound{Peak: 0, Loud: -96, Floor: -96, Clipped: 1, Offset: 0, Hum: -96, HumHz: 50}},
		{"zeros", make([]int16, 48000), Sound{Silent: true, Peak: -96, Loud: -96, Floor: -96, Offset: -96, Hum: -96, HumHz: 50}},
		{
			"a tone", seconds(1, func(t float64) float64 { return tone(1000, 16384, t) }),
			Sound{Peak: -6, Loud: -9, Floor: -9, Offset: -96, Hum: -96, HumHz: 50},
		},
		{
			"noise", seconds(2, func(float64) float64 { return noise(33) }),
			Sound{Peak: -47.5, Loud: -60, Floor: -60, Offset: -96, Hum: -88, HumHz: 50},
		},
		{
			"speech", seconds(3, func(t float64) float64 { return speech(16000, t) + noise(33) }),
			Sound{Peak: -8.5, Loud: -13.8, Floor: -60, Offset: -96, Hum: -60, HumHz: 60},
		},
		{
			"clipping", seconds(1, func(t float64) float64 { return clip(tone(100, 65536, t)) }),
			Sound{Peak: 0, Loud: -1, Floor: -1, Clipped: 2.0 / 3, Offset: -96, Hum: -1, HumHz: 50},
		},
		{
			"offset", seconds(1, func(t float64) float64 { return 1638.4 + tone(1000, 327.68, t) }),
			Sound{Peak: -24.4, Loud: -43, Floor: -43, Offset: -26, Hum: -96, HumHz: 50},
		},
		{
			"hum of 50", seconds(1.2, func(t float64) float64 { return tone(50, 300, t) + tone(150, 100, t) + noise(10) }),
			Sound{Peak: -40, Loud: -43, Floor: -43, Offset: -92, Hum: -43.3, HumHz: 50},
		},
		{
			"hum of 60", seconds(1.2, func(t float64) float64 { return tone(60, 300, t) + noise(10) }),
			Sound{Peak: -40, Loud: -43, Floor: -44, Offset: -92, Hum: -43.8, HumHz: 60},
		},
		{
			"a bass note is no hum", seconds(1, func(t float64) float64 {
				if t > 0.5 {
					return noise(10)
				}
				return tone(60, 3000, t)
			}),
			Sound{Peak: -20.8, Loud: -23.8, Floor: -70, Offset: -96, Hum: -90, HumHz: 60},
		},
	}
	for _, tt := range tests {
		got := Measure(tt.pcm)
		for _, f := range []struct {
			name      string
			got, want float64
			off       float64
		}{
			{"peak", got.Peak, tt.want.Peak, 1.5},
			{"loud", got.Loud, tt.want.Loud, 1},
			{"floor", got.Floor, tt.want.Floor, 1.5},
			{"clipped", got.Clipped, tt.want.Clipped, 0.01},
			{"offset", max(-60, got.Offset), max(-60, tt.want.Offset), 1}, // what is below is chance
			{"hum", max(-70, got.Hum), max(-70, tt.want.Hum), 1},          // likewise
		} {
			if math.Abs(f.got-f.want) > f.off {
				t.Errorf("%s: %s is %.2f, want %.2f", tt.name, f.name, f.got, f.want)
			}
		}
		if got.Silent != tt.want.Silent || got.Hum > -70 && got.HumHz != tt.want.HumHz {
			t.Errorf("%s: silent %v, hum of %d Hz, want %v, %d", tt.name, got.Silent, got.HumHz, tt.want.Silent, tt.want.HumHz)
		}
	}
}

// TestTune makes sure that the tune is soft at its ends, is not too loud, and has
// nothing above what find compares.
func TestTune(t *testing.T) {
	tune := Tune()
	s := Measure(tune)
	if len(tune) != samples(tuneLen) || s.Peak > -11 || s.Peak < -14 || s.Offset > -50 {
		t.Errorf("the tune has %d samples, a peak of %.1f dBFS and an offset of %.1f", len(tune), s.Peak, s.Offset)
	}
	for i := range 10 {
		if a, b := tune[i], tune[len(tune)-1-i]; max(a, -a, b, -b) > 300 {
			t.Errorf("%d samples from the ends there are %d and %d, which clicks", i, a, b)
		}
	}
	high := slices64(tune)
	for i, v := range decimate(tune) {
		high[i*slow] -= float64(v)
	}
	var rest, all float64
	for i := 0; i < len(high); i += slow {
		rest += high[i] * high[i]
		all += float64(tune[i]) * float64(tune[i])
	}
	if rest > all/100 {
		t.Errorf("%.1f %% of the tune are above what is compared", 100*rest/all)
	}
}

func slices64(pcm []int16) []float64 {
	out := make([]float64, len(pcm))
	for i, v := range pcm {
		out[i] = float64(v)
	}
	return out
}

// TestFind hides the tune in all kinds of sound.
func TestFind(t *testing.T) {
	tune := Tune()
	rnd := rand.New(rand.NewPCG(3, 4))
	// room returns two seconds with the tune in it, so much quieter and later.
	room := func(db float64, at int, other func(t float64) float64) []int16 {
		gain := math.Pow(10, db/20)
		return seconds(2, func(t float64) float64 {
			v := other(t)
			if i := int(math.Round(t*media.SampleRate)) - at; i >= 0 && i < len(tune) {
				v += gain * float64(tune[i])
			}
			return v
		})
	}
	quiet := func(float64) float64 { return 10 * rnd.NormFloat64() }
	loud := func(float64) float64 { return 1000 * rnd.NormFloat64() }
	talk := func(t float64) float64 { return speech(8000, t) + quiet(t) }
	const start = 4800 // 100 ms
	tests := []struct {
		name  string
		db    float64
		delay float64 // ms; negative for none
		other func(t float64) float64
	}{
		{"as loud", 0, 40, quiet},
		{"at once", -10, 0, quiet},
		{"soft", -40, 3, quiet},
		{"late", -20, 480, quiet},
		{"in noise", -20, 120, loud},
		{"while somebody speaks", -6, 60, talk},
		{"none", -200, -1, quiet},
		{"none in noise", -200, -1, loud},
		{"none while somebody speaks", -200, -1, talk},
		{"none in silence", -200, -1, func(float64) float64 { return 0 }},
	}
	for _, tt := range tests {
		got := find(tune, room(tt.db, start+int(max(0, tt.delay)*48), tt.other), start)
		if got.Heard != (tt.delay >= 0) {
			t.Errorf("%s: %+v", tt.name, got)
		}
		if !got.Heard {
			continue
		}
		if off := got.Delay.Seconds()*1000 - tt.delay; math.Abs(off) > 0.5 || math.Abs(got.Loss+tt.db) > 1.5 {
			t.Errorf("%s: found after %v and %.1f dB down, want %.1f ms and %.1f dB", tt.name, got.Delay, got.Loss, tt.delay, -tt.db)
		}
	}
	for _, start := range []int{-1 << 20, 1 << 20} { // devices that tell nonsense
		if got := find(tune, room(0, 0, quiet), start); got.Heard {
			t.Errorf("the tune is found where it is not looked for: %+v", got)
		}
	}
}

func BenchmarkFind(b *testing.B) {
	tune := Tune()
	heard := make([]int16, 2*media.SampleRate)
	copy(heard[9000:], tune)
	for b.Loop() {
		find(tune, heard, 4800)
	}
}
