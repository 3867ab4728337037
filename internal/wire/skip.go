package wire

import (
	"encoding/binary"
	"math"

	"github.com/sanix-darker/s2c/cipher/sframe"
)

// SkipSize is the size in bytes of a Skip.
const SkipSize = 1 + 3 + 8 + 2

// typeSkip is the first byte of a Skip. Like that of a Nack it is that of no
// sealed packet.
const typeSkip = 0x41

// A Skip is how the hub tells a member that it has left out packets of another one:
// pictures for which the way to the member has no room, or a voice that has not got
// the floor. They were not lost,
// and the hub will not send them when it is asked. It is a datagram of its own, not
// sealed: a hub could leave them out without a word.
type Skip struct {
	KID   sframe.KID // of a video or voice stream
	First uint64     // CTR of the first packet
	Count uint16     // how many there are; at least 1
}

// Append appends the encoding of s to b.
func (s Skip) Append(b []byte) []byte {
	b = append(b, typeSkip, byte(s.KID>>16), byte(s.KID>>8), byte(s.KID))
	b = binary.BigEndian.AppendUint64(b, s.First)
	return binary.BigEndian.AppendUint16(b, s.Count)
}

// IsSkip reports whether a datagram from a hub is a Skip, as far as its type says.
func IsSkip(b []byte) bool { return len(b) > 0 && b[0] == typeSkip }

// ParseSkip decodes a datagram for which IsSkip reports true.
func ParseSkip(b []byte) (Skip, error) {
	if len(b) != SkipSize || b[0] != typeSkip {
		return Skip{}, ErrMalformed
	}
	s := Skip{
		KID:   sframe.KID(uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])),
		First: binary.BigEndian.Uint64(b[4:]),
		Count: binary.BigEndian.Uint16(b[12:]),
	}
	if _, ok := LayerOf(s.KID.Stream()); !ok && s.KID.Stream() != sframe.StreamVoice || s.Count == 0 || s.First > math.MaxUint64-math.MaxUint16 {
		return Skip{}, ErrMalformed
	}
	return s, nil
}
