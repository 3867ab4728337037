package hubload

import (
	"encoding/binary"
	"time"
)

// A Packet is what a member finds again of a packet that another one has sent.
type Packet struct {
	Picture bool          // else it is voice
	Number  uint32        // those of a kind of a member follow each other, from 0
	Sent    time.Duration // when, by the clock of the Load
	Round   uint8         // of sending
}

// packetSize is the size in bytes of an encoded Packet.
const packetSize = 16

// Append appends the encoding of p to b: round u8, kind u8, 0 u16, number u32, and
// when it was sent u64 in nanoseconds.
func (p *Packet) Append(b []byte) []byte {
	kind := byte(0)
	if p.Picture {
		kind = 1
	}
	b = append(b, p.Round, kind, 0, 0)
	b = binary.BigEndian.AppendUint32(b, p.Number)
	return binary.BigEndian.AppendUint64(b, uint64(p.Sent))
}

// Parse decodes a Packet at the start of b. It reports false when there is none.
func (p *Packet) Parse(b []byte) bool {
	if len(b) < packetSize || b[1] > 1 {
		return false
	}
	p.Round, p.Picture = b[0], b[1] == 1
	p.Number = binary.BigEndian.Uint32(b[4:])
	p.Sent = time.Duration(binary.BigEndian.Uint64(b[8:]))
	return true
}

// kind returns the index of what is kept for voice and for pictures.
func (p *Packet) kind() int {
	if p.Picture {
		return video
	}
	return voice
}

// The kinds of packets.
const (
	voice = iota
	video
	kinds
)

// A sender is what a member knows of another one.
type sender [kinds]seen

// seen has the numbers of packets that have come: for each of the 64 up to newest
// a bit, the lowest of which is newest's. Older ones come too late anyway.
type seen struct {
	any    bool
	newest uint32
	bits   uint64
}

// add reports whether a number comes for the first time.
func (s *seen) add(number uint32) bool {
	ahead := int32(number - s.newest)
	switch {
	case !s.any:
		*s = seen{any: true, newest: number, bits: 1}
		return true
	case ahead > 0:
		s.newest, s.bits = number, s.bits<<ahead|1
		return true
	case -ahead >= 64:
		return false
	}
	bit := uint64(1) << -ahead
	first := s.bits&bit == 0
	s.bits |= bit
	return first
}
