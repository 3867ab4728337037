package audio

import (
	"testing"
	"time"

	"github.com/sanix-darker/s2c/internal/media"
)

// call is a Voice with a real decoder in the middle of a conversation.
type call struct {
	v       *Voice
	packets [][]byte
	now     time.Time
	i       int
	c       media.Chunk
}

func newCall(t testing.TB) *call {
	v, err := NewVoice()
	if err != nil {
		t.Fatal(err)
	}
	c := &call{v: v, packets: encodeAll(t, 24000, speech(4*media.SampleRate)), now: time.Unix(1e9, 0)}
	for range 300 {
		c.next()
	}
	return c
}

// next is 20 ms of a network that loses one packet of 16.
func (c *call) next() {
	if c.i%16 != 15 {
		c.v.Put(c.now, Packet{Index: uint16(c.i), Opus: c.packets[c.i%len(c.packets)]})
	}
	c.v.Get(c.now.Add(7*ms), &c.c)
	c.now = c.now.Add(chunk)
	c.i++
}

// TestAllocs checks that the hot paths allocate nothing.
func TestAllocs(t *testing.T) {
	e, err := NewEncoder(24000)
	if err != nil {
		t.Fatal(err)
	}
	sound := chunks(speech(media.SampleRate))
	packet := make([]byte, 0, MaxPacket)
	i := 0
	encode := func() {
		if packet, err = e.Encode(packet[:0], &sound[i%len(sound)]); err != nil {
			t.Fatal(err)
		}
		i++
	}
	for range 100 { // gopus grows its scratch
		encode()
	}
	c := newCall(t)
	var mixer Mixer
	var meter Meter
	tests := []struct {
		name string
		f    func()
	}{
		{"Encode", encode},
		{"Put and Get", c.next},
		{"Stats", func() { c.v.Stats() }},
		{"Mixer", func() { mixer.Add(&c.c, 0.7); mixer.Mix(&c.c) }},
		{"Meter", func() { meter.Measure(&c.c) }},
	}
	for _, tt := range tests {
		if n := testing.AllocsPerRun(500, tt.f); n != 0 {
			t.Errorf("%s allocates %v times, want 0", tt.name, n)
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	e, err := NewEncoder(24000)
	if err != nil {
		b.Fatal(err)
	}
	sound := chunks(speech(4 * media.SampleRate))
	packet := make([]byte, 0, MaxPacket)
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		if packet, err = e.Encode(packet[:0], &sound[i%len(sound)]); err != nil {
			b.Fatal(err)
		}
		i++
	}
}

func BenchmarkDecode(b *testing.B) {
	d, err := newGopusDecoder()
	if err != nil {
		b.Fatal(err)
	}
	packets := encodeAll(b, 24000, speech(4*media.SampleRate))
	var pcm samples
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		if err := d.decode(packets[i%len(packets)], &pcm); err != nil {
			b.Fatal(err)
		}
		i++
	}
}

// BenchmarkPutGet is all that happens to a packet, decoding included.
func BenchmarkPutGet(b *testing.B) {
	c := newCall(b)
	b.ReportAllocs()
	for b.Loop() {
		c.next()
	}
}

// BenchmarkMix adds the voices of nine members.
func BenchmarkMix(b *testing.B) {
	sound := chunks(speech(media.SampleRate))
	var m Mixer
	var out media.Chunk
	b.ReportAllocs()
	for b.Loop() {
		for i := range 9 {
			m.Add(&sound[i], 1)
		}
		m.Mix(&out)
	}
}
