package audio

import (
	"testing"
	"time"

	"github.com/sanix-darker/s2c/internal/media"
)

// call is a Voice in the middle of a conversation.
type call struct {
	v       *Voice
	packets [][]byte
	span    time.Duration
	skim    bool
	lose    int // one packet of so many is lost, none when 0
	now     time.Time
	i       int
	c       media.Chunk
}

func newCall(t testing.TB, d decoder, span time.Duration, lose int) *call {
	packets := encodeWith(t, EncoderConfig{Bitrate: 24000, Packet: span}, speech(4*media.SampleRate))
	c := &call{v: newVoice(d), packets: packets, span: span, lose: lose, now: time.Unix(1e9, 0)}
	for range 400 {
		c.next()
	}
	return c
}

// next is a packet of the call.
func (c *call) next() {
	n := int(ticks(c.span))
	if c.lose == 0 || c.i%c.lose != 0 {
		c.v.Put(c.now, Packet{Index: uint16(c.i * n), Opus: c.packets[c.i%len(c.packets)]})
		if c.i%3 == 0 && c.i > 0 { // with the one before again
			c.v.Put(c.now, Packet{Index: uint16((c.i - 1) * n), Behind: 1, Opus: c.packets[(c.i-1)%len(c.packets)]})
		}
	}
	for range n {
		c.now = c.now.Add(chunk)
		if c.skim {
			c.v.Skim(c.now.Add(-3 * ms))
		} else {
			c.v.Get(c.now.Add(-3*ms), &c.c)
		}
	}
	c.i++
}

func realDecoder(t testing.TB) *gopusDecoder {
	d, err := newGopusDecoder()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestAllocs checks that the hot paths allocate nothing. Each runs 64 times,
// since AllocsPerRun rounds down what happens now and then.
func TestAllocs(t *testing.T) {
	e, err := NewEncoder(EncoderConfig{Bitrate: 24000})
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
	// The fake decoder remembers what it decoded.
	fake := &fakeDecoder{played: make([]uint32, 0, 100000)}
	clean, lossy := newCall(t, realDecoder(t), LongPacket, 0), newCall(t, fake, LongPacket, 8)
	short, skimmed := newCall(t, realDecoder(t), ShortPacket, 0), newCall(t, fake, ShortPacket, 8)
	skimmed.skim = true
	both := newCall(t, realDecoder(t), LongPacket, 0)
	var tr track
	voice := chunks(vowel(media.SampleRate, 147))
	changed := 0
	follow := func() {
		for tr.n < media.ChunkSamples {
			tr.add(voice[i%len(voice)].PCM[:])
			changed += max(tr.stretch(960*(i%3-1), media.ChunkSamples, i%5 == 0, likeness), 0)
			i++
		}
		tr.take(&clean.c.PCM)
	}
	var mixer Mixer
	var meter Meter
	var gate Gate
	tests := []struct {
		name string
		f    func()
	}{
		{"Encode", encode},
		{"Put and Get", clean.next},
		{"Put and Get of short packets", short.next},
		{"Put and Skim", skimmed.next},
		{"Get after Skim", func() { both.skim = both.i%4 < 2; both.next() }},
		{"Put and Get with losses, but for the decoder", lossy.next},
		{"shorter and longer", follow},
		{"Stats", func() { clean.v.Stats() }},
		{"Mixer", func() { mixer.Add(&clean.c, 0.7); mixer.Mix(&clean.c) }},
		{"Fade", func() { mixer.Fade(&clean.c, 1, 0); mixer.Mix(&clean.c) }},
		{"Gate", func() { gate.Apply(&clean.c) }},
		{"Meter", func() { meter.Measure(&clean.c) }},
	}
	for _, tt := range tests {
		n := testing.AllocsPerRun(20, func() {
			for range 64 {
				tt.f()
			}
		})
		if n != 0 {
			t.Errorf("%s allocates %v times in 64 runs, want 0", tt.name, n)
		}
	}
	if st := lossy.v.Stats(); st.Concealed == 0 || st.Repeated == 0 {
		t.Errorf("nothing was lost, or no copy was of use: %+v", st)
	}
	if changed == 0 {
		t.Error("nothing was made shorter")
	}
}

// TestConcealAllocs keeps an eye on the one exception: gopus v0.1.2 allocates
// 5 or 6 times, 13 KB in all, when it makes up a chunk of speech.
func TestConcealAllocs(t *testing.T) {
	d := realDecoder(t)
	packets := encodeAll(t, 24000, speech(4*media.SampleRate))
	pcm := make([]int16, longSamples)
	i := 0
	n := testing.AllocsPerRun(20, func() {
		for range 8 {
			if err := d.decode(packets[i%len(packets)], pcm); err != nil {
				t.Fatal(err)
			}
			i++
		}
		if err := d.conceal(pcm); err != nil {
			t.Fatal(err)
		}
	})
	if n > 8 {
		t.Errorf("a chunk that is made up allocates %v times, want at most 8", n)
	}
}

// BenchmarkEncode is for each chunk: a half or a whole packet.
func BenchmarkEncode(b *testing.B) {
	sound := chunks(speech(4 * media.SampleRate))
	packet := make([]byte, 0, MaxPacket)
	for _, span := range []time.Duration{LongPacket, ShortPacket} {
		b.Run(span.String(), func(b *testing.B) {
			e, err := NewEncoder(EncoderConfig{Bitrate: 24000, Packet: span})
			if err != nil {
				b.Fatal(err)
			}
			i := 0
			b.ReportAllocs()
			for b.Loop() {
				if packet, err = e.Encode(packet[:0], &sound[i%len(sound)]); err != nil {
					b.Fatal(err)
				}
				i++
			}
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	d := realDecoder(b)
	packets := encodeAll(b, 24000, speech(4*media.SampleRate))
	pcm := make([]int16, longSamples)
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		if err := d.decode(packets[i%len(packets)], pcm); err != nil {
			b.Fatal(err)
		}
		i++
	}
}

// BenchmarkConceal makes up every second chunk.
func BenchmarkConceal(b *testing.B) {
	d := realDecoder(b)
	packets := encodeAll(b, 24000, speech(4*media.SampleRate))
	pcm := make([]int16, longSamples)
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		if err := d.decode(packets[i%len(packets)], pcm); err != nil {
			b.Fatal(err)
		}
		if err := d.conceal(pcm); err != nil {
			b.Fatal(err)
		}
		i++
	}
}

// BenchmarkPutGet is all that happens to a packet, decoding included.
func BenchmarkPutGet(b *testing.B) {
	for _, span := range []time.Duration{LongPacket, ShortPacket} {
		b.Run(span.String(), func(b *testing.B) {
			c := newCall(b, realDecoder(b), span, 0)
			b.ReportAllocs()
			for b.Loop() {
				c.next()
			}
		})
	}
}

// BenchmarkSkim is BenchmarkPutGet for somebody who is not heard.
func BenchmarkSkim(b *testing.B) {
	for _, span := range []time.Duration{LongPacket, ShortPacket} {
		b.Run(span.String(), func(b *testing.B) {
			c := newCall(b, realDecoder(b), span, 0)
			c.skim = true
			b.ReportAllocs()
			for b.Loop() {
				c.next()
			}
		})
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
