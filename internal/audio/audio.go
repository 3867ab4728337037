// Package audio makes voice small and smooth: Opus, the jitter buffer,
// concealment, the mixer and level meters. It knows no device and no network.
package audio

import (
	"errors"
	"time"

	"github.com/sanix-darker/s2c/internal/media"
)

// MaxPacket is the size in bytes of the longest Opus packet that is sent or
// accepted.
const MaxPacket = 400

// ErrMalformed is returned for a packet that is not 20 ms of mono Opus.
var ErrMalformed = errors.New("malformed voice packet")

// An Encoder compresses one microphone with Opus: 48 kHz, mono, 20 ms, constant
// bit rate, so that sizes tell nothing. One goroutine uses it.
type Encoder struct{}

// NewEncoder returns an Encoder for a bit rate in bit/s.
func NewEncoder(bitrate int) (*Encoder, error) { return nil, errors.New("not built yet") }

// Encode appends the packet for c to dst.
func (e *Encoder) Encode(dst []byte, c *media.Chunk) ([]byte, error) { panic("not built yet") }

// A Packet is one voice packet as it came from the network.
type Packet struct {
	Index uint16        // counts the sender's chunks modulo 2^16
	Age   time.Duration // by the two clocks: receiver's time minus capture time, at Put
	Opus  []byte        // copied by Put
}

// A Voice turns one member's packets into an even flow of chunks: jitter
// buffer, decoder, concealment. Put and Get may be called by two goroutines.
type Voice struct{}

// NewVoice returns a Voice with an empty buffer.
func NewVoice() (*Voice, error) { return nil, errors.New("not built yet") }

// Put takes a packet that arrived at time now. Late, repeated and absurd
// packets are counted and dropped.
func (v *Voice) Put(now time.Time, p Packet) { panic("not built yet") }

// Get stores the next 20 ms in c at time now. It reports false, and leaves c
// silent, when the member is not sending. It must be called once per 20 ms of
// the playing device's clock and allocates nothing.
func (v *Voice) Get(now time.Time, c *media.Chunk) bool { panic("not built yet") }

// VoiceStats is what became of one member's voice so far.
type VoiceStats struct {
	Played    uint64        // chunks decoded and played
	Concealed uint64        // chunks made up for lost or late packets
	Late      uint64        // packets that came after their turn
	Dropped   uint64        // chunks skipped to keep the delay down
	Target    time.Duration // how much the buffer tries to hold now
	Delay     time.Duration // capture to Get of the last chunk, by the two clocks
	Level     float64       // of the last chunk, dBFS, -96 when silent
}

// Stats may be called by any goroutine.
func (v *Voice) Stats() VoiceStats { panic("not built yet") }

// A Mixer adds voices without clipping. The zero Mixer is ready. One goroutine
// uses it.
type Mixer struct{}

// Add adds a chunk to the sum with a linear gain.
func (m *Mixer) Add(c *media.Chunk, gain float32) { panic("not built yet") }

// Mix stores the sum in c through a soft limiter and starts a new sum.
func (m *Mixer) Mix(c *media.Chunk) { panic("not built yet") }

// A Meter measures how loud somebody is and whether they speak. The zero Meter
// is ready. One goroutine uses it.
type Meter struct{}

// Measure takes the next chunk.
func (m *Meter) Measure(c *media.Chunk) { panic("not built yet") }

// Level returns the level of the chunk measured last in dBFS, -96 to 0.
func (m *Meter) Level() float64 { panic("not built yet") }

// Speaking reports whether the sound is speech-like, with a hang-over of
// 300 ms so that it does not flicker between words.
func (m *Meter) Speaking() bool { panic("not built yet") }
