package main

import (
	"context"
	"time"

	"github.com/thesyncim/gopus"

	"github.com/sanix-darker/s2c/internal/audio"
	"github.com/sanix-darker/s2c/internal/lab/opusbench/libopus"
	"github.com/sanix-darker/s2c/internal/media"
)

// s2c codes with internal/audio.
func s2c(_ context.Context, s libopus.Settings, pcm []int16, packets [][]byte) (c cost, err error) {
	e, err := audio.NewEncoder(audio.EncoderConfig{Bitrate: s.Bitrate, Packet: s.Packet})
	if err != nil {
		return c, err
	}
	if err := e.SetLoss(s.Loss); err != nil {
		return c, err
	}
	// As a program does that sends a packet before it makes the next.
	var chunk media.Chunk
	buffer := make([]byte, 0, audio.MaxPacket)
	for rest := pcm; len(rest) >= len(chunk.PCM); rest = rest[len(chunk.PCM):] {
		copy(chunk.PCM[:], rest)
		begin := cpuTime()
		b, err := e.Encode(buffer, &chunk)
		c.encode += cpuTime() - begin
		if err != nil {
			return c, err
		}
		if len(b) > 0 && packets == nil {
			c.packets = append(c.packets, append([]byte(nil), b...))
		}
	}
	v, err := audio.NewVoice()
	if err != nil {
		return c, err
	}
	step := int(s.Packet / media.ChunkTime)
	now := time.Unix(1e9, 0)
	for i := range len(packets) * step {
		begin := cpuTime()
		if i%step == 0 {
			v.Put(now, audio.Packet{Index: uint16(i), Opus: packets[i/step]})
		}
		v.Get(now, &chunk)
		c.decode += cpuTime() - begin
		now = now.Add(media.ChunkTime)
	}
	return c, nil
}

// bare codes with the library of internal/audio alone.
func bare(_ context.Context, s libopus.Settings, pcm []int16, packets [][]byte) (c cost, err error) {
	e, err := gopus.NewEncoder(gopus.EncoderConfig{SampleRate: media.SampleRate, Channels: 1, Application: gopus.ApplicationVoIP})
	if err != nil {
		return c, err
	}
	n := s.Samples()
	e.SetFEC(s.Loss > 0)
	band := gopus.BandwidthFullband
	if s.Mode == "silk" {
		band = gopus.BandwidthWideband
	}
	for _, set := range []func() error{
		func() error { return e.SetBitrateMode(gopus.BitrateModeCBR) },
		func() error { return e.SetBitrate(s.Bitrate) },
		func() error { return e.SetBandwidth(band) },
		func() error { return e.SetComplexity(s.Complexity) },
		func() error { return e.SetFrameSize(n) },
		func() error { return e.SetSignal(gopus.SignalVoice) },
		func() error { return e.SetPacketLoss(s.Loss) },
	} {
		if err := set(); err != nil {
			return c, err
		}
	}
	var packet [audio.MaxPacket]byte
	for rest := pcm; len(rest) >= n; rest = rest[n:] {
		begin := cpuTime()
		_, err := e.EncodeInt16(rest[:n], packet[:])
		c.encode += cpuTime() - begin
		if err != nil {
			return c, err
		}
	}
	d, err := gopus.NewDecoder(gopus.DefaultDecoderConfig(media.SampleRate, 1))
	if err != nil {
		return c, err
	}
	sound := make([]int16, n)
	for _, p := range packets {
		begin := cpuTime()
		_, err := d.DecodeInt16(p, sound)
		c.decode += cpuTime() - begin
		if err != nil {
			return c, err
		}
	}
	return c, nil
}

// peer returns what codes with libopus.
func peer(p *libopus.Program) func(context.Context, libopus.Settings, []int16, [][]byte) (cost, error) {
	return func(ctx context.Context, s libopus.Settings, pcm []int16, packets [][]byte) (c cost, err error) {
		if _, c.encode, err = p.Encode(ctx, s, pcm); err != nil {
			return c, err
		}
		var records []libopus.Record
		for _, b := range packets {
			records = append(records, libopus.Record{Kind: libopus.Play, Packet: b})
		}
		_, c.decode, _, err = p.Decode(ctx, s.Samples(), records)
		return c, err
	}
}
