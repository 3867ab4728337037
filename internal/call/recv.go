package call

import (
	"errors"
	"time"

	"github.com/sanix-darker/s2c/cipher"
	"github.com/sanix-darker/s2c/cipher/sframe"
	"github.com/sanix-darker/s2c/internal/audio"
	"github.com/sanix-darker/s2c/internal/media"
	"github.com/sanix-darker/s2c/internal/queue"
	"github.com/sanix-darker/s2c/internal/wire"
)

// recvLoop opens packets and hands them on. What does not authenticate, or is
// malformed inside, is dropped: a hub or a member can send anything. It returns
// when the connection ends; readLoop says why.
func (c *Call) recvLoop(l *link) {
	var buf [wire.MaxDatagram]byte
	var plain [wire.MaxDatagram]byte
	for {
		n, err := l.conn.RecvDatagram(buf[:])
		if err != nil {
			return
		}
		if wire.IsSkip(buf[:n]) {
			c.takeSkip(buf[:n], time.Now())
			continue
		}
		b, from, err := l.keys.Open(plain[:0], buf[:n])
		if err != nil {
			if !errors.Is(err, cipher.ErrReplay) {
				c.stray.Add(1)
			}
			continue
		}
		m := c.member(from.Slot)
		p, err := wire.ParsePacket(buf[:n])
		if m == nil || err != nil {
			c.stray.Add(1)
			continue
		}
		m.came.Add(uint64(n))
		c.take(l, m, p, b, time.Now())
	}
}

// take hands the payload of an authentic packet, whose clear part is from, to
// whom it concerns.
func (c *Call) take(l *link, m *member, from wire.Packet, b []byte, now time.Time) {
	switch stream := from.KID.Stream(); stream {
	case sframe.StreamVoice:
		m.count(0, from, false, now)
		if v, err := wire.ParseVoice(b); err == nil {
			m.takeVoice(&v, now)
		}
	case sframe.StreamVideo, sframe.StreamVideo1, sframe.StreamVideo2:
		layer, _ := wire.LayerOf(stream)
		m.count(1, from, c.noteVideo(l, m, from.KID, from.CTR, now), now)
		for len(b) > 0 {
			p, rest, err := wire.ParsePart(b)
			if err != nil {
				return
			}
			if p, ok := m.parts.add(layer, p); ok {
				m.backlog.put(p)
			}
			b = rest
		}
	case sframe.StreamControl:
		c.control(l, m, b, now)
	default: // of a later version
	}
}

// takeSkip takes the hub's word for what it has left out. Of pictures what comes next
// can only be decoded if the sender is asked for it.
func (c *Call) takeSkip(b []byte, now time.Time) {
	s, err := wire.ParseSkip(b)
	if err != nil {
		c.stray.Add(1)
		return
	}
	m := c.member(s.KID.Slot())
	if m == nil {
		c.stray.Add(1)
		return
	}
	m.skip(s, now)
	if s.KID.Stream() == sframe.StreamVoice {
		return
	}
	if m.gaps.skip(s, now) {
		wake(c.outbox.lost)
	}
	m.patience.Store(0)
}

// takeVoice takes a voice packet of m and the copies in it.
func (m *member) takeVoice(v *wire.Voice, now time.Time) {
	age := wire.NewMillis(now).Sub(v.Time)
	if v.Bundle {
		m.takeBundle(v, age, now)
	} else {
		m.takeCopies(v, age, now)
	}
	if !v.Held {
		m.said.take(v, now)
		m.tide.take(age, now)
	}
}

// takeCopies takes a voice packet of m with copies of some that were sent before.
func (m *member) takeCopies(v *wire.Voice, age time.Duration, now time.Time) {
	m.voice.Put(now, audio.Packet{Index: v.Index, Age: age, Opus: v.Opus, Held: v.Held})
	for _, x := range v.Copies[:v.N] {
		before := time.Duration(x.Before) * media.ChunkTime
		if span, err := audio.PacketTime(x.Opus); err == nil {
			m.voice.Put(now, audio.Packet{
				Index: v.Index - uint16(x.Before), Age: age + before, Opus: x.Opus,
				Behind: uint8((before + span - 1) / span),
			})
		}
	}
}

// control takes what a member says in a control packet.
func (c *Call) control(l *link, m *member, b []byte, now time.Time) {
	p, err := wire.ParseControl(b)
	if err != nil {
		return
	}
	switch p := p.(type) {
	case wire.Heartbeat:
		if m.takeBeat(p, now) {
			c.touch()
		}
	case wire.Hand:
		c.takeHand(m, p, now)
	case wire.PictureRequest:
		m.hear(now)
		switch {
		case p.Slot != l.slot:
		case p.None && m.isNew(now):
			c.want[p.Layer].newcomer() // who may have lost the first picture of all
		case p.None:
			c.want[p.Layer].key()
		default:
			c.want[p.Layer].refer(p.Have)
		}
	case wire.LossReport:
		m.hear(now)
		for _, x := range p.Of() {
			if x.Slot == l.slot {
				m.takeLoss(x, now)
			}
		}
	}
}

// askPictures queues the requests that are due.
func (c *Call) askPictures(now time.Time) {
	var buf [8]byte
	for _, m := range *c.members.Load() {
		if r, ok := m.dueRequest(now); ok {
			c.outbox.put(now, queue.Control, sframe.StreamControl, wire.NewClear(wire.KindControl, 0), r.Append(buf[:0]))
		}
	}
}
