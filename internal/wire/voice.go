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

	// Bundle says that the copies are no copies: these packets are sent for the
	// first time, the oldest first, and waited for the last one, so that all have
	// one head. They are as long as Opus each, and Before counts packets.
	Bundle bool

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
// voiceHeld and voiceBundle.
const (
	voiceSpeaking = 1 << 7
	voiceLevel    = voiceSpeaking - 1
	voiceHeld     = 1 << 7
	voiceBundle   = 1 << 6
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
	if v.Bundle {
		n |= voiceBundle
	}
	b = append(b, level, n)
	for _, c := range v.Copies[:v.N] {
		if !v.Bundle {
			b = binary.BigEndian.AppendUint16(append(b, c.Before), uint16(len(c.Opus)))
		}
		b = append(b, c.Opus...)
	}
	return append(b, v.Opus...)
}

// bundle takes packets apart that are as long as each other. It reports false if
// they are not.
func (v *Voice) bundle(b []byte) bool {
	each := len(b) / (v.N + 1)
	if each*(v.N+1) != len(b) {
		return false
	}
	for i := range v.N {
		v.Copies[i] = VoiceCopy{Before: uint8(v.N - i), Opus: b[i*each : (i+1)*each : (i+1)*each]}
	}
	v.Opus = b[v.N*each:]
	return each > 0
}

// ParseVoice decodes the payload of a voice packet. The result aliases b.
func ParseVoice(b []byte) (v Voice, err error) {
	r := reader{b: b}
	v.Index, v.Time = r.uint16(), Millis(r.uint32())
	level, n := r.uint8(), r.uint8()
	v.Level, v.Speaking = level&voiceLevel, level&voiceSpeaking != 0
	v.Held, v.Bundle, v.N = n&voiceHeld != 0, n&voiceBundle != 0, int(n&^(voiceHeld|voiceBundle))
	if r.failed || v.N > MaxCopies {
		return Voice{}, ErrMalformed
	}
	if v.Bundle {
		if v.N == 0 || !v.bundle(r.b) {
			return Voice{}, ErrMalformed
		}
		return v, nil
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
