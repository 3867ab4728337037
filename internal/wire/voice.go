package wire

import "encoding/binary"

// VoiceUnit is what Voice.Index counts, in milliseconds.
const VoiceUnit = 10

// Voice is the payload of a voice packet: one Opus packet, and copies of some
// that were sent before.
type Voice struct {
	Index    uint16 // counts 10 ms of the sender's microphone, spoken or muted, modulo 2^16
	Time     Millis // when the first sample was captured
	Level    uint8  // how loud it is, in dB below full scale: 0 to 127; as in RFC 6464
	Speaking bool   // the sender takes it for speech; likewise

	// Held says that the sender kept the packet back on purpose: it is what was
	// said just before a key was pressed to speak. Its lateness says nothing of
	// the network.
	Held bool

	Copies [MaxCopies]VoiceCopy // the first N are in use
	N      int
	Opus   []byte // not empty
}

// A VoiceCopy is an Opus packet that was sent before.
type VoiceCopy struct {
	Before uint8  // by how much its index is lower, from 1
	Opus   []byte // not empty
}

// MaxCopies is how many copies a Voice has at most.
const MaxCopies = 2

// The sizes in bytes of what comes before the copies, and before a copy.
const (
	voiceHead = 2 + 4 + 1 + 1
	copyHead  = 1 + 2
)

// What Voice has in bits: Level shares its byte with voiceSpeaking, N with
// voiceHeld.
const (
	voiceSpeaking = 1 << 7
	voiceLevel    = voiceSpeaking - 1
	voiceHeld     = 1 << 7
)

// Add adds a copy if there is room for it.
func (v *Voice) Add(c VoiceCopy) {
	size := voiceHead + len(v.Opus) + copyHead + len(c.Opus)
	for _, x := range v.Copies[:v.N] {
		size += copyHead + len(x.Opus)
	}
	if v.N < MaxCopies && size <= MaxPlain {
		v.Copies[v.N] = c
		v.N++
	}
}

// Append appends the encoding of v to b.
func (v *Voice) Append(b []byte) []byte {
	b = binary.BigEndian.AppendUint16(b, v.Index)
	b = binary.BigEndian.AppendUint32(b, uint32(v.Time))
	level, n := min(v.Level, voiceLevel), uint8(v.N)
	if v.Speaking {
		level |= voiceSpeaking
	}
	if v.Held {
		n |= voiceHeld
	}
	b = append(b, level, n)
	for _, c := range v.Copies[:v.N] {
		b = binary.BigEndian.AppendUint16(append(b, c.Before), uint16(len(c.Opus)))
		b = append(b, c.Opus...)
	}
	return append(b, v.Opus...)
}

// ParseVoice decodes the payload of a voice packet. The result aliases b.
func ParseVoice(b []byte) (v Voice, err error) {
	r := reader{b: b}
	v.Index, v.Time = r.uint16(), Millis(r.uint32())
	level, n := r.uint8(), r.uint8()
	v.Level, v.Speaking = level&voiceLevel, level&voiceSpeaking != 0
	v.Held, v.N = n&voiceHeld != 0, int(n&^voiceHeld)
	if r.failed || v.N > MaxCopies {
		return Voice{}, ErrMalformed
	}
	for i := range v.N {
		c := &v.Copies[i]
		c.Before = r.uint8()
		c.Opus = r.vector()
		if c.Before == 0 || len(c.Opus) == 0 {
			return Voice{}, ErrMalformed
		}
	}
	v.Opus = r.b
	if r.failed || len(v.Opus) == 0 {
		return Voice{}, ErrMalformed
	}
	return v, nil
}
