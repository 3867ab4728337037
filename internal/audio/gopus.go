package audio

import (
	"fmt"
	"math"

	"github.com/thesyncim/gopus"

	"github.com/sanix-darker/s2c/internal/media"
)

// complexity of the encoder, 0 to 10. At a constant 16 kbit/s 9 has a PESQ of 4.08
// where 5 has 3.90, at 24 kbit/s 4.44 and 4.40, for three quarters more work, which
// is little; more makes no difference. Voicebench and opusbench measure both.
const complexity = 9

// From fullband bit/s on a voice is coded up to 20 kHz, below up to 8 kHz, as
// RFC 7587, section 3.1.1, recommends: what the highs take, the rest lacks. At 24
// kbit/s that makes a PESQ of 4.44 of 4.21, at 16 kbit/s 4.08 of 3.70, and of
// 324 chirps it harms 2 where there were 32.
const fullband = 28_000

// gopusCoder encodes with gopus.
type gopusCoder struct {
	enc  *gopus.Encoder
	n    int // samples of a packet
	band gopus.Bandwidth
	loss int // what protect was told
}

// newGopusCoder returns a coder of packets of n samples with a constant bit rate
// in bit/s, without pauses in transmission: neither sizes nor gaps tell what is
// said.
func newGopusCoder(bitrate, n int) (*gopusCoder, error) {
	g := &gopusCoder{n: n}
	if err := g.setBitrate(bitrate); err != nil {
		return nil, err
	}
	return g, nil
}

// setBitrate goes on with another encoder where the bandwidth changes: after its
// own change from 20 to 8 kHz one of gopus 0.1.2 encodes next to silence. What
// is heard is as one packet lost.
func (g *gopusCoder) setBitrate(bitrate int) error {
	band, least := gopus.BandwidthWideband, fullband
	if g.n < longSamples {
		least += ShortMore
	}
	if bitrate >= least {
		band = gopus.BandwidthFullband
	}
	if g.enc != nil && g.band == band {
		return g.enc.SetBitrate(bitrate)
	}
	enc, err := newGopusEncoder(bitrate, g.n, band)
	if err != nil {
		return err
	}
	old := *g
	g.enc, g.band = enc, band
	if err := g.protect(g.loss); err != nil {
		*g = old
		return err
	}
	return nil
}

func newGopusEncoder(bitrate, n int, band gopus.Bandwidth) (*gopus.Encoder, error) {
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
		func() error { return enc.SetBandwidth(band) },
		func() error { return enc.SetComplexity(complexity) },
		func() error { return enc.SetFrameSize(n) },
		func() error { return enc.SetSignal(gopus.SignalVoice) },
	} {
		if err := set(); err != nil {
			return nil, err
		}
	}
	return enc, nil
}

func (g *gopusCoder) protect(loss int) error {
	g.enc.SetFEC(loss > 0)
	if err := g.enc.SetPacketLoss(loss); err != nil {
		return err
	}
	g.loss = loss
	return nil
}

func (g *gopusCoder) encode(pcm []int16, packet []byte) (int, error) {
	return g.enc.EncodeInt16(pcm, packet)
}

// gopusDecoder decodes with gopus.
type gopusDecoder struct {
	dec   *gopus.Decoder
	float [longSamples]float32 // scratch of decodeFEC
}

func newGopusDecoder() (*gopusDecoder, error) {
	dec, err := gopus.NewDecoder(gopus.DecoderConfig{
		SampleRate: media.SampleRate,
		Channels:   1,
		// More than a packet: what is asked to be made up is exactly as long as
		// the output, unless that is the longest packet.
		MaxPacketSamples: 2 * longSamples,
		MaxPacketBytes:   MaxPacket,
	})
	if err != nil {
		return nil, err
	}
	return &gopusDecoder{dec: dec}, nil
}

func (g *gopusDecoder) decode(packet []byte, pcm []int16) error {
	if err := checkPacket(packet, pcm); err != nil {
		return err
	}
	n, err := g.dec.DecodeInt16(packet, pcm)
	return whole(n, len(pcm), err)
}

func (g *gopusDecoder) conceal(pcm []int16) error {
	n, err := g.dec.DecodeInt16(nil, pcm)
	return whole(n, len(pcm), err)
}

func (g *gopusDecoder) decodeFEC(next []byte, pcm []int16) (bool, error) {
	if err := checkPacket(next, pcm); err != nil {
		return false, err
	}
	if !hasCopy(next) {
		return false, nil
	}
	// The length of the output tells gopus how much was lost: one packet.
	float := g.float[:len(pcm)]
	n, err := g.dec.DecodeWithFEC(next, float, true)
	if err := whole(n, len(pcm), err); err != nil {
		return false, err
	}
	for i, x := range float {
		pcm[i] = int16(math.Round(float64(min(max(x*32768, math.MinInt16), math.MaxInt16))))
	}
	return true, nil
}

func (g *gopusDecoder) reset() { g.dec.Reset() }

// checkPacket returns ErrMalformed unless the packet is fit for the decoder and
// its sound as long as pcm.
func checkPacket(packet []byte, pcm []int16) error {
	span, err := PacketTime(packet)
	if err == nil && samplesOf(span) != len(pcm) {
		err = ErrMalformed
	}
	return err
}

// hasCopy reports whether a packet has a copy of the one before in it, which
// RFC 6716 calls LBRR.
func hasCopy(packet []byte) bool { return gopus.PacketHasLBRR(packet) }

// whole makes an error of a decoder's failure to make as many samples as wanted.
func whole(n, want int, err error) error {
	if err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if n != want {
		return fmt.Errorf("%w: %d samples, not %d", ErrMalformed, n, want)
	}
	return nil
}
