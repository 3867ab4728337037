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
	lose    int // one packet of so many is lost, none when 0
	now     time.Time
	i       int
	c       media.Chunk
}

func newCall(t testing.TB, d decoder, lose int) *call {
	c := &call{v: newVoice(d), packets: encodeAll(t, 24000, speech(4*media.SampleRate)), lose: lose, now: time.Unix(1e9, 0)}
	for range 400 {
		c.next()
	}
	return c
}

// next is 20 ms of the call.
func (c *call) next() {
	if c.lose == 0 || c.i%c.lose != 0 {
		c.v.Put(c.now, Packet{Index: uint16(c.i), Opus: c.packets[c.i%len(c.packets)]})
		if c.i%3 == 0 && c.i > 0 { // with the one before again
			c.v.Put(c.now, Packet{Index: uint16(c.i - 1), Behind: 1, Opus: c.packets[(c.i-1)%len(c.packets)]})
		}
	}
	c.v.Get(c.now.Add(7*ms), &c.c)
	c.now = c.now.Add(chunk)
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
	// The fake decoder remembers what it decoded.
	fake := &fakeDecoder{played: make([]uint32, 0, 100000)}
	clean, lossy := newCall(t, realDecoder(t), 0), newCall(t, fake, 8)
	var tr track
	voice := chunks(vowel(media.SampleRate, 147))
	changed := 0
	follow := func() {
		for tr.n < media.ChunkSamples {
			tr.add(&voice[i%len(voice)].PCM)
			changed += max(tr.stretch(960*(i%3-1), i%5 == 0, likeness), 0)
			i++
		}
		tr.take(&clean.c.PCM)
	}
	var mixer Mixer
	var meter Meter
	tests := []struct {
		name string
		f    func()
	}{
		{"Encode", encode},
		{"Put and Get", clean.next},
		{"Put and Get with losses, but for the decoder", lossy.next},
		{"shorter and longer", follow},
		{"Stats", func() { clean.v.Stats() }},
		{"Mixer", func() { mixer.Add(&clean.c, 0.7); mixer.Mix(&clean.c) }},
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
	var pcm samples
	i := 0
	n := testing.AllocsPerRun(20, func() {
		for range 8 {
			if err := d.decode(packets[i%len(packets)], &pcm); err != nil {
				t.Fatal(err)
			}
			i++
		}
		if err := d.conceal(&pcm); err != nil {
			t.Fatal(err)
		}
	})
	if n > 8 {
		t.Errorf("a chunk that is made up allocates %v times, want at most 8", n)
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
	d := realDecoder(b)
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

// BenchmarkConceal makes up every second chunk.
func BenchmarkConceal(b *testing.B) {
	d := realDecoder(b)
	packets := encodeAll(b, 24000, speech(4*media.SampleRate))
	var pcm samples
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		if err := d.decode(packets[i%len(packets)], &pcm); err != nil {
			b.Fatal(err)
		}
		if err := d.conceal(&pcm); err != nil {
			b.Fatal(err)
		}
		i++
	}
}

// BenchmarkPutGet is all that happens to a packet, decoding included.
func BenchmarkPutGet(b *testing.B) {
	c := newCall(b, realDecoder(b), 0)
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
