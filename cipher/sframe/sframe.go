// Package sframe reads and writes the clear header of a sealed packet, as RFC
// 9605 (SFrame) defines it, and the key id that s2c puts in it.
//
// It holds no key and can open nothing, so that a hub may use it to see whose
// packet it forwards.
package sframe

import "errors"

// MaxHeader is the size in bytes of the longest header.
const MaxHeader = 17

// ErrHeader is returned for a header that is cut short or not encoded in the
// fewest bytes.
var ErrHeader = errors.New("malformed SFrame header")

// A Stream says which of a member's streams a packet belongs to. The values
// are part of the protocol.
type Stream uint8

// The streams.
const (
	StreamControl Stream = 0 // heartbeats and requests between members
	StreamVoice   Stream = 1
	StreamVideo   Stream = 2 // the largest pictures that anybody looks at
	StreamScreen  Stream = 3 // reserved
	StreamChat    Stream = 4
	StreamVideo1  Stream = 5 // smaller ones, for those who show them smaller
	StreamVideo2  Stream = 6 // and the smallest
	Streams              = 7 // how many there are
)

// MaxSlot is the largest slot that a KID can name.
const MaxSlot = 4095

// maxKID bounds what s2c sends: 12 bits of slot, 4 of stream, 4 + 4 of key.
const maxKID = 1<<24 - 1

// A KID names the key of a packet: the slot of the member who sealed it, the
// stream, and the low four bits of the key's generation and ratchet step.
type KID uint32

// NewKID returns the KID of a key. Only the low four bits of gen and step are
// used.
func NewKID(slot uint16, stream Stream, gen, step uint32) KID {
	return KID(slot)<<12 | KID(stream&15)<<8 | KID(gen&15)<<4 | KID(step&15)
}

// Slot returns the slot of the member who sealed the packet.
func (k KID) Slot() uint16 { return uint16(k >> 12) }

// Stream returns the stream that the packet belongs to.
func (k KID) Stream() Stream { return Stream(k >> 8 & 15) }

// Gen returns the low four bits of the generation of the key.
func (k KID) Gen() uint32 { return uint32(k >> 4 & 15) }

// Step returns the low four bits of the ratchet step of the key.
func (k KID) Step() uint32 { return uint32(k & 15) }

// AppendHeader appends the header for kid and ctr to b, in the fewest bytes
// (RFC 9605, section 4.3). Any kid is encoded, as the RFC's vectors ask.
func AppendHeader(b []byte, kid, ctr uint64) []byte {
	i := len(b)
	b = append(b, 0)
	b, k := appendField(b, kid)
	b, c := appendField(b, ctr)
	b[i] = k<<4 | c
	return b
}

// appendField appends the bytes of v that do not fit into its half of the
// config byte, and returns that half.
func appendField(b []byte, v uint64) ([]byte, byte) {
	if v < 8 {
		return b, byte(v)
	}
	n := size(v)
	for i := n - 1; i >= 0; i-- {
		b = append(b, byte(v>>(8*i)))
	}
	return b, 8 | byte(n-1)
}

// Parse decodes the header at the start of b and returns how many bytes it
// takes. It refuses encodings that are not the shortest.
func Parse(b []byte) (kid, ctr uint64, n int, err error) {
	if len(b) == 0 {
		return 0, 0, 0, ErrHeader
	}
	n = 1
	if kid, n, err = parseField(b, n, b[0]>>4); err != nil {
		return 0, 0, 0, err
	}
	if ctr, n, err = parseField(b, n, b[0]&15); err != nil {
		return 0, 0, 0, err
	}
	return kid, ctr, n, nil
}

func parseField(b []byte, n int, half byte) (v uint64, next int, err error) {
	if half < 8 {
		return uint64(half), n, nil
	}
	l := int(half&7) + 1
	if len(b) < n+l {
		return 0, 0, ErrHeader
	}
	for _, x := range b[n : n+l] {
		v = v<<8 | uint64(x)
	}
	if v < 8 || size(v) != l {
		return 0, 0, ErrHeader
	}
	return v, n + l, nil
}

// ParseHeader is Parse for the key ids that s2c sends; it refuses others.
func ParseHeader(b []byte) (kid KID, ctr uint64, n int, err error) {
	k, ctr, n, err := Parse(b)
	if err != nil {
		return 0, 0, 0, err
	}
	if k > maxKID {
		return 0, 0, 0, ErrHeader
	}
	return KID(k), ctr, n, nil
}

// size returns how many bytes v takes.
func size(v uint64) int {
	n := 1
	for v > 0xff {
		v >>= 8
		n++
	}
	return n
}
