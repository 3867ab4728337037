package call

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/sanix-darker/s2c/internal/audio"
	"github.com/sanix-darker/s2c/internal/media"
	"github.com/sanix-darker/s2c/internal/wire"
)

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
	keepOpen(ctx, c, aSpeaker, open, func(s media.AudioSink) error {
		c.spkOpen.Store(true)
		defer c.spkOpen.Store(false)
		defer c.spkDelay.Store(0)
		c.tellEcho()
		for {
			if err := s.Wait(); err != nil {
				return err
			}
			p.next(c, time.Now())
			if err := s.WriteChunk(&p.out); err != nil {
				return err
			}
			c.spkDelay.Store(int64(s.Latency()))
		}
	}, func(ctx context.Context) { p.mute(ctx, c) })
}

// A player mixes. One goroutine uses it.
type player struct {
	mixer   audio.Mixer
	in, out media.Chunk
	chooser chooser
}

// next mixes the next chunk into p.out.
func (p *player) next(c *Call, now time.Time) {
	members := *c.members.Load()
	p.chooser.choose(members, now)
	deaf := c.deafened.Load()
	for _, m := range members {
		before, gain := m.playedAt, float32(0)
		if m.heardNow && !deaf {
			gain = float32(m.gain.load())
		}
		if m.playedAt = gain; before == 0 && gain == 0 {
			m.skim(c, now)
			continue
		}
		if m.voice.Get(now, &p.in) {
			p.mixer.Fade(&p.in, before, gain)
		}
		m.meter.Measure(&p.in)
		m.level.store(m.meter.Level())
		m.show(c, m.meter.Speaking())
	}
	p.mixer.Mix(&p.out)
}

// skim takes the place of playing m. The screen then shows what m says of
// itself.
func (m *member) skim(c *Call, now time.Time) {
	if m.voice.Skim(now) {
		m.level.store(m.said.level.load())
		m.show(c, m.said.speaking.Load())
		return
	}
	m.level.store(silence)
	m.show(c, false)
}

// show notes whether m speaks.
func (m *member) show(c *Call, speaking bool) {
	if m.speaking.Swap(speaking) != speaking {
		c.touch()
	}
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

// The loudest few are heard when there are many: more at a time nobody
// understands, and each costs time to decode.
const (
	maxHeard   = 6
	stayLouder = 6                      // dB by which who is heard counts for louder
	stayTime   = 700 * time.Millisecond // for which who speaks and is heard stays so
	saidTime   = 500 * time.Millisecond // for which a packet says how loud its sender is
)

// What a member says of the own voice, in each packet.
type said struct {
	level    atomicFloat // dBFS
	speaking atomic.Bool
	at       atomic.Int64 // when it came, ns since 1970
}

// take takes the packet that came last.
func (s *said) take(v *wire.Voice, now time.Time) {
	s.level.store(-float64(v.Level))
	s.speaking.Store(v.Speaking)
	s.at.Store(now.UnixNano())
}

// A chooser says who is heard. One goroutine uses it.
type chooser struct {
	// Scratch of choose, the best first.
	few    [maxHeard]*member
	scores [maxHeard]float64
}

// choose sets heardNow of each member.
func (h *chooser) choose(members []*member, now time.Time) {
	if len(members) <= maxHeard {
		for _, m := range members {
			m.heardNow = true
		}
		return
	}
	n := 0
	for _, m := range members {
		score := m.loudness(now)
		i := n
		for ; i > 0 && h.scores[i-1] < score; i-- {
			if i < maxHeard {
				h.few[i], h.scores[i] = h.few[i-1], h.scores[i-1]
			}
		}
		if i < maxHeard {
			h.few[i], h.scores[i] = m, score
			n = min(n+1, maxHeard)
		}
	}
	for _, m := range members {
		m.heardNow = false
	}
	for i, m := range h.few[:n] {
		if m.heardNow = true; now.Sub(m.chosen) >= stayTime {
			m.chosen = now
		}
		h.few[i] = nil // it may leave
	}
}

// loudness returns how much m is worth to be heard, in dB.
func (m *member) loudness(now time.Time) float64 {
	if m.gain.load() == 0 || now.UnixNano()-m.said.at.Load() > int64(saidTime) {
		return 2 * silence
	}
	score := m.said.level.load()
	if !m.said.speaking.Load() {
		return score
	}
	score -= silence // all who speak before all who do not
	switch {
	case !m.heardNow:
	case now.Sub(m.chosen) < stayTime:
		score -= silence
	default:
		score += stayLouder
	}
	return score
}
