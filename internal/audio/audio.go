// Package audio makes voice small and smooth: Opus, the jitter buffer,
// concealment, the mixer and level meters. It knows no device and no network.
//
//	send  Chunk > Encoder > packet
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

	"github.com/sanix-darker/s2c/internal/media"
)

// MaxPacket is the size in bytes of the longest Opus packet that is sent or
// accepted.
const MaxPacket = 400

// ErrMalformed is returned for a packet that is not 20 ms of mono Opus.
var ErrMalformed = errors.New("malformed voice packet")

// samples is the sound of one chunk.
type samples = [media.ChunkSamples]int16

// A coder compresses chunks. It belongs to one goroutine.
type coder interface {
	// encode stores the packet for pcm in packet and returns its size.
	encode(pcm *samples, packet []byte) (int, error)

	// setBitrate changes the constant bit rate, in bit/s.
	setBitrate(bitrate int) error

	// protect puts a coarse copy of each chunk into the packet after it, for a
	// loss of so many percent of the packets; none for 0.
	protect(loss int) error
}

// A decoder turns the packets of one member into sound, in order. It belongs
// to one goroutine. After an error pcm is undefined and the decoder goes on.
type decoder interface {
	// decode decodes a packet, hostile or not.
	decode(packet []byte, pcm *samples) error

	// conceal makes up the chunk that follows the last one.
	conceal(pcm *samples) error

	// decodeFEC decodes the copy that next, the packet after a lost one,
	// carries of the lost one. It reports false, and does nothing, when there
	// is no copy.
	decodeFEC(next []byte, pcm *samples) (bool, error)
}

// checkPacket returns ErrMalformed unless p says of itself that it is one
// frame of 20 ms of mono. That is all our encoder makes, so the many other
// forms of Opus packets never reach the decoder. RFC 6716, section 3.
func checkPacket(p []byte) error {
	if len(p) < 2 || len(p) > MaxPacket {
		return ErrMalformed
	}
	config, stereo, code := p[0]>>3, p[0]&4 != 0, p[0]&3
	var long bool
	switch {
	case config < 12: // SILK: 10, 20, 40 and 60 ms
		long = config%4 == 1
	case config < 16: // hybrid: 10 and 20 ms
		long = config%2 == 1
	default: // CELT: 2.5, 5, 10 and 20 ms
		long = config%4 == 3
	}
	// Code 3 with a count of one is how a packet is padded to its constant
	// size below 16 kbit/s.
	single := code == 0 || code == 3 && p[1]&0x3f == 1
	if stereo || !long || !single {
		return ErrMalformed
	}
	return nil
}
