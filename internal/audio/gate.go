package audio

import (
	"math"

	"github.com/sanix-darker/s2c/internal/media"
)

// How a Gate tells the room from who speaks in it. Levels in dBFS, times in
// chunks.
const (
	gateOver = 6.0 // dB over the floor: more than noise fluctuates
	gateStep = 9.0 // the same for the loudest quarter of a chunk, where a word begins

	gateTop  = -40.0 // a floor above is somebody who hums, not a room
	gateRise = 0.05  // dB by which the floor may rise per chunk: 5 dB/s

	gateHang   = 30 // 300 ms until the gate closes
	gateSpan   = 50 // 500 ms: the floor is the least of the last gateSpans of them
	gateSpans  = 8  // 4 s: there is a pause in that
	gateSmooth = 0.3

	gateDepth = 0.126 // gain of a closed gate: -18 dB
	gateRamp  = 96    // samples, 2 ms: how fast it opens
	gateClose = 0.87  // factor of the gain per chunk while it closes: 150 ms

	quarter = media.ChunkSamples / 4
)

// A Gate lowers the noise of the room by up to 18 dB while nobody speaks. What is
// louder than the room passes as it is, bit by bit, and so does what follows
// within 300 ms. The zero Gate is ready, and open until it knows the room, which
// takes a few seconds. One goroutine uses it.
//
// The floor of the noise is the least level of the last seconds, which a voice
// with its pauses cannot raise.
type Gate struct {
	used   bool
	smooth float64            // level of the last chunks
	least  [gateSpans]float64 // of each span, the first one is going on
	age    int                // of that span
	floor  float64
	hang   int     // chunks until it closes
	gain   float32 // at the end of the last chunk
}

// Apply takes the next chunk of a microphone and changes it in place.
func (g *Gate) Apply(c *media.Chunk) {
	loud, peak := level(c.PCM[:]), float64(silence)
	for i := 0; i < len(c.PCM); i += quarter {
		peak = max(peak, level(c.PCM[i:i+quarter]))
	}
	g.learn(loud)
	g.hang = max(g.hang-1, 0)
	if loud > g.floor+gateOver || peak > g.floor+gateStep {
		g.hang = gateHang
	}
	if g.hang > 0 {
		ramp(c.PCM[:], g.gain, 1, gateRamp)
		g.gain = 1
		return
	}
	to := max(g.gain*gateClose, gateDepth)
	ramp(c.PCM[:], g.gain, to, media.ChunkSamples)
	g.gain = to
}

// learn follows the floor.
func (g *Gate) learn(loud float64) {
	if !g.used {
		*g = Gate{used: true, smooth: loud, floor: lowestFloor, gain: 1}
		for i := range g.least {
			g.least[i] = math.Inf(1)
		}
	}
	g.smooth += gateSmooth * (loud - g.smooth)
	if g.age == gateSpan {
		copy(g.least[1:], g.least[:])
		g.least[0], g.age = math.Inf(1), 0
	}
	g.age++
	g.least[0] = min(g.least[0], g.smooth)
	least := g.least[0]
	for _, l := range g.least[1:] {
		least = min(least, l)
	}
	g.floor = min(max(least, lowestFloor), g.floor+gateRise, gateTop)
}
