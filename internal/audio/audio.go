// Package audio makes voice small and smooth: Opus, the jitter buffer,
// concealment, the mixer, the noise gate and level meters. It knows no device
// and no network.
//
//	send  Chunk > Gate > Encoder, which makes a packet of one chunk or of two
//	recv  packet > Voice.Put > slots by index          [network goroutine]
//	      Voice.Get: slots > plan > decode or conceal > fade > stretch > track > Chunk
//	      Chunk > Mixer.Add, one per member > Mixer.Mix > Chunk  [speaker goroutine]
//
// A lost packet is replaced by a copy of it that came with another one
// (Packet.Behind), else restored from the copy that Opus put into the next, else
// made up.
//
// Nothing here starts a goroutine or reads a clock.
package audio

import (
	"errors"
	"time"

	"github.com/sanix-darker/s2c/internal/media"
)

// MaxPacket is the size in bytes of the longest Opus packet that is sent or
// accepted.
const MaxPacket = 400

// The two lengths that a packet's sound may have. Short packets are ready
// sooner, and cost more: each has a header of its own, and Opus works less well.
const (
	ShortPacket = 10 * time.Millisecond
	LongPacket  = 20 * time.Millisecond

	longSamples = 960 // samples of a LongPacket
)

// ShortMore is how many more bit/s ShortPackets need to sound as well: at 8000,
// which speech is content with, 5 of 324 chirps are not known again, at this 1.
const ShortMore = 16_000

// ErrMalformed is returned for a packet that is not 10 or 20 ms of mono Opus.
var ErrMalformed = errors.New("malformed voice packet")

// A coder compresses sound. It belongs to one goroutine.
type coder interface {
	// encode stores the packet for pcm, whose length is always the same, in
	// packet and returns its size.
	encode(pcm []int16, packet []byte) (int, error)

	// setBitrate changes the constant bit rate, in bit/s.
	setBitrate(bitrate int) error

	// protect puts a coarse copy of each packet's sound into the packet after
	// it, for a loss of so many percent of the packets; none for 0.
	protect(loss int) error
}

// A decoder turns the packets of one member into sound, in order. It belongs
// to one goroutine. After an error pcm is undefined and the decoder goes on.
type decoder interface {
	// decode decodes a packet, hostile or not, whose sound is as long as pcm.
	decode(packet []byte, pcm []int16) error

	// conceal makes up what follows the last sound, 10 or 20 ms.
	conceal(pcm []int16) error

	// decodeFEC decodes the copy that next, the packet after a lost one,
	// carries of the lost one, which was as long. It reports false, and does
	// nothing, when there is no copy.
	decodeFEC(next []byte, pcm []int16) (bool, error)

	// reset forgets what was decoded.
	reset()
}

// PacketTime returns how long the sound of p is, or ErrMalformed unless p says
// of itself that it is one frame of 10 or 20 ms of mono. That is all our encoder
// makes, so the many other forms of Opus packets never reach the decoder.
// RFC 6716, section 3.
func PacketTime(p []byte) (time.Duration, error) {
	if len(p) < 2 || len(p) > MaxPacket {
		return 0, ErrMalformed
	}
	config, stereo, code := p[0]>>3, p[0]&4 != 0, p[0]&3
	size := config % 4
	switch {
	case config < 12: // SILK: 10, 20, 40 and 60 ms
	case config < 16: // hybrid: 10 and 20 ms
		size = config % 2
	default: // CELT: 2.5, 5, 10 and 20 ms
		size -= 2 // above 1 for what is shorter
	}
	// Code 3 with a count of one is how a packet is padded to its constant
	// size below 16 kbit/s.
	single := code == 0 || code == 3 && p[1]&0x3f == 1
	if stereo || size > 1 || !single {
		return 0, ErrMalformed
	}
	return ShortPacket << size, nil
}

// samplesOf returns how many samples of sound last so long.
func samplesOf(d time.Duration) int { return int(d * media.SampleRate / time.Second) }
