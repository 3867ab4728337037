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

// leastLoss is what Opus is told at least, in percent. For less it makes few
// copies, which at 5 % are too few.
const leastLoss = 10

// An Encoder compresses one microphone with Opus: 48 kHz, mono, 20 ms, constant
// bit rate, so that sizes tell nothing. One goroutine uses it.
type Encoder struct {
	coder  coder
	packet [MaxPacket]byte // scratch of Encode
}

// NewEncoder returns an Encoder for a bit rate of 6000 to 160000 bit/s. Every
// packet has bitrate/400 bytes.
func NewEncoder(bitrate int) (*Encoder, error) {
	if err := checkBitrate(bitrate); err != nil {
		return nil, fmt.Errorf("create voice encoder: %w", err)
	}
	c, err := newGopusCoder(bitrate)
	if err != nil {
		return nil, fmt.Errorf("create voice encoder for %d bit/s: %w", bitrate, err)
	}
	return &Encoder{coder: c}, nil
}

// SetBitrate changes the bit rate, and with it the size of the packets, from the
// next one on. The bounds are those of NewEncoder; after an error nothing has
// changed.
func (e *Encoder) SetBitrate(bitrate int) error {
	err := checkBitrate(bitrate)
	if err == nil {
		err = e.coder.setBitrate(bitrate)
	}
	if err != nil {
		return fmt.Errorf("set voice bit rate: %w", err)
	}
	return nil
}

// SetLoss says how many percent of the packets the link loses, 0 to 100. With
// any loss, every packet of speech has a coarse copy of the one before in it
// (Opus' in-band FEC), from which a Voice restores one that is lost. Packets
// keep their size: the copy takes its bits from the sound. With 0, the start,
// there are none.
func (e *Encoder) SetLoss(percent int) error {
	if percent < 0 || percent > 100 {
		return fmt.Errorf("set voice loss: %d %% is not between 0 and 100", percent)
	}
	if percent > 0 {
		percent = max(percent, leastLoss)
	}
	if err := e.coder.protect(percent); err != nil {
		return fmt.Errorf("set voice loss: %w", err)
	}
	return nil
}

func checkBitrate(bitrate int) error {
	if bitrate < minBitrate || bitrate > maxBitrate {
		return fmt.Errorf("bit rate %d is not between %d and %d", bitrate, minBitrate, maxBitrate)
	}
	return nil
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
