// Package doctor measures a microphone and a speaker: how loud, how clean, and
// whether what the one plays is heard by the other. It judges nothing.
//
//	Bench > Listen > Measure           levels, clipping, offset, hum
//	Bench > Echo: tune > speaker ... microphone > correlation
//
// Levels are in dBFS, as the root of the mean square: a full-scale square wave
// has 0, a full-scale sine -3, and the least is Silence.
package doctor

import (
	"math"
	"slices"

	"github.com/sanix-darker/s2c/internal/media"
)

// Silence is the level of no sound at all, in dBFS: the last of 16 bits.
const Silence = -96

// A Sound is what Measure finds.
type Sound struct {
	Silent  bool    // there is not one bit of sound
	Peak    float64 // the loudest sample, dBFS
	Loud    float64 // level of the loudest tenth of the time, dBFS: speech, if there is any
	Floor   float64 // level of the quietest tenth of the time, dBFS: noise
	Clipped float64 // share of the samples at full scale, 0 to 1
	Offset  float64 // level of the constant part, dBFS
	Hum     float64 // level of mains hum, with its harmonics, dBFS
	HumHz   int     // of which mains: 50 or 60
}

const (
	windowSamples = media.SampleRate / 50 // 20 ms: a whole wave of mains hum, a part of a syllable
	fullScale     = 32700                 // amplitude; some drivers clip a little below the largest number
	humHarmonics  = 4                     // of the mains; there is speech above 240 Hz
)

// Measure looks at sound. What does not fill the last 20 ms does not count, except
// for clipping and the peak.
func Measure(pcm []int16) Sound {
	s := Sound{Silent: true, Peak: Silence, Loud: Silence, Floor: Silence, Offset: Silence, Hum: Silence, HumHz: 50}
	if len(pcm) == 0 {
		return s
	}
	peak, clipped, sum := 0, 0, 0.0
	for _, v := range pcm {
		a := max(int(v), -int(v))
		peak = max(peak, a)
		if a >= fullScale {
			clipped++
		}
		sum += float64(v)
	}
	mean := sum / float64(len(pcm))
	s.Silent = peak == 0
	s.Peak = decibels(float64(peak) / (1 << 15))
	s.Clipped = float64(clipped) / float64(len(pcm))
	s.Offset = decibels(math.Abs(mean) / (1 << 15))

	var levels []float64
	for w := range slices.Chunk(pcm, windowSamples) {
		if len(w) == windowSamples {
			levels = append(levels, level(w, mean))
		}
	}
	if len(levels) > 0 {
		slices.Sort(levels)
		s.Loud = levels[len(levels)*9/10]
		s.Floor = levels[len(levels)/10]
	}
	// Hum is always there, so it is not louder than the quietest moments.
	s.Hum, s.HumHz = hum(pcm)
	s.Hum = min(s.Hum, s.Floor)
	return s
}

// level returns the level of sound without its constant part, in dBFS.
func level(pcm []int16, mean float64) float64 {
	sum := 0.0
	for _, v := range pcm {
		d := float64(v) - mean
		sum += d * d
	}
	return decibels(math.Sqrt(sum/float64(len(pcm))) / (1 << 15))
}

// decibels returns the level of an amplitude of 0 to 1.
func decibels(amplitude float64) float64 {
	return max(Silence, 20*math.Log10(amplitude))
}

// hum returns the level of what may be hum of 50 or 60 Hz, whichever is louder. It
// is the least of all half seconds. Without a whole half second there is none.
func hum(pcm []int16) (dbfs float64, hz int) {
	const half = media.SampleRate / 2 // 25 and 30 waves
	best, hz := 0.0, 50
	for _, mains := range []int{50, 60} {
		least := math.Inf(1)
		for part := range slices.Chunk(pcm, half) {
			if len(part) < half {
				break
			}
			power := 0.0
			for h := range humHarmonics {
				power += tonePower(part, float64(mains*(h+1)))
			}
			least = min(least, power)
		}
		if !math.IsInf(least, 1) && least > best {
			best, hz = least, mains
		}
	}
	return decibels(math.Sqrt(best) / (1 << 15)), hz
}

// tonePower returns the mean square of a tone in pcm, of which it holds a whole
// number of waves, by Goertzel's recursion.
func tonePower(pcm []int16, hz float64) float64 {
	w := 2 * math.Pi * hz / media.SampleRate
	k := 2 * math.Cos(w)
	var a, b float64
	for _, v := range pcm {
		a, b = float64(v)+k*a-b, a
	}
	n := float64(len(pcm))
	return 2 * (a*a + b*b - k*a*b) / (n * n)
}
