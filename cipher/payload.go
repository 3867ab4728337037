package cipher

import (
	"bytes"
	"encoding/binary"

	"github.com/sanix-darker/s2c/cipher/cpace"
)

// What a box holds starts with its kind. The values are part of the protocol.
//
//	1 keyState   slot u16 | gen u32 | step u32 | base key [64] | name u8 length, bytes
//	2 keyAck     gen u32
//	3 keyRequest
//	4 commit     roster [32] | commitment [32]
//	5 reveal     roster [32] | nonce [32]
//	7 bye        reason u8
//	8 share      CPace share [32] | in M2 a box
const (
	payloadKeyState   = 1
	payloadKeyAck     = 2
	payloadKeyRequest = 3
	payloadCommit     = 4
	payloadReveal     = 5
	payloadBye        = 7
	payloadShare      = 8
)

// A keyState is what a member tells another of a key.
type keyState struct {
	slot uint16
	generation
	name string
}

const (
	keyStateHead = 1 + 2 + 4 + 4 + baseLen + 1
	maxKeyState  = keyStateHead + maxName
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

// A keyAck says that a generation has arrived.
type keyAck struct{ gen uint32 }

func (k keyAck) encode() []byte {
	return binary.BigEndian.AppendUint32([]byte{payloadKeyAck}, k.gen)
}

// A keyRequest asks for the key that a peer seals with.
type keyRequest struct{}

func (keyRequest) encode() []byte { return []byte{payloadKeyRequest} }

// A commit holds its sender to the nonce of the reveal that will follow.
type commit struct{ roster, commitment [32]byte }

func (c commit) encode() []byte {
	return append(append([]byte{payloadCommit}, c.roster[:]...), c.commitment[:]...)
}

// A reveal is the nonce that its sender puts into the code of a roster.
type reveal struct{ roster, nonce [32]byte }

func (r reveal) encode() []byte {
	return append(append([]byte{payloadReveal}, r.roster[:]...), r.nonce[:]...)
}

// A bye says that its sender shares nothing with its receiver any more.
type bye struct{ reason byte }

// The reasons of a bye.
const (
	byeLeaving = 0 // the sender leaves the session
	byeRemoved = 1 // the receiver is sent away
	byeExpired = 2 // the receiver did not answer in time
)

func (g bye) encode() []byte { return []byte{payloadBye, g.reason} }

// parsePayload decodes what the box of a message after the handshake holds.
func parsePayload(b []byte) (any, error) {
	if len(b) == 0 {
		return nil, ErrMalformed
	}
	kind, body := b[0], b[1:]
	switch {
	case kind == payloadKeyState:
		return parseKeyState(b)
	case kind == payloadKeyAck && len(body) == 4:
		return keyAck{binary.BigEndian.Uint32(body)}, nil
	case kind == payloadKeyRequest && len(body) == 0:
		return keyRequest{}, nil
	case kind == payloadCommit && len(body) == 64:
		return commit{[32]byte(body), [32]byte(body[32:])}, nil
	case kind == payloadReveal && len(body) == 64:
		return reveal{[32]byte(body), [32]byte(body[32:])}, nil
	case kind == payloadBye && len(body) == 1 && body[0] <= byeExpired:
		return bye{body[0]}, nil
	}
	return nil, ErrMalformed
}

// parseShare decodes a share payload and returns what follows the share.
func parseShare(b []byte) (share, rest []byte, err error) {
	if len(b) < 1+cpace.ShareSize || b[0] != payloadShare {
		return nil, nil, ErrMalformed
	}
	return b[1 : 1+cpace.ShareSize], b[1+cpace.ShareSize:], nil
}
