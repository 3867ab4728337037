package transport

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"sync/atomic"
)

// A UDP packet, integers big-endian:
//
//	+---------+-------------------+-------------+------------------------+--------+
//	| type u8 | connection id u32 | counter u64 | frames, sealed         | tag 16 |
//	+---------+-------------------+-------------+------------------------+--------+
//	                                            | len u16 | kind u8 | body |
//
// The type is 0x10: with its two top bits clear it stays apart from QUIC on
// the same port, and RFC 9443 gives 16 to 19 to a protocol that s2c does not
// speak. The first 13 bytes are the additional data of AES-128-GCM and the
// counter, which starts at 1 and never repeats, is its nonce after 4 zero
// bytes. A packet has one frame or more. The keys come from the exporter of
// the TLS connection, so there is no second handshake.
const (
	maxPacket    = 1200 // UDP payload in bytes; fits any IPv6 path
	packetType   = 0x10
	packetHead   = 13
	tagSize      = 16
	sealOverhead = packetHead + tagSize // 29
	frameHead    = 3
)

// What a frame carries. A receiver passes over kinds it does not know.
const (
	frameDatagram  = 1
	frameProbe     = 2 // padding; asks the hub for a challenge
	frameChallenge = 3 // 8 random bytes, padding
	frameResponse  = 4 // the 8 bytes of the challenge, padding
	framePing      = 5 // number u64
	framePong      = 6 // the number of the ping it answers
	frameReport    = 7 // what has come, as package rate encodes it
)

const challengeSize = 8

// smallPacket is the size in bytes of a packet with one frame of 8 bytes.
const smallPacket = sealOverhead + frameHead + 8

// A sealer makes the packets of one direction. Any number of goroutines may
// use it, each with a packet of its own.
type sealer struct {
	aead    cipher.AEAD
	id      uint32
	counter atomic.Uint64 // of the newest packet
}

// A packet is the scratch that one goroutine seals into.
type packet struct {
	nonce [12]byte
	buf   [maxPacket]byte
}

// seal stores a packet with one frame in p and returns its bytes, which are
// valid until the next call. With a size in bytes above what body needs, the
// frame is padded with zeros to make the packet that large.
func (s *sealer) seal(p *packet, kind byte, body []byte, size int) []byte {
	b := append(p.buf[:0], packetType)
	b = binary.BigEndian.AppendUint32(b, s.id)
	b = binary.BigEndian.AppendUint64(b, s.counter.Add(1))
	copy(p.nonce[4:], b[5:packetHead])
	plain := appendFrame(b[packetHead:], kind, body, size-sealOverhead-frameHead)
	return s.aead.Seal(b, p.nonce[:], plain, b)
}

// sealFrames seals the n bytes of frames that are in p.buf behind room for the
// head, and returns the packet as seal does.
func (s *sealer) sealFrames(p *packet, n int) []byte {
	head := append(p.buf[:0], packetType)
	head = binary.BigEndian.AppendUint32(head, s.id)
	head = binary.BigEndian.AppendUint64(head, s.counter.Add(1))
	copy(p.nonce[4:], head[5:])
	return s.aead.Seal(head, p.nonce[:], p.buf[packetHead:packetHead+n], head)
}

// putFrameHead stores the head of a frame whose body has n bytes in b.
func putFrameHead(b []byte, kind byte, n int) {
	binary.BigEndian.PutUint16(b, uint16(n))
	b[2] = kind
}

// appendFrame appends a frame to b whose body is at least pad bytes long.
func appendFrame(b []byte, kind byte, body []byte, pad int) []byte {
	n := max(len(body), pad)
	b = binary.BigEndian.AppendUint16(b, uint16(n))
	b = append(b, kind)
	b = append(b, body...)
	return append(b, make([]byte, n-len(body))...) // compiles to no allocation
}

// parseFrame returns the first frame of b and what follows it; body is part of
// b. It reports false when b does not begin with a whole frame.
func parseFrame(b []byte) (kind byte, body, rest []byte, ok bool) {
	if len(b) < frameHead {
		return 0, nil, nil, false
	}
	n := int(binary.BigEndian.Uint16(b))
	if len(b) < frameHead+n {
		return 0, nil, nil, false
	}
	return b[2], b[frameHead : frameHead+n], b[frameHead+n:], true
}

// packetID returns the connection id of a packet. It reports false for bytes
// that cannot be one.
func packetID(b []byte) (id uint32, ok bool) {
	if len(b) < sealOverhead || len(b) > maxPacket || b[0] != packetType {
		return 0, false
	}
	return binary.BigEndian.Uint32(b[1:]), true
}

// packetCounter returns the counter of a packet.
func packetCounter(b []byte) uint64 { return binary.BigEndian.Uint64(b[5:]) }

// An opener opens the packets of one direction, each once. One goroutine uses it
// at a time.
type opener struct {
	aead   cipher.AEAD
	nonce  [12]byte
	window window
}

// open decrypts packet b, for which packetID reported true, in place and
// returns its frames. newest says that no packet with a higher counter came
// before. It reports false for packets that are forged, repeated or too old;
// those change nothing.
func (o *opener) open(b []byte) (frames []byte, newest, ok bool) {
	counter := packetCounter(b)
	if !o.window.fresh(counter) {
		return nil, false, false
	}
	copy(o.nonce[4:], b[5:packetHead])
	frames, err := o.aead.Open(b[packetHead:packetHead], o.nonce[:], b[packetHead:], b[:packetHead])
	if err != nil {
		return nil, false, false
	}
	return frames, o.window.mark(counter), true
}

// Labels of the TLS exporter (RFC 8446, section 7.5).
const (
	labelJoin = "EXPORTER-s2c-join"
	labelUDP  = "EXPORTER-s2c-udp-v1"
)

// exportBinding returns what both ends, and nobody else, know of a connection.
func exportBinding(cs *tls.ConnectionState) (binding [32]byte, err error) {
	b, err := cs.ExportKeyingMaterial(labelJoin, nil, len(binding))
	if err != nil {
		return binding, fmt.Errorf("export the binding: %w", err)
	}
	copy(binding[:], b)
	return binding, nil
}

// exportKeys returns the keys for UDP from member to hub and from hub to member.
func exportKeys(cs *tls.ConnectionState, id uint32) (toHub, toMember cipher.AEAD, err error) {
	b, err := cs.ExportKeyingMaterial(labelUDP, binary.BigEndian.AppendUint32(nil, id), 32)
	if err != nil {
		return nil, nil, fmt.Errorf("export the UDP keys: %w", err)
	}
	defer clear(b)
	if toHub, err = newAEAD(b[:16]); err != nil {
		return nil, nil, err
	}
	if toMember, err = newAEAD(b[16:]); err != nil {
		return nil, nil, err
	}
	return toHub, toMember, nil
}

// newAEAD returns AES-128-GCM with a key of 16 bytes.
func newAEAD(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}
