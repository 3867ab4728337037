package call

import (
	"slices"
	"time"

	"github.com/sanix-darker/s2c/cipher"
	"github.com/sanix-darker/s2c/cipher/sframe"
	"github.com/sanix-darker/s2c/internal/audio"
	"github.com/sanix-darker/s2c/internal/media"
	"github.com/sanix-darker/s2c/internal/queue"
	"github.com/sanix-darker/s2c/internal/wire"
)

// A call is thin when somebody in it has a link that takes little, such as a
// modem's of 33.6 kbit/s, and says so or finds out (strain). Everybody then sends
// to all:
//
//	voice     12 kbit/s, 60 ms in a packet, no copies         16.7 packets a second
//	pictures  in pieces, one in a packet with voice           for all layers together:
//	          5 a second, small                               thinBitrate
//
// so that the heads of packets, of 100 bytes with everything from IP to the seals,
// take no more than the sound, and a picture never holds up the voice for long.
const (
	thinVoice   = 12_000 // bit/s
	thinBitrate = 2_500  // bit/s of the pictures of all sizes
	thinPart    = 140    // bytes of a picture in a packet

	// thinTide is tideHigh in a thin call, where a packet takes 50 ms of the line
	// and may have to wait for two others.
	thinTide = 240 * time.Millisecond

	// thinStart is how long after somebody came a thin line has got the first
	// messages through. Pictures wait for that.
	thinStart = 4 * time.Second

	// thinSettles is how long nobody is asked for less for it.
	thinSettles = 8 * time.Second

	// thinTakes is what a line is taken to have room for, in bit/s: that of a modem
	// less a tenth, or a queue that has come about for any reason would stay.
	thinTakes = 30_000

	// thinHold is for how long pictures may hold up the voice.
	thinHold = 60 * time.Millisecond

	// thinHead and thinSeal are the bytes that are added to a packet, and to each
	// datagram in it: 14 by the line, 28 by IP and UDP, 29 and 3 by the hop; and 25
	// by the seal.
	thinHead = 14 + 28 + 29
	thinSeal = 3 + cipher.Overhead

	// bundleOf is how many Opus packets a voice packet has.
	bundleOf = 3
)

// A thinLine follows how much of what was sent a thin line has yet to take. One
// goroutine uses it.
type thinLine struct {
	owed float64 // bytes
	at   time.Time
}

// left returns what is owed at time now.
func (l *thinLine) left(now time.Time) float64 {
	return max(0, l.owed-now.Sub(l.at).Seconds()*thinTakes/8)
}

// sent takes note of a packet. No more than a second is owed: that a line takes more
// than a thin one does was not known before.
func (l *thinLine) sent(datagrams [][]byte, now time.Time) {
	if len(datagrams) == 0 {
		return
	}
	l.owed = l.left(now) + thinHead
	for _, b := range datagrams {
		l.owed += float64(len(b) + thinSeal - cipher.Overhead)
	}
	l.owed, l.at = min(l.owed, thinTakes/8), now
}

// wait returns how long a part of a picture of so many bytes has to wait, so that
// the voice does not for too long. One that is too large for that, of before the call
// was thin, waits until nothing is owed.
func (l *thinLine) wait(n int, now time.Time) time.Duration {
	const most = int(thinHold * thinTakes / 8 / time.Second)
	over := l.left(now) + float64(min(n+thinSeal, most)-most)
	return time.Duration(max(0, over) * 8 / thinTakes * float64(time.Second))
}

// isHeard reports whether there is anybody to speak to. In a thin call only those
// count who have said that they hold this member's key: what is sent before makes
// the line slower on which they say so.
func (c *Call) isHeard(members []*member) bool {
	if !c.thin.Load() {
		return len(members) > 0
	}
	return slices.ContainsFunc(members, func(m *member) bool { return m.name() != "" })
}

// thinView returns how somebody with a thin link looks at others, at most, with
// pixels that are twice as high as wide or not.
func thinView(tall bool) View {
	v := View{Width: 60, Height: 40, FPS: 5}
	if tall {
		v.Height /= 2
	}
	return v
}

// thinLink reports whether this member's link is a thin one.
func (c *Call) thinLink() bool { return c.cfg.Thin || c.strain.thin.Load() }

// feelThin finds out whether the call is a thin one. The goroutine of control
// calls it.
func (c *Call) feelThin() {
	thin := c.thinLink()
	for _, m := range *c.members.Load() {
		thin = thin || m.saysThin()
	}
	if c.thin.Swap(thin) != thin {
		wake(c.outbox.beat)
		c.cfg.Log.Info("thin call", "thin", thin)
	}
}

// mostTide returns by how much packets may take longer than they could.
func (c *Call) mostTide() time.Duration {
	if c.thin.Load() {
		return thinTide
	}
	return tideHigh
}

// saysThin reports whether m has said that its link is a thin one.
func (m *member) saysThin() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.beat.Thin
}

// A bundle gathers Opus packets for one voice packet. One goroutine uses it.
type bundle struct {
	n       int
	packets [bundleOf]struct {
		index uint16
		size  int
		data  [audio.MaxPacket]byte
	}
	last wire.Voice // but for its Opus
}

// add takes a packet and reports whether the bundle is to be sent before any other
// is added.
func (b *bundle) add(v *wire.Voice) (full bool) {
	p := &b.packets[b.n]
	p.index, p.size = v.Index, copy(p.data[:], v.Opus)
	level, speaking := b.last.Level, b.last.Speaking
	b.last = *v
	if b.n > 0 {
		b.last.Level, b.last.Speaking = min(v.Level, level), v.Speaking || speaking
	}
	b.last.Opus = nil
	b.n++
	return b.n == bundleOf
}

// fits reports whether a packet of that index and size follows what is in the
// bundle, in which all are as long.
func (b *bundle) fits(v *wire.Voice, units uint16) bool {
	if b.n == 0 {
		return true
	}
	last := &b.packets[b.n-1]
	return v.Index == last.index+units && len(v.Opus) == last.size && v.Held == b.last.Held
}

// take empties the bundle, which has something in it, into a voice packet that is
// valid until the next add.
func (b *bundle) take() *wire.Voice {
	v := &b.last
	newest := &b.packets[b.n-1]
	v.Bundle, v.N = b.n > 1, 0
	for i := range b.n - 1 {
		p := &b.packets[i]
		v.Copies[i] = wire.VoiceCopy{Before: uint8(b.n - 1 - i), Opus: p.data[:p.size]}
		v.N++
	}
	v.Opus = newest.data[:newest.size]
	b.n = 0
	return v
}

// send sends a packet of voice, or keeps it for a bundle.
func (m *microphone) send(v *wire.Voice, now time.Time) {
	thin := m.call.thin.Load()
	if m.bundle.n > 0 && (!thin || !m.bundle.fits(v, m.units)) {
		m.put(m.bundle.take(), now)
	}
	switch {
	case !thin:
		m.shield.protect(v)
		m.put(v, now)
		m.shield.remember(v)
	case m.bundle.add(v):
		m.put(m.bundle.take(), now)
	}
	m.shield.adapt(m.call, now)
}

// put queues a voice packet.
func (m *microphone) put(v *wire.Voice, now time.Time) {
	layer := m.floor.layer(1+len(*m.call.members.Load()), m.chunk.At)
	m.call.outbox.put(now, queue.Voice, sframe.StreamVoice, wire.NewClear(wire.KindVoice, layer), v.Append(m.plain[:0]))
}

// takeBundle takes a voice packet of m in which all are new.
func (m *member) takeBundle(v *wire.Voice, age time.Duration, now time.Time) {
	span, err := audio.PacketTime(v.Opus)
	if err != nil {
		return
	}
	for _, x := range v.Copies[:v.N] {
		before := time.Duration(x.Before) * span
		m.voice.Put(now, audio.Packet{
			Index: v.Index - uint16(before/media.ChunkTime), Age: age + before, Opus: x.Opus, Held: v.Held,
		})
	}
	m.voice.Put(now, audio.Packet{Index: v.Index, Age: age, Opus: v.Opus, Held: v.Held})
}

// thinSize returns in what size to send pictures of one of so many layers in a thin
// call.
func thinSize(s wire.Size, layers int) wire.Size {
	most := thinView(s.Tall)
	v := View{Width: int(s.Width), Height: int(s.Height), FPS: int(s.FPS), Tall: s.Tall}.within(most)
	v.FPS = max(1, min(v.FPS, most.FPS/layers))
	return v.size()
}
