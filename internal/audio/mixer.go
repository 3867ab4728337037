package audio

import (
	"math"

	"github.com/sanix-darker/s2c/internal/media"
)

const (
	// knee is the peak, 1.4 dB under full scale, up to which the sum is left
	// as it is.
	knee = 28000

	// maxGain keeps sums finite: 18 dB.
	maxGain = 8

	// attack is how many samples it takes to turn a sum down: 5 ms.
	attack = 240

	// release is the share of the way back to full volume per chunk. It gives
	// a time constant of 400 ms = 10 ms / 0.025: longer than a syllable, so
	// that the others do not pump in the rhythm of the loudest.
	release = 0.025
)

// A Mixer adds voices without clipping. The zero Mixer is ready. One goroutine
// uses it.
//
// A sum whose peak is below -1.4 dBFS passes bit by bit. A louder one is turned
// down in 5 ms and comes back slowly; what overshoots in those 5 ms is bent
// softly.
type Mixer struct {
	sum   [media.ChunkSamples]float32 // whole numbers up to 2^24 are exact
	peaks [2]float32                  // of the last sums, the newest first
	cut   float32                     // 1 minus the limiter's gain
}

// Add adds a chunk to the sum with a linear gain, which is taken as 0 when it
// is negative and as 8 when it is more.
func (m *Mixer) Add(c *media.Chunk, gain float32) {
	if gain = fit(gain); gain == 0 {
		return
	}
	for i, x := range c.PCM {
		m.sum[i] += float32(x) * gain
	}
}

// Fade is Add with a gain that goes evenly from one value to another within the
// chunk, for a voice that comes, goes or is set louder.
func (m *Mixer) Fade(c *media.Chunk, from, to float32) {
	from, to = fit(from), fit(to)
	step := (to - from) / media.ChunkSamples
	for i, x := range c.PCM {
		m.sum[i] += float32(x) * (from + step*float32(i+1))
	}
}

// fit returns the nearest gain that is taken.
func fit(gain float32) float32 {
	if !(gain > 0) { // also when it is not a number
		return 0
	}
	return min(gain, maxGain)
}

// Mix stores the sum in c through a soft limiter and starts a new sum. It
// leaves c.At alone.
func (m *Mixer) Mix(c *media.Chunk) {
	var peak float32
	for _, x := range m.sum {
		peak = max(peak, x, -x)
	}
	from := 1 - m.cut
	// A chunk is shorter than the period of a deep voice, or of the beat of two.
	to, ramp := m.limit(max(peak, m.peaks[0], m.peaks[1]))
	m.peaks[0], m.peaks[1] = peak, m.peaks[0]
	gain, step := from, (to-from)/float32(ramp)
	for i, x := range m.sum {
		if i < ramp {
			gain += step
		} else {
			gain = to
		}
		c.PCM[i] = bend(x * gain)
	}
	clear(m.sum[:])
}

// limit returns the gain for a chunk with the given peak, and in how many
// samples to get there.
func (m *Mixer) limit(peak float32) (gain float32, ramp int) {
	if want := knee / max(peak, knee); want < 1-m.cut {
		m.cut = 1 - want
		return want, attack
	}
	m.cut *= 1 - release
	if m.cut < 1e-3 { // 0.01 dB
		m.cut = 0
	}
	// Not above what this very chunk bears.
	m.cut = max(m.cut, 1-knee/max(peak, knee))
	return 1 - m.cut, media.ChunkSamples
}

// bend rounds x; beyond the knee it approaches full scale without reaching it.
func bend(x float32) int16 {
	const room = math.MaxInt16 - knee
	if over := x - knee; over > 0 {
		x = knee + room*over/(over+room)
	} else if over := -x - knee; over > 0 {
		x = -knee - room*over/(over+room)
	}
	return int16(math.RoundToEven(float64(x)))
}
