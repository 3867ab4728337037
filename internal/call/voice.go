package call

import (
	"context"
	"time"

	"github.com/sanix-darker/s2c/cipher/sframe"
	"github.com/sanix-darker/s2c/internal/audio"
	"github.com/sanix-darker/s2c/internal/media"
	"github.com/sanix-darker/s2c/internal/queue"
	"github.com/sanix-darker/s2c/internal/wire"
)

// micLoop reads the microphone, opening it again whenever it fails, and queues
// what it hears.
func (c *Call) micLoop(ctx context.Context) {
	if c.cfg.Mic == nil {
		return
	}
	var (
		meter audio.Meter
		index uint16
		chunk media.Chunk
	)
	keepOpen(ctx, c, "microphone", c.cfg.Mic, func(s media.AudioSource) error {
		c.micOpen.Store(true)
		defer c.micOpen.Store(false)
		for {
			if err := s.ReadChunk(&chunk); err != nil {
				return err
			}
			index++
			meter.Measure(&chunk)
			c.selfDB.store(meter.Level())
			if c.selfTalk.Swap(meter.Speaking()) != meter.Speaking() {
				c.touch()
			}
			if c.muted.Load() || len(*c.members.Load()) == 0 {
				continue
			}
			if err := c.sendVoice(index, &chunk); err != nil {
				c.cfg.Log.Error("voice not coded", "err", err)
			}
		}
	}, wait)
	c.selfTalk.Store(false)
}

// sendVoice compresses a chunk and queues it.
func (c *Call) sendVoice(index uint16, chunk *media.Chunk) error {
	var opus [audio.MaxPacket]byte
	var plain [wire.MaxPlain]byte
	b, err := c.voice.Encode(opus[:0], chunk)
	if err != nil {
		return err
	}
	v := wire.Voice{Index: index, Time: wire.NewMillis(chunk.At), Opus: b}
	c.outbox.put(time.Now(), queue.Voice, sframe.StreamVoice, wire.NewClear(wire.KindVoice, 0), v.Append(plain[:0]))
	return nil
}

// speakerLoop mixes the members' voices and plays them, opening the speaker
// again whenever it fails. Without a speaker it goes on mixing by the clock, so
// that who speaks is still seen and no sound piles up.
func (c *Call) speakerLoop(ctx context.Context) {
	var p player
	open := c.cfg.Speaker
	if open == nil {
		p.mute(ctx, c)
		return
	}
	keepOpen(ctx, c, "speaker", open, func(s media.AudioSink) error {
		c.spkOpen.Store(true)
		defer c.spkOpen.Store(false)
		for {
			if err := s.Wait(); err != nil {
				return err
			}
			p.next(c, time.Now())
			if err := s.WriteChunk(&p.out); err != nil {
				return err
			}
		}
	}, func(ctx context.Context) { p.mute(ctx, c) })
}

// A player mixes. One goroutine uses it.
type player struct {
	mixer   audio.Mixer
	in, out media.Chunk
}

// next mixes the next chunk into p.out.
func (p *player) next(c *Call, now time.Time) {
	for _, m := range *c.members.Load() {
		if m.voice.Get(now, &p.in) {
			p.mixer.Add(&p.in, 1)
		} else {
			clear(p.in.PCM[:])
		}
		m.meter.Measure(&p.in)
		m.level.store(m.meter.Level())
		if talk := m.meter.Speaking(); m.speaking.Swap(talk) != talk {
			c.touch()
		}
	}
	p.mixer.Mix(&p.out)
}

// mute mixes by the clock and plays nothing.
func (p *player) mute(ctx context.Context, c *Call) {
	tick := time.NewTicker(media.ChunkTime)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			p.next(c, now)
		}
	}
}
