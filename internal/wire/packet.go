package wire

import "github.com/sanix-darker/s2c/cipher/sframe"

// MaxDatagram is the size in bytes of the largest sealed packet: 1,200 bytes
// of UDP less the 29 of the hop and 3 of its frame.
const MaxDatagram = 1200 - 29 - 3

// MaxPlain is how many bytes fit into a packet before it is sealed: MaxDatagram
// less the clear byte, the SFrame header (1 + 3 + 4) and the tag.
const MaxPlain = MaxDatagram - 1 - 8 - 16

// A Kind says what a packet carries, so that a hub can choose what to drop.
// The values are part of the protocol.
type Kind uint8

// The kinds.
const (
	KindControl Kind = 0 // heartbeats and requests between members
	KindVoice   Kind = 1
	KindVideo   Kind = 2 // a picture that needs another one
	KindKey     Kind = 3 // a picture that stands alone
	kinds       Kind = 4
)

// A Clear is the first byte of a sealed packet, the only thing besides the
// SFrame header that a hub reads: version (2 bits), kind (3), layer (3).
type Clear uint8

// NewClear returns the clear byte for a kind and a layer from 0 to 7.
func NewClear(k Kind, layer uint8) Clear { return Clear(k&7)<<3 | Clear(layer&7) }

// Kind returns what the packet carries.
func (c Clear) Kind() Kind { return Kind(c >> 3 & 7) }

// Layer returns the layer of a packet with pictures, below MaxLayers: the hub
// forwards it to those who are to get this layer. It is 0 in all others but those with
// a voice, which have LayerQuiet there or 0.
func (c Clear) Layer() uint8 { return uint8(c & 7) }

// LayerQuiet is in the place of the layer of a voice packet in which nobody speaks.
// It is told in sessions of more than FloorFrom members only, where the hub has to
// choose who is heard, and for whole seconds; else it would be known who speaks when.
const LayerQuiet = 1

// FloorFrom is how many members a session has at most in which everybody is heard.
const FloorFrom = 10

// Quiet reports whether a packet has a voice in which nobody speaks.
func (c Clear) Quiet() bool { return c.Kind() == KindVoice && c&LayerQuiet != 0 }

// A Packet is what can be read of a sealed packet without a key.
type Packet struct {
	Clear  Clear
	KID    sframe.KID
	CTR    uint64 // counts the packets of this KID
	Header int    // bytes before the sealed part
}

// ParsePacket decodes the clear part of a sealed packet.
func ParsePacket(b []byte) (Packet, error) {
	if len(b) < 2 || len(b) > MaxDatagram {
		return Packet{}, ErrMalformed
	}
	c := Clear(b[0])
	if c>>6 != 0 || c.Kind() >= kinds {
		return Packet{}, ErrMalformed
	}
	kid, ctr, n, err := sframe.ParseHeader(b[1:])
	if err != nil {
		return Packet{}, ErrMalformed
	}
	return Packet{Clear: c, KID: kid, CTR: ctr, Header: 1 + n}, nil
}
