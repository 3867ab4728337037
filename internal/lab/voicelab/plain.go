package main

import (
	"fmt"
	"slices"

	"github.com/thesyncim/gopus"

	"github.com/sanix-darker/s2c/internal/lab/network"
)

const (
	plainBitrate = 24000
	plainFrame   = rate / 50 // 20 ms
	plainDelay   = 312       // samples by which Opus is late
	complexity   = 5
	mostPacket   = 1275
)

// plain returns what is heard of speech through Opus alone, at a constant
// 24 kbit/s, whose decoder makes up what is lost. It is as long as what was said,
// and in time with it.
func plain(said []int16, seed uint64, loss, burst float64) ([]int16, error) {
	enc, err := gopus.NewEncoder(gopus.EncoderConfig{SampleRate: rate, Channels: 1, Application: gopus.ApplicationVoIP})
	if err != nil {
		return nil, err
	}
	enc.SetDTX(false)
	for _, set := range []func() error{
		func() error { return enc.SetBitrateMode(gopus.BitrateModeCBR) },
		func() error { return enc.SetBitrate(plainBitrate) },
		func() error { return enc.SetComplexity(complexity) },
		func() error { return enc.SetFrameSize(plainFrame) },
		func() error { return enc.SetSignal(gopus.SignalVoice) },
	} {
		if err := set(); err != nil {
			return nil, err
		}
	}
	dec, err := gopus.NewDecoder(gopus.DecoderConfig{SampleRate: rate, Channels: 1, MaxPacketSamples: plainFrame, MaxPacketBytes: mostPacket})
	if err != nil {
		return nil, err
	}
	losses := network.NewLosses(seed, loss, burst)
	said = append(slices.Clip(said), make([]int16, 2*plainFrame)...) // to get the last words out
	var heard []int16
	var packet [mostPacket]byte
	var pcm [plainFrame]int16
	for ; len(said) >= plainFrame; said = said[plainFrame:] {
		n, err := enc.EncodeInt16(said[:plainFrame], packet[:])
		if err != nil {
			return nil, fmt.Errorf("encode: %w", err)
		}
		come := packet[:n]
		if losses.Next() {
			come = nil
		}
		if _, err := dec.DecodeInt16(come, pcm[:]); err != nil {
			return nil, fmt.Errorf("decode: %w", err)
		}
		heard = append(heard, pcm[:]...)
	}
	return heard[plainDelay:], nil
}
