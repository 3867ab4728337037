package wire

import (
	"encoding/binary"
	"math"
	"math/bits"

	"github.com/sanix-darker/s2c/cipher/sframe"
)

// NackPackets is how many packets one Nack can ask for.
const NackPackets = 64

// nackSize is the size in bytes of a Nack.
const nackSize = 1 + 3 + 8 + 8

// typeNack is the first byte of a Nack. Its top two bits, the version of a
// sealed packet, are those of no sealed packet: such a datagram is for the hub
// itself.
const typeNack = 0x40

// A Nack asks the hub for packets with pictures of another member that did not
// arrive. It is a datagram of its own, not sealed: it says nothing that the hub
// does not know.
type Nack struct {
	KID   sframe.KID // of a video stream
	First uint64     // CTR of the first packet
	Bits  uint64     // bit i: the packet First + i; bit 0 is set
}

// Count returns how many packets n asks for.
func (n Nack) Count() int { return bits.OnesCount64(n.Bits) }

// Append appends the encoding of n to b.
func (n Nack) Append(b []byte) []byte {
	b = append(b, typeNack, byte(n.KID>>16), byte(n.KID>>8), byte(n.KID))
	b = binary.BigEndian.AppendUint64(b, n.First)
	return binary.BigEndian.AppendUint64(b, n.Bits)
}

// IsNack reports whether a datagram is for the hub itself, though maybe of a
// later version: ParseNack says.
func IsNack(b []byte) bool { return len(b) > 0 && b[0]>>6 == typeNack>>6 }

// ParseNack decodes a datagram for which IsNack reports true.
func ParseNack(b []byte) (Nack, error) {
	if len(b) != nackSize || b[0] != typeNack {
		return Nack{}, ErrMalformed
	}
	n := Nack{
		KID:   sframe.KID(uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])),
		First: binary.BigEndian.Uint64(b[4:]),
		Bits:  binary.BigEndian.Uint64(b[12:]),
	}
	if _, ok := LayerOf(n.KID.Stream()); !ok || n.Bits&1 == 0 || n.First > math.MaxUint64-NackPackets {
		return Nack{}, ErrMalformed
	}
	return n, nil
}
