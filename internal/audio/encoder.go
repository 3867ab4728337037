package audio

import (
	"errors"
	"fmt"
	"time"

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

// An EncoderConfig says what the packets are like.
type EncoderConfig struct {
	// Bitrate is 6000 to 160000 bit/s.
	Bitrate int

	// Packet is how long the sound of a packet is, ShortPacket or LongPacket;
	// 0 is LongPacket.
	Packet time.Duration
}

// An Encoder compresses one microphone with Opus: 48 kHz, mono, 10 or 20 ms,
// constant bit rate, so that sizes tell nothing. One goroutine uses it.
type Encoder struct {
	coder  coder
	pcm    [longSamples]int16
	have   int             // samples of pcm that wait for the rest of their packet
	need   int             // samples of a packet
	packet [MaxPacket]byte // scratch of Encode
}

// NewEncoder returns an Encoder. Every packet of 20 ms has Bitrate/400 bytes,
// every one of 10 ms half of that, rounded.
func NewEncoder(cfg EncoderConfig) (*Encoder, error) {
	if cfg.Packet == 0 {
		cfg.Packet = LongPacket
	}
	err := checkBitrate(cfg.Bitrate)
	if cfg.Packet != ShortPacket && cfg.Packet != LongPacket {
		err = errors.Join(err, fmt.Errorf("packets of %v, not of %v or %v", cfg.Packet, ShortPacket, LongPacket))
	}
	if err != nil {
		return nil, fmt.Errorf("create voice encoder: %w", err)
	}
	need := samplesOf(cfg.Packet)
	c, err := newGopusCoder(cfg.Bitrate, need)
	if err != nil {
		return nil, fmt.Errorf("create voice encoder for %d bit/s: %w", cfg.Bitrate, err)
	}
	return &Encoder{coder: c, need: need}, nil
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

// Encode takes the next chunk and appends the packet that it completes to dst;
// nothing when the packet needs another one. It allocates nothing when dst has
// room for MaxPacket more bytes. An error leaves dst as it was, and the sound of
// that packet is gone.
func (e *Encoder) Encode(dst []byte, c *media.Chunk) ([]byte, error) {
	e.have += copy(e.pcm[e.have:e.need], c.PCM[:])
	if e.have < e.need {
		return dst, nil
	}
	e.have = 0
	n, err := e.coder.encode(e.pcm[:e.need], e.packet[:])
	if err != nil {
		return dst, fmt.Errorf("encode voice: %w", err)
	}
	return append(dst, e.packet[:n]...), nil
}

// Reset forgets the chunk that waits for the rest of its packet, if there is
// one: the next chunk begins a packet. It is for pauses in what is sent.
func (e *Encoder) Reset() { e.have = 0 }
