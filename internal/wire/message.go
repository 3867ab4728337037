package wire

import (
	"encoding/binary"

	"github.com/sanix-darker/s2c/cipher/hello"
)

// MaxMessage is the size in bytes of the longest message.
const MaxMessage = 4096

// maxText is how many bytes of an Error's text are kept.
const maxText = 200

// A Message goes between a member and the hub, reliably and in order.
type Message interface {
	// Append appends the encoding of the message to b.
	Append(b []byte) []byte
}

// The types of messages. The values are part of the protocol.
const (
	typeJoin    = 0x01
	typeForward = 0x02
	typeLeave   = 0x03
	typeResume  = 0x04
	typeWatch   = 0x05
	typeSealed  = 0x40
	typeAck     = 0x41
	typeJoined  = 0x81
	typePeer    = 0x82
	typeGone    = 0x83
	typeFrom    = 0x84
	typeError   = 0x85
	typeLayers  = 0x86
	typeResumed = 0x87
	typeAway    = 0x88
)

// CapResume is the bit of Join.Caps that says that the member knows Resume,
// Resumed, Away and Ack.
const CapResume = 1 << 0

// Join asks to enter the session that the Hello names.
type Join struct {
	Hello []byte // see package hello
	Cert  []byte // see package hello
	Door  []byte // empty, or the proof of a door token
	Caps  uint32 // CapResume; the other bits are reserved, 0
}

// Forward carries a pair message to another member.
type Forward struct{ Pair []byte }

// Leave says that the member goes of its own will.
type Leave struct{}

// Joined answers a Join. Peers Peer messages follow, one for each member who
// is there already.
type Joined struct {
	Slot  uint16   // the member's own slot
	Token [32]byte // for Resume; zero if the hub does not keep a place
	Peers uint16
}

// Resume asks, as the first message of a connection, for the place that the
// member had over another one. Received counts the messages of the hub that
// came there, and over those before it.
type Resume struct {
	Token    [32]byte // of Joined; a secret
	Received uint64
}

// Resumed answers a Resume. Received counts the messages of the member that came
// to the hub. Those on both sides that did not come follow, in order.
type Resumed struct{ Received uint64 }

// Ack says how many messages have come since Joined, so that the other end need
// not keep them for a Resume. What counts is every message but Join, Joined,
// Resume, Resumed, Leave, Error and Ack.
type Ack struct{ Received uint64 }

// Away tells that a member's connection is broken and its place is kept for
// some time, or that it is back.
type Away struct {
	Slot uint16
	Hash hello.Hash
	Away bool
}

// Peer tells of a member: after Joined of those who are there, later of those
// who join.
type Peer struct {
	Slot  uint16
	Hello []byte
	Cert  []byte
}

// Gone tells that a member has left.
type Gone struct {
	Slot uint16
	Hash hello.Hash
}

// From carries a pair message from another member.
type From struct{ Pair []byte }

// Sealed carries a sealed packet that must not be lost, such as a chat line: to
// the hub, and from it unchanged to everybody else in the session.
type Sealed struct{ Packet []byte }

// An ErrorCode says why a hub ends a connection. The values are part of the
// protocol.
type ErrorCode uint8

// The codes.
const (
	CodeProtocol    ErrorCode = 1 // the member sent something unexpected
	CodeVersion     ErrorCode = 2 // another version of s2c
	CodeHubFull     ErrorCode = 3 // the hub takes no more members
	CodeSessionFull ErrorCode = 4 // the session takes no more members
	CodeClosing     ErrorCode = 5 // the hub is shutting down
	CodeSlow        ErrorCode = 6 // the member does not read, or does not ask to join in time
	CodeDenied      ErrorCode = 7 // not on the hub's list, or without its door token
	CodeExpired     ErrorCode = 8 // there is no such place to resume, or not any more
	CodeTooMany     ErrorCode = 9 // too many come from the member's address
)

// Error ends a connection.
type Error struct {
	Code ErrorCode
	Text string // at most 200 bytes; not yet cleaned for a terminal
}

// Append implements Message.
func (m Join) Append(b []byte) []byte {
	b = append(b, typeJoin)
	b = appendVector(b, m.Hello)
	b = appendVector(b, m.Cert)
	b = appendVector(b, m.Door)
	return binary.BigEndian.AppendUint32(b, m.Caps)
}

// Append implements Message.
func (m Forward) Append(b []byte) []byte { return append(append(b, typeForward), m.Pair...) }

// Append implements Message.
func (Leave) Append(b []byte) []byte { return append(b, typeLeave) }

// Append implements Message.
func (m Joined) Append(b []byte) []byte {
	b = binary.BigEndian.AppendUint16(append(b, typeJoined), m.Slot)
	b = append(b, m.Token[:]...)
	return binary.BigEndian.AppendUint16(b, m.Peers)
}

// Append implements Message.
func (m Resume) Append(b []byte) []byte {
	b = append(append(b, typeResume), m.Token[:]...)
	return binary.BigEndian.AppendUint64(b, m.Received)
}

// Append implements Message.
func (m Resumed) Append(b []byte) []byte {
	return binary.BigEndian.AppendUint64(append(b, typeResumed), m.Received)
}

// Append implements Message.
func (m Ack) Append(b []byte) []byte {
	return binary.BigEndian.AppendUint64(append(b, typeAck), m.Received)
}

// Append implements Message.
func (m Away) Append(b []byte) []byte {
	b = binary.BigEndian.AppendUint16(append(b, typeAway), m.Slot)
	b = append(b, m.Hash[:]...)
	if m.Away {
		return append(b, 1)
	}
	return append(b, 0)
}

// Append implements Message.
func (m Peer) Append(b []byte) []byte {
	b = binary.BigEndian.AppendUint16(append(b, typePeer), m.Slot)
	return appendVector(appendVector(b, m.Hello), m.Cert)
}

// Append implements Message.
func (m Gone) Append(b []byte) []byte {
	b = binary.BigEndian.AppendUint16(append(b, typeGone), m.Slot)
	return append(b, m.Hash[:]...)
}

// Append implements Message.
func (m From) Append(b []byte) []byte { return append(append(b, typeFrom), m.Pair...) }

// Append implements Message.
func (m Sealed) Append(b []byte) []byte { return append(append(b, typeSealed), m.Packet...) }

// Append implements Message.
func (m Error) Append(b []byte) []byte {
	return append(append(b, typeError, byte(m.Code)), m.Text[:min(len(m.Text), maxText)]...)
}

// ParseMessage decodes one message. The result aliases b.
func ParseMessage(b []byte) (Message, error) {
	if len(b) == 0 || len(b) > MaxMessage {
		return nil, ErrMalformed
	}
	r := reader{b: b[1:]}
	var m Message
	switch b[0] {
	case typeJoin:
		m = Join{Hello: r.vector(), Cert: r.vector(), Door: r.vector(), Caps: r.uint32()}
	case typeForward:
		m = Forward{Pair: r.rest()}
	case typeLeave:
		m = Leave{}
	case typeJoined:
		m = Joined{Slot: r.uint16(), Token: r.array32(), Peers: r.uint16()}
	case typeResume:
		m = Resume{Token: r.array32(), Received: r.uint64()}
	case typeResumed:
		m = Resumed{Received: r.uint64()}
	case typeAck:
		m = Ack{Received: r.uint64()}
	case typeAway:
		a := Away{Slot: r.uint16(), Hash: r.array32()}
		flag := r.uint8()
		a.Away, r.failed = flag == 1, r.failed || flag > 1
		m = a
	case typePeer:
		m = Peer{Slot: r.uint16(), Hello: r.vector(), Cert: r.vector()}
	case typeGone:
		m = Gone{Slot: r.uint16(), Hash: r.array32()}
	case typeFrom:
		m = From{Pair: r.rest()}
	case typeSealed:
		m = Sealed{Packet: r.rest()}
		r.failed = r.failed || len(b)-1 > MaxDatagram
	case typeWatch:
		m = parseWatch(&r)
	case typeLayers:
		m = parseLayers(&r)
	case typeError:
		m = Error{Code: ErrorCode(r.uint8()), Text: string(r.rest())}
		r.failed = r.failed || len(b)-2 > maxText
	default:
		return nil, ErrMalformed
	}
	if r.failed || len(r.b) > 0 {
		return nil, ErrMalformed
	}
	return m, nil
}

// PairHead is the size in bytes of what starts a pair message.
const PairHead = 1 + 32 + 32

// ParsePair returns from whom and to whom a pair message goes, which is all
// that a hub reads of it.
func ParsePair(b []byte) (from, to hello.Hash, err error) {
	if len(b) < PairHead {
		return from, to, ErrMalformed
	}
	copy(from[:], b[1:])
	copy(to[:], b[33:])
	return from, to, nil
}

func appendVector(b, v []byte) []byte {
	return append(binary.BigEndian.AppendUint16(b, uint16(len(v))), v...)
}

// A reader takes a message apart. After the first shortfall it yields zeros
// and failed is set.
type reader struct {
	b      []byte
	failed bool
}

func (r *reader) take(n int) []byte {
	if len(r.b) < n {
		r.failed, r.b = true, nil
		return nil
	}
	v := r.b[:n:n]
	r.b = r.b[n:]
	return v
}

func (r *reader) uint8() uint8 {
	if v := r.take(1); v != nil {
		return v[0]
	}
	return 0
}

func (r *reader) uint16() uint16 {
	if v := r.take(2); v != nil {
		return binary.BigEndian.Uint16(v)
	}
	return 0
}

func (r *reader) uint32() uint32 {
	if v := r.take(4); v != nil {
		return binary.BigEndian.Uint32(v)
	}
	return 0
}

func (r *reader) uint64() uint64 {
	if v := r.take(8); v != nil {
		return binary.BigEndian.Uint64(v)
	}
	return 0
}

func (r *reader) array32() (a [32]byte) {
	copy(a[:], r.take(32))
	return a
}

func (r *reader) vector() []byte { return r.take(int(r.uint16())) }

func (r *reader) rest() []byte { return r.take(len(r.b)) }
