package audio

import (
	"math"

	"github.com/sanix-darker/s2c/internal/media"
)

// silence is the lowest level in dBFS, about that of one bit.
const silence = -96

// How a Meter tells speech from the noise of the room, levels in dBFS.
const (
	startFloor  = -50.0 // noise floor before anything was heard
	lowestFloor = -75.0
	topFloor    = -35.0 // more than that is speech, however steady
	floorFall   = 0.106 // share of the way down, per chunk: 20 % in 20 ms
	floorRise   = 0.015 // dB per chunk: 1.5 dB/s outlasts a long sentence

	speechOver   = 9.0   // dB over the floor
	speechLeast  = -55.0 // and at least that
	speechChunks = 4     // so long, 40 ms, so that a key stroke is no speech
	hangOver     = 30    // chunks: 300 ms
)

// A Meter measures how loud somebody is and whether they speak. The zero Meter
// is ready. One goroutine uses it.
type Meter struct {
	used  bool
	level float64 // of the last chunk, dBFS
	floor float64 // of the noise, dBFS
	loud  int     // chunks over the threshold in a row
	hang  int     // chunks for which Speaking stays true
}

// Measure takes the next chunk.
func (m *Meter) Measure(c *media.Chunk) { m.note(level(c.PCM[:])) }

// note takes the level in dBFS of the next chunk.
func (m *Meter) note(level float64) {
	if !m.used {
		m.used, m.floor = true, startFloor
	}
	m.level = level
	if m.level < m.floor {
		m.floor += floorFall * (m.level - m.floor)
	} else {
		m.floor = min(m.floor+floorRise, m.level)
	}
	m.floor = min(max(m.floor, lowestFloor), topFloor)

	m.hang = max(m.hang-1, 0)
	if m.quiet() {
		m.loud = 0
		return
	}
	m.loud++
	if m.loud >= speechChunks || m.hang > 0 {
		m.hang = hangOver
	}
}

// quiet reports whether the last chunk holds nothing but the room.
func (m *Meter) quiet() bool {
	return m.Level() < max(m.floor+speechOver, speechLeast)
}

// Loud reports whether the last chunk holds more than the room: it may be speech, and
// is taken for it if it goes on.
func (m *Meter) Loud() bool { return m.used && !m.quiet() }

// Level returns the level of the chunk measured last in dBFS, -96 to 0. A sine
// of full scale has -3 dBFS.
func (m *Meter) Level() float64 {
	if !m.used {
		return silence
	}
	return m.level
}

// Speaking reports whether the sound is speech-like, with a hang-over of
// 300 ms so that it does not flicker between words.
func (m *Meter) Speaking() bool { return m.hang > 0 }

// level returns the root of the mean square of pcm in dBFS, at least silence.
func level(pcm []int16) float64 {
	var sum int64
	for _, x := range pcm {
		sum += int64(x) * int64(x)
	}
	if sum == 0 {
		return silence
	}
	full := 32768.0 * 32768.0 * float64(len(pcm))
	return min(max(10*math.Log10(float64(sum)/full), silence), 0)
}
