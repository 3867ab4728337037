package wire

import (
	"encoding/binary"
	"time"
)

// Millis is a time on the wire: milliseconds of the sender's clock since 1970,
// modulo 2^32.
type Millis uint32

// NewMillis returns t as it goes on the wire.
func NewMillis(t time.Time) Millis { return Millis(uint64(t.UnixMilli())) }

// Sub returns how much later t is than u, right when they are less than 24
// days apart.
func (t Millis) Sub(u Millis) time.Duration {
	return time.Duration(int32(t-u)) * time.Millisecond
}

// A Part is a piece of a compressed picture. A video packet carries one or
// more of them, not all of the same picture.
type Part struct {
	ID    uint16 // of the picture, counting modulo 2^16
	Ref   uint16 // of the picture it is predicted from; equal to ID in a key picture
	Time  Millis // when the picture was captured
	Part  uint8  // which piece this is, from 0
	Parts uint8  // how many pieces the picture has, from 1
	Tall  bool   // the picture's pixels are twice as high as wide
	Data  []byte
}

// tallPart is set in the length of a Part that is Tall: no length is as much.
const tallPart = 1 << 15

// PartHead is the size in bytes of what comes before a Part's data.
const PartHead = 2 + 2 + 2 + 4 + 1 + 1

// MaxPart is how many bytes of a picture fit into a packet of its own.
const MaxPart = MaxPlain - PartHead

// Append appends the encoding of p to b.
func (p Part) Append(b []byte) []byte {
	n := uint16(len(p.Data))
	if p.Tall {
		n |= tallPart
	}
	b = binary.BigEndian.AppendUint16(b, n)
	b = binary.BigEndian.AppendUint16(b, p.ID)
	b = binary.BigEndian.AppendUint16(b, p.Ref)
	b = binary.BigEndian.AppendUint32(b, uint32(p.Time))
	return append(append(b, p.Part, p.Parts), p.Data...)
}

// ParsePart decodes the Part at the start of b and returns what follows it.
// The result aliases b.
func ParsePart(b []byte) (p Part, rest []byte, err error) {
	if len(b) < PartHead {
		return Part{}, nil, ErrMalformed
	}
	head := binary.BigEndian.Uint16(b)
	n := int(head &^ tallPart)
	p = Part{
		ID:    binary.BigEndian.Uint16(b[2:]),
		Ref:   binary.BigEndian.Uint16(b[4:]),
		Time:  Millis(binary.BigEndian.Uint32(b[6:])),
		Part:  b[10],
		Parts: b[11],
		Tall:  head&tallPart != 0,
	}
	if p.Part >= p.Parts || n > len(b)-PartHead {
		return Part{}, nil, ErrMalformed
	}
	p.Data = b[PartHead : PartHead+n : PartHead+n]
	return p, b[PartHead+n:], nil
}

// The types of control payloads. The values are part of the protocol.
const (
	typeHeartbeat      = 1
	typePictureRequest = 2
	typeLossReport     = 3
	typeHand           = 4
)

// A Control is what members tell each other in sealed packets that may be lost.
type Control interface {
	// Append appends the encoding of the payload to b.
	Append(b []byte) []byte
}

// Heartbeat says once a second how a member is.
type Heartbeat struct {
	Time   Millis
	Muted  bool     // sends no voice
	Camera bool     // sends pictures
	Deaf   bool     // plays nothing
	Thin   bool     // has a link that takes little: everybody sends what fits it
	Digest [32]byte // of the people whom the member sees; see cipher.Session
}

// PictureRequest asks a member to send a picture that can be decoded.
type PictureRequest struct {
	Slot  uint16 // of the member who is asked; others ignore it
	Have  uint16 // the newest picture that could be decoded
	None  bool   // there is none: only a key picture will do
	Layer uint8  // of the pictures, from 0 to MaxLayers-1
}

// MaxLosses is how many members one LossReport can name.
const MaxLosses = 64

// LossReport says of some members how their packets come to the member who sends
// it.
type LossReport struct {
	N      int // how many of Losses are in use, from 1
	Losses [MaxLosses]SlotLoss
}

// A SlotLoss is how one member's packets come.
type SlotLoss struct {
	Slot uint16
	Loss uint8 // share of the packets that are lost, in 1/127
	Slow bool  // they take longer and longer: something on the way cannot take as many
}

// The bits of the byte with SlotLoss.Loss and Slow.
const (
	slowBit = 1 << 7

	// MaxLoss is the Loss when all is lost.
	MaxLoss = slowBit - 1
)

// Of returns the losses in use.
func (r *LossReport) Of() []SlotLoss { return r.Losses[:r.N] }

// Append implements Control.
func (r LossReport) Append(b []byte) []byte {
	b = append(b, typeLossReport, uint8(r.N))
	for _, x := range r.Losses[:r.N] {
		loss := min(x.Loss, MaxLoss)
		if x.Slow {
			loss |= slowBit
		}
		b = append(binary.BigEndian.AppendUint16(b, x.Slot), loss)
	}
	return b
}

// Append implements Control.
func (h Heartbeat) Append(b []byte) []byte {
	b = binary.BigEndian.AppendUint32(append(b, typeHeartbeat), uint32(h.Time))
	var flags byte
	for i, set := range [...]bool{h.Muted, h.Camera, h.Deaf, h.Thin} {
		if set {
			flags |= 1 << i
		}
	}
	return append(append(b, flags), h.Digest[:]...)
}

// Append implements Control.
func (r PictureRequest) Append(b []byte) []byte {
	b = binary.BigEndian.AppendUint16(append(b, typePictureRequest), r.Slot)
	b = binary.BigEndian.AppendUint16(b, r.Have)
	var none byte
	if r.None {
		none = 1
	}
	return append(b, none, r.Layer)
}

// Hand says whether a member holds the hand up. It goes with each Heartbeat while
// it is up, and with some after that; members of before drop it.
type Hand struct {
	Up  bool
	Age uint32 // for how many ms it has been; 0 unless Up
}

// Append implements Control.
func (h Hand) Append(b []byte) []byte {
	var up byte
	if h.Up {
		up = 1
	}
	return binary.BigEndian.AppendUint32(append(b, typeHand, up), h.Age)
}

// ParseControl decodes a control payload.
func ParseControl(b []byte) (Control, error) {
	if len(b) == 0 {
		return nil, ErrMalformed
	}
	r := reader{b: b[1:]}
	var c Control
	switch b[0] {
	case typeHeartbeat:
		h := Heartbeat{Time: Millis(r.uint32())}
		f := r.uint8()
		h.Muted, h.Camera, h.Deaf, h.Thin = f&1 != 0, f&2 != 0, f&4 != 0, f&8 != 0
		r.failed = r.failed || f > 15
		h.Digest = r.array32()
		c = h
	case typePictureRequest:
		p := PictureRequest{Slot: r.uint16(), Have: r.uint16()}
		f := r.uint8()
		p.None, p.Layer = f == 1, r.uint8()
		r.failed = r.failed || f > 1 || p.Layer >= MaxLayers
		c = p
	case typeLossReport:
		l := LossReport{N: int(r.uint8())}
		if l.N < 1 || l.N > MaxLosses {
			return nil, ErrMalformed
		}
		for i := range l.N {
			slot, loss := r.uint16(), r.uint8()
			l.Losses[i] = SlotLoss{Slot: slot, Loss: loss &^ slowBit, Slow: loss&slowBit != 0}
		}
		c = l
	case typeHand:
		f := r.uint8()
		h := Hand{Up: f == 1, Age: r.uint32()}
		r.failed = r.failed || f > 1 || !h.Up && h.Age != 0
		c = h
	default:
		return nil, ErrMalformed
	}
	if r.failed || len(r.b) > 0 {
		return nil, ErrMalformed
	}
	return c, nil
}

// MaxChat is the longest text of a chat line, in bytes.
const MaxChat = 1000

// Chat is the payload of a packet of the chat stream: a line that was typed.
type Chat struct {
	Time Millis // when it was sent
	Text string // 1 to MaxChat bytes; not yet cleaned for a terminal
}

// What a payload of the chat stream starts with; other values are of a later
// version.
const (
	typeChat     = 1
	typeReaction = 2
)

// Append appends the encoding of c to b.
func (c Chat) Append(b []byte) []byte {
	b = binary.BigEndian.AppendUint32(append(b, typeChat), uint32(c.Time))
	return append(b, c.Text...)
}

// ParseChat decodes the payload of a chat packet.
func ParseChat(b []byte) (Chat, error) {
	if len(b) <= 5 || len(b) > 5+MaxChat || b[0] != typeChat {
		return Chat{}, ErrMalformed
	}
	return Chat{Time: Millis(binary.BigEndian.Uint32(b[1:])), Text: string(b[5:])}, nil
}

// MaxReaction is the longest text of a reaction, in bytes.
const MaxReaction = 16

// Reaction is another payload of the chat stream: a short text that is shown for
// some seconds. Members of before drop it.
type Reaction struct {
	Time Millis // when it was sent
	Text string // 1 to MaxReaction bytes; not yet cleaned for a terminal
}

// Append appends the encoding of r to b.
func (r Reaction) Append(b []byte) []byte {
	b = binary.BigEndian.AppendUint32(append(b, typeReaction), uint32(r.Time))
	return append(b, r.Text...)
}

// ParseReaction decodes the payload of a reaction.
func ParseReaction(b []byte) (Reaction, error) {
	if len(b) <= 5 || len(b) > 5+MaxReaction || b[0] != typeReaction {
		return Reaction{}, ErrMalformed
	}
	return Reaction{Time: Millis(binary.BigEndian.Uint32(b[1:])), Text: string(b[5:])}, nil
}
