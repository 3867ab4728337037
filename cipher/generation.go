package cipher

import (
	"bytes"
	"encoding/binary"

	"github.com/sanix-darker/s2c/cipher/sframe"
)

// baseLen is the size in bytes of a base key, the hash length of suite 5.
const baseLen = 64

// A generation is a key that one member seals with, from which the keys of
// that member's streams are derived.
type generation struct {
	gen  uint32
	step uint32
	base secret
}

// kid returns the key id of a stream sealed with g by the member in a slot.
func (g *generation) kid(slot uint16, stream sframe.Stream) sframe.KID {
	return sframe.NewKID(slot, stream, g.gen, g.step)
}

// A keyState is what a member tells another in the box of a pair message:
//
//	type u8 = 1 | slot u16 | gen u32 | step u32 | base key [64] | name u8 length, bytes
type keyState struct {
	slot uint16
	generation
	name string
}

const (
	payloadKeyState = 1
	keyStateHead    = 1 + 2 + 4 + 4 + baseLen + 1
	maxKeyState     = keyStateHead + maxName
)

// append appends the encoding of k to b. The result holds a key: the caller
// clears it.
func (k *keyState) append(b []byte) []byte {
	b = binary.BigEndian.AppendUint16(append(b, payloadKeyState), k.slot)
	b = binary.BigEndian.AppendUint32(b, k.gen)
	b = binary.BigEndian.AppendUint32(b, k.step)
	b = append(b, k.base.bytes()...)
	return append(append(b, byte(len(k.name))), k.name...)
}

// parseKeyState decodes a keyState. The result does not alias b.
func parseKeyState(b []byte) (keyState, error) {
	if len(b) < keyStateHead || b[0] != payloadKeyState {
		return keyState{}, ErrMalformed
	}
	n := int(b[keyStateHead-1])
	if n > maxName || len(b) != keyStateHead+n {
		return keyState{}, ErrMalformed
	}
	return keyState{
		slot: binary.BigEndian.Uint16(b[1:]),
		generation: generation{
			gen:  binary.BigEndian.Uint32(b[3:]),
			step: binary.BigEndian.Uint32(b[7:]),
			base: newSecret(bytes.Clone(b[11 : 11+baseLen])),
		},
		name: string(b[keyStateHead:]),
	}, nil
}
