package audio

import (
	"fmt"
	"math"

	"github.com/thesyncim/gopus"

	"github.com/sanix-darker/s2c/internal/media"
)

// complexity of the encoder, 0 to 10. From 7 on gopus chooses other bandwidths
// than libopus does, and sounds no better for it.
const complexity = 5

// gopusCoder encodes with gopus.
type gopusCoder struct {
	enc *gopus.Encoder
}

// newGopusCoder returns a coder with a constant bit rate in bit/s, without
// pauses in transmission: neither sizes nor gaps tell what is said.
func newGopusCoder(bitrate int) (*gopusCoder, error) {
	enc, err := gopus.NewEncoder(gopus.EncoderConfig{
		SampleRate:  media.SampleRate,
		Channels:    1,
		Application: gopus.ApplicationVoIP,
	})
	if err != nil {
		return nil, err
	}
	enc.SetDTX(false)
	for _, set := range []func() error{
		func() error { return enc.SetBitrateMode(gopus.BitrateModeCBR) },
		func() error { return enc.SetBitrate(bitrate) },
		func() error { return enc.SetComplexity(complexity) },
		func() error { return enc.SetFrameSize(media.ChunkSamples) },
		func() error { return enc.SetSignal(gopus.SignalVoice) },
	} {
		if err := set(); err != nil {
			return nil, err
		}
	}
	return &gopusCoder{enc: enc}, nil
}

func (g *gopusCoder) setBitrate(bitrate int) error { return g.enc.SetBitrate(bitrate) }

func (g *gopusCoder) protect(loss int) error {
	g.enc.SetFEC(loss > 0)
	return g.enc.SetPacketLoss(loss)
}

func (g *gopusCoder) encode(pcm *samples, packet []byte) (int, error) {
	return g.enc.EncodeInt16(pcm[:], packet)
}

// gopusDecoder decodes with gopus.
type gopusDecoder struct {
	dec   *gopus.Decoder
	float [media.ChunkSamples]float32 // scratch of decodeFEC
}

func newGopusDecoder() (*gopusDecoder, error) {
	dec, err := gopus.NewDecoder(gopus.DecoderConfig{
		SampleRate:       media.SampleRate,
		Channels:         1,
		MaxPacketSamples: media.ChunkSamples,
		MaxPacketBytes:   MaxPacket,
	})
	if err != nil {
		return nil, err
	}
	return &gopusDecoder{dec: dec}, nil
}

func (g *gopusDecoder) decode(packet []byte, pcm *samples) error {
	if err := checkPacket(packet); err != nil {
		return err
	}
	return whole(g.dec.DecodeInt16(packet, pcm[:]))
}

func (g *gopusDecoder) conceal(pcm *samples) error {
	return whole(g.dec.DecodeInt16(nil, pcm[:]))
}

func (g *gopusDecoder) decodeFEC(next []byte, pcm *samples) (bool, error) {
	if err := checkPacket(next); err != nil {
		return false, err
	}
	if !hasCopy(next) {
		return false, nil
	}
	// The length of the output tells gopus how much was lost: one chunk.
	if err := whole(g.dec.DecodeWithFEC(next, g.float[:], true)); err != nil {
		return false, err
	}
	for i, x := range g.float {
		pcm[i] = int16(math.Round(float64(min(max(x*32768, math.MinInt16), math.MaxInt16))))
	}
	return true, nil
}

// hasCopy reports whether a packet has a copy of the one before in it, which
// RFC 6716 calls LBRR.
func hasCopy(packet []byte) bool { return gopus.PacketHasLBRR(packet) }

// whole makes an error of a decoder's failure to fill a chunk.
func whole(n int, err error) error {
	if err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if n != media.ChunkSamples {
		return fmt.Errorf("%w: %d samples", ErrMalformed, n)
	}
	return nil
}
