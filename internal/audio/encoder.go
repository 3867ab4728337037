package audio

import (
	"fmt"

	"github.com/sanix-darker/s2c/internal/media"
)

// The bit rates in bit/s that an Encoder takes: the least that Opus can do,
// and what fills MaxPacket, 160000 = 400 B * 8 bit/B * 50 packets/s.
const (
	minBitrate = 6000
	maxBitrate = MaxPacket * 8 * 50
)

// An Encoder compresses one microphone with Opus: 48 kHz, mono, 20 ms, constant
// bit rate, so that sizes tell nothing. One goroutine uses it.
type Encoder struct {
	coder  coder
	packet [MaxPacket]byte // scratch of Encode
}

// NewEncoder returns an Encoder for a bit rate of 6000 to 160000 bit/s. Every
// packet has bitrate/400 bytes.
func NewEncoder(bitrate int) (*Encoder, error) {
	if bitrate < minBitrate || bitrate > maxBitrate {
		return nil, fmt.Errorf("create voice encoder: bit rate %d is not between %d and %d", bitrate, minBitrate, maxBitrate)
	}
	c, err := newGopusCoder(bitrate)
	if err != nil {
		return nil, fmt.Errorf("create voice encoder for %d bit/s: %w", bitrate, err)
	}
	return &Encoder{coder: c}, nil
}

// Encode appends the packet for c to dst. It allocates nothing when dst has
// room for MaxPacket more bytes. An error leaves dst as it was.
func (e *Encoder) Encode(dst []byte, c *media.Chunk) ([]byte, error) {
	n, err := e.coder.encode(&c.PCM, e.packet[:])
	if err != nil {
		return dst, fmt.Errorf("encode voice: %w", err)
	}
	return append(dst, e.packet[:n]...), nil
}
