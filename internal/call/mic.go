package call

import (
	"context"
	"time"

	"github.com/sanix-darker/s2c/internal/audio"
	"github.com/sanix-darker/s2c/internal/media"
	"github.com/sanix-darker/s2c/internal/wire"
)

// heldChunks is how much is kept of what the microphone hears while nothing is
// sent: 100 ms. A person who presses a key to speak begins to speak at the same
// time.
const heldChunks = 10

// chunkGap is how much later than expected a chunk must be captured for the
// time in between to be counted: the device was away.
const chunkGap = 100 * time.Millisecond

// micLoop reads the microphone, opening it again whenever it fails, and queues
// what it hears.
func (c *Call) micLoop(ctx context.Context) {
	if c.cfg.Mic == nil {
		return
	}
	m := microphone{call: c, units: c.units()}
	m.shield.units = m.units
	keepOpen(ctx, c, aMicrophone, c.cfg.Mic, func(s media.AudioSource) error {
		c.micOpen.Store(true)
		defer c.micOpen.Store(false)
		c.tellEcho()
		m.gated = c.cfg.Gate == nil || c.cfg.Gate()
		for {
			if err := s.ReadChunk(&m.chunk); err != nil {
				m.reset()
				return err
			}
			m.take()
		}
	}, wait)
	c.selfTalk.Store(false)
}

// packetTime returns how much sound a voice packet has.
func (c *Call) packetTime() time.Duration {
	if c.cfg.LowLatency {
		return media.ChunkTime
	}
	return 2 * media.ChunkTime
}

// units returns how many chunks a voice packet has.
func (c *Call) units() uint16 { return uint16(c.packetTime() / media.ChunkTime) }

// A microphone makes voice packets of chunks. One goroutine uses it.
type microphone struct {
	call  *Call
	units uint16 // chunks in a packet

	gated  bool // what is open goes through gate
	gate   audio.Gate
	meter  audio.Meter
	shield shield

	chunk media.Chunk
	index uint16    // of chunk
	next  time.Time // when the chunk after it should be captured

	// What was heard while nothing was sent, the newest last.
	held  [heldChunks]media.Chunk
	nHeld int

	// The packet that is being filled.
	filling  bool
	first    uint16
	at       time.Time
	level    float64
	speaking bool

	bundle  bundle
	floor   floor
	members *[]*member // who was there at the last packet
	opus    [audio.MaxPacket]byte
	plain   [wire.MaxPlain]byte
}

// take takes the chunk that was read.
func (m *microphone) take() {
	c := m.call
	m.count()
	if clipped(&m.chunk) {
		c.clipped.Store(m.chunk.At.UnixNano())
	}
	if m.gated {
		m.gate.Apply(&m.chunk)
	}
	m.meter.Measure(&m.chunk)
	c.selfDB.store(m.meter.Level())
	if c.selfTalk.Swap(m.meter.Speaking()) != m.meter.Speaking() {
		c.touch()
	}
	members := c.members.Load()
	if members != m.members {
		m.members = members
		m.shield.forget() // who is new must not hear what was said before
	}
	pressed := c.talking.Load()
	switch {
	case !c.isHeard(*members):
		m.reset()
	case pressed || !c.Muted():
		if pressed {
			m.release()
		}
		m.nHeld = 0
		m.fill(&m.chunk, m.index, false)
	default:
		m.hold()
	}
}

// What is too loud for the microphone: so many samples of a chunk are as loud as
// a sample can be. It is shown for a while.
const (
	clipLevel = 32_600
	clipLeast = 4
	clipTime  = 1500 * time.Millisecond
)

// clipped reports whether a chunk is too loud for the microphone.
func clipped(c *media.Chunk) bool {
	n := 0
	for _, x := range c.PCM {
		if x >= clipLevel || x <= -clipLevel {
			n++
		}
	}
	return n >= clipLeast
}

// tooLoud reports whether the microphone was too loud lately.
func (c *Call) tooLoud() bool {
	return c.micOpen.Load() && time.Now().UnixNano()-c.clipped.Load() < int64(clipTime)
}

// count gives the chunk its index. The index follows the clock, so that the
// others find a packet where they expect it after the device was away.
func (m *microphone) count() {
	steps := uint16(1)
	if gap := m.chunk.At.Sub(m.next); !m.next.IsZero() && gap > chunkGap {
		steps += uint16(gap / media.ChunkTime)
		m.reset()
	}
	m.index += steps
	m.next = m.chunk.At.Add(media.ChunkTime)
}

// reset forgets all that could still be sent.
func (m *microphone) reset() {
	m.call.voice.Reset()
	if m.bundle.n > 0 {
		m.put(m.bundle.take(), time.Now())
	}
	m.filling, m.nHeld = false, 0
	m.shield.forget()
}

// hold keeps the chunk for release.
func (m *microphone) hold() {
	n := m.nHeld
	m.reset()
	if n == heldChunks {
		copy(m.held[:], m.held[1:])
		n--
	}
	m.held[n] = m.chunk
	m.nHeld = n + 1
}

// release sends what was held.
func (m *microphone) release() {
	from := m.index - uint16(m.nHeld)
	for i := range m.nHeld {
		m.fill(&m.held[i], from+uint16(i), true)
	}
}

// fill encodes a chunk, and queues the packet that it completes.
func (m *microphone) fill(chunk *media.Chunk, index uint16, held bool) {
	c := m.call
	if !m.filling {
		if index%m.units != 0 {
			return // packets begin at the same places always
		}
		m.filling, m.first, m.at, m.level, m.speaking = true, index, chunk.At, silence, false
	}
	m.level = max(m.level, m.meter.Level())
	m.speaking = m.speaking || m.meter.Speaking()
	m.floor.hear(m.meter.Loud() || m.meter.Speaking() || held, chunk.At)
	b, err := c.voice.Encode(m.opus[:0], chunk)
	if err != nil {
		c.cfg.Log.Error("voice not coded", "err", err)
		m.filling = false
		return
	}
	if len(b) == 0 {
		return // more is to come
	}
	m.filling = false
	v := wire.Voice{
		Index: m.first, Time: wire.NewMillis(m.at), Held: held,
		Level: uint8(-max(m.level, -127)), Speaking: m.speaking, Opus: b,
	}
	m.send(&v, time.Now())
}

// SetTalking lets a muted microphone be heard while talking is true, which is
// while a key is pressed, and a moment from before. It does nothing while the
// microphone is not muted.
func (c *Call) SetTalking(talking bool) {
	if c.talking.Swap(talking) == talking {
		return
	}
	wake(c.outbox.beat)
	c.touch()
}

// Talking reports whether a muted microphone is heard for now.
func (c *Call) Talking() bool { return c.talking.Load() }

// silent reports whether the microphone sends nothing.
func (c *Call) silent() bool {
	return c.Muted() && !c.talking.Load() || !c.micOpen.Load()
}

// tellEcho tells the person, once for each reason, that the others will hear
// themselves.
func (c *Call) tellEcho() {
	if c.cfg.AEC == nil {
		return
	}
	err := c.cfg.AEC()
	c.mu.Lock()
	same := err == nil || c.echo != nil && err.Error() == c.echo.Error()
	c.echo = err
	c.mu.Unlock()
	if !same {
		c.notify(Notice{Kind: EchoStays, Err: err})
	}
}
