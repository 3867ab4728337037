package audio

import (
	"encoding/json"
	"errors"
	"flag"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sanix-darker/s2c/internal/media"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// tone returns n samples of a sine.
func tone(n int, hertz, amplitude float64) []int16 {
	s := make([]int16, n)
	for i := range s {
		s[i] = int16(math.Round(amplitude * math.Sin(2*math.Pi*hertz*float64(i)/media.SampleRate)))
	}
	return s
}

// speech returns n samples of something like it: harmonics of a gliding pitch
// under a spectrum with formants, in syllables with pauses between.
func speech(n int) []int16 {
	r := rand.New(rand.NewPCG(7, 7))
	s := make([]int16, n)
	var phase float64
	for i := range s {
		t := float64(i) / media.SampleRate
		pitch := 120 + 30*math.Sin(2*math.Pi*0.7*t)
		phase += 2 * math.Pi * pitch / media.SampleRate
		vowel := 500 + 200*math.Sin(2*math.Pi*1.3*t)
		var x float64
		for h := 1.0; h*pitch < 3800; h++ {
			x += math.Sin(h*phase) * (math.Exp(-math.Abs(h*pitch-vowel)/200) + 0.4*math.Exp(-math.Abs(h*pitch-2100)/300))
		}
		syllable := math.Pow(max(0, math.Sin(2*math.Pi*2*t)), 0.5)
		s[i] = int16(2500*syllable*x + 20*r.NormFloat64())
	}
	return s
}

// chunks cuts s into chunks.
func chunks(s []int16) []media.Chunk {
	c := make([]media.Chunk, len(s)/media.ChunkSamples)
	for i := range c {
		copy(c[i].PCM[:], s[i*media.ChunkSamples:])
	}
	return c
}

// encodeAll returns the packets of 20 ms of s.
func encodeAll(t testing.TB, bitrate int, s []int16) [][]byte {
	t.Helper()
	return encodeWith(t, EncoderConfig{Bitrate: bitrate}, s)
}

// encodeWith returns the packets of s.
func encodeWith(t testing.TB, cfg EncoderConfig, s []int16) [][]byte {
	t.Helper()
	e, err := NewEncoder(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return feed(t, e, s)
}

// feed returns the packets that e makes of s.
func feed(t testing.TB, e *Encoder, s []int16) (packets [][]byte) {
	t.Helper()
	for _, c := range chunks(s) {
		p, err := e.Encode(nil, &c)
		if err != nil {
			t.Fatal(err)
		}
		if len(p) > 0 {
			packets = append(packets, p)
		}
	}
	return packets
}

// spanOf returns how long the packets are.
func spanOf(t testing.TB, packets [][]byte) time.Duration {
	t.Helper()
	span, err := PacketTime(packets[0])
	if err != nil {
		t.Fatal(err)
	}
	return span
}

// listen plays packets through a Voice and a Mixer on a perfect network; the
// packets for which lost is true do not arrive.
func listen(t testing.TB, packets [][]byte, lost func(i int) bool) ([]int16, VoiceStats) {
	t.Helper()
	v, err := NewVoice()
	if err != nil {
		t.Fatal(err)
	}
	var out []int16
	var mixer Mixer
	var c media.Chunk
	now := time.Unix(1e9, 0)
	n := int(ticks(spanOf(t, packets)))
	for i, p := range packets {
		if !lost(i) {
			v.Put(now, Packet{Index: uint16(i * n), Age: 10 * ms, Opus: p})
		}
		for range n {
			if v.Get(now.Add(7*ms), &c) {
				mixer.Add(&c, 1)
			}
			mixer.Mix(&c)
			out = append(out, c.PCM[:]...)
			now = now.Add(chunk)
		}
	}
	return out, v.Stats()
}

func none(int) bool { return false }

// quality returns by how many dB got, which is late by up to 100 ms, is above
// its difference from want, and how much louder it is.
func quality(want, got []int16) (snr, louder float64) {
	best := math.Inf(-1)
	for lag := range 4800 {
		var dot float64
		for i := 0; i+lag < len(got); i += 7 {
			dot += float64(want[i]) * float64(got[i+lag])
		}
		if dot > best {
			best = dot
			snr, louder = compare(want, got[lag:])
		}
	}
	return snr, louder
}

// compare returns the ratio of got to its difference from want, and the ratio
// of their energies, in dB.
func compare(want, got []int16) (snr, louder float64) {
	var w, g, d float64
	for i, y := range got {
		x := float64(want[i])
		w, g, d = w+x*x, g+float64(y)*float64(y), d+(x-float64(y))*(x-float64(y))
	}
	return 10 * math.Log10(w/(d+1)), 10 * math.Log10((g+1)/(w+1))
}

// TestQuality plays sound through the encoder, a Voice and a Mixer. The floors
// in testdata were measured and lowered by 1 dB.
func TestQuality(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and all in one goroutine")
	}
	path := filepath.Join("testdata", "quality.json")
	floors := make(map[string]float64)
	if b, err := os.ReadFile(path); err != nil && !*update {
		t.Fatal(err)
	} else if err == nil {
		if err := json.Unmarshal(b, &floors); err != nil {
			t.Fatal(err)
		}
	}
	const length = 9 * media.SampleRate
	tests := []struct {
		name  string
		cfg   EncoderConfig
		sound []int16
	}{
		{"tone at 24000", EncoderConfig{Bitrate: 24000}, tone(length, 480, 10000)},
		{"speech at 24000", EncoderConfig{Bitrate: 24000}, speech(length)},
		{"speech at 48000", EncoderConfig{Bitrate: 48000}, speech(length)},
		{"speech at 32000, 10 ms", EncoderConfig{Bitrate: 32000, Packet: ShortPacket}, speech(length)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, st := listen(t, encodeWith(t, tt.cfg, tt.sound), none)
			if st.Concealed != 0 || st.Late != 0 || st.Refused != 0 {
				t.Errorf("%+v", st)
			}
			// Without the start and the chunk that is skipped then.
			const settled = 8 * media.SampleRate
			snr, louder := quality(tt.sound[settled:], got[settled:])
			t.Logf("%.1f dB over the difference, %.2f dB louder; %+v", snr, louder, st)
			if *update {
				floors[tt.name] = math.Floor(10*(snr-1)) / 10
			}
			if floor, ok := floors[tt.name]; snr < floor || !ok {
				t.Errorf("%.1f dB over the difference, want %.1f", snr, floor)
			}
			if math.Abs(louder) > 1 {
				t.Errorf("%.2f dB louder, want 0", louder)
			}
		})
	}
	if *update {
		b, err := json.MarshalIndent(floors, "", "\t")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, append(b, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestPacketSize checks that sizes tell nothing, not even silence from a shout.
func TestPacketSize(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and all in one goroutine")
	}
	r := rand.New(rand.NewPCG(3, 3))
	sound := make([]int16, media.SampleRate) // silence
	sound = append(sound, tone(media.SampleRate, 440, 8000)...)
	for range media.SampleRate {
		sound = append(sound, int16(r.IntN(60000)-30000))
	}
	sound = append(sound, speech(2*media.SampleRate)...)
	sound = append(sound, make([]int16, media.SampleRate)...)
	for _, bitrate := range []int{6000, 8000, 12000, 16000, 20000, 24000, 32000, 48000, 64000, 160000} {
		for _, span := range []time.Duration{LongPacket, ShortPacket} {
			if span == ShortPacket && bitrate%16000 != 0 && bitrate > minBitrate {
				continue // those are enough
			}
			want := (bitrate*int(ticks(span)) + 400) / 800
			for i, p := range encodeWith(t, EncoderConfig{bitrate, span}, sound) {
				if len(p) != want {
					t.Errorf("packet %d of %v at %d bit/s has %d bytes, want %d", i, span, bitrate, len(p), want)
				}
				if got, err := PacketTime(p); got != span || err != nil {
					t.Errorf("PacketTime(%x) = %v, %v at %d bit/s, want %v", p, got, err, bitrate, span)
				}
			}
		}
	}
}

func TestNewEncoderRefuses(t *testing.T) {
	for _, bitrate := range []int{-1, 0, 5999, 160001} {
		if _, err := NewEncoder(EncoderConfig{Bitrate: bitrate}); err == nil {
			t.Errorf("NewEncoder took %d bit/s", bitrate)
		}
	}
	for _, span := range []time.Duration{-LongPacket, 1, 5 * ms, 40 * ms} {
		if _, err := NewEncoder(EncoderConfig{Bitrate: 24000, Packet: span}); err == nil {
			t.Errorf("NewEncoder took packets of %v", span)
		}
	}
}

// TestEncoderChanges checks that the sizes follow the bit rate in the middle of
// a call, and nothing else.
func TestEncoderChanges(t *testing.T) {
	e, err := NewEncoder(EncoderConfig{Bitrate: 24000})
	if err != nil {
		t.Fatal(err)
	}
	sound := chunks(speech(media.SampleRate))
	for i, bitrate := range []int{24000, 48000, 8000, 32000} {
		if err := e.SetBitrate(bitrate); err != nil {
			t.Fatal(err)
		}
		for j := range sound {
			if j == len(sound)/2 {
				if err := e.SetLoss(i * 10); err != nil {
					t.Fatal(err)
				}
			}
			if p, err := e.Encode(nil, &sound[j]); err != nil || len(p) != j%2*bitrate/400 {
				t.Fatalf("chunk %d gives %d bytes at %d bit/s: %v, want %d", j, len(p), bitrate, err, j%2*bitrate/400)
			}
		}
	}
	for _, bitrate := range []int{-1, 0, 5999, 160001} {
		if e.SetBitrate(bitrate) == nil {
			t.Errorf("SetBitrate(%d) took it", bitrate)
		}
	}
	for _, loss := range []int{-1, 101} {
		if e.SetLoss(loss) == nil {
			t.Errorf("SetLoss(%d) took it", loss)
		}
	}
}

// TestBandwidth checks what is coded at which bit rate, by the configurations of
// RFC 6716, table 2, and that a change between them makes neither a click nor a gap.
func TestBandwidth(t *testing.T) {
	for _, tt := range []struct {
		cfg  EncoderConfig
		want byte
	}{
		{EncoderConfig{Bitrate: 16000}, 9},
		{EncoderConfig{Bitrate: 24000}, 9},
		{EncoderConfig{Bitrate: 32000}, 15},
		{EncoderConfig{Bitrate: 24000 + ShortMore, Packet: ShortPacket}, 8},
		{EncoderConfig{Bitrate: 32000 + ShortMore, Packet: ShortPacket}, 14},
	} {
		for i, p := range encodeWith(t, tt.cfg, speech(media.SampleRate)) {
			if got := p[0] >> 3; got != tt.want {
				t.Fatalf("packet %d of %+v has configuration %d, want %d", i, tt.cfg, got, tt.want)
			}
		}
	}

	e, err := NewEncoder(EncoderConfig{Bitrate: 24000})
	if err != nil {
		t.Fatal(err)
	}
	d, err := newGopusDecoder()
	if err != nil {
		t.Fatal(err)
	}
	const hertz, amplitude, part = 300, 8000, media.SampleRate / 2
	sound := tone(4*part, hertz, amplitude)
	want := level(sound)
	for turn, bitrate := range []int{24000, 32000, 24000, 32000} {
		if err := e.SetBitrate(bitrate); err != nil {
			t.Fatal(err)
		}
		for i, p := range feed(t, e, sound[turn*part:(turn+1)*part]) {
			pcm := make([]int16, longSamples)
			if err := d.decode(p, pcm); err != nil {
				t.Fatal(err)
			}
			if turn == 0 && i < 5 {
				continue // the start of the tone
			}
			if got := level(pcm); math.Abs(got-want) > 1 {
				t.Errorf("packet %d at %d bit/s has %.1f dBFS, want %.1f", i, bitrate, got, want)
			}
			steepest := amplitude * 2 * math.Pi * hertz / media.SampleRate
			for k := 1; k < len(pcm); k++ {
				if step := math.Abs(float64(pcm[k]) - float64(pcm[k-1])); step > 2*steepest {
					t.Fatalf("packet %d at %d bit/s has a click: %.0f, want %.0f at most", i, bitrate, step, steepest)
				}
			}
		}
	}
}

// TestEncodeAppends checks which chunks complete a packet.
func TestEncodeAppends(t *testing.T) {
	tests := []struct {
		span  time.Duration
		sizes []int // of what is appended; a negative chunk is a Reset
	}{
		{0, []int{0, 60, 0, 60, 0, -1, 0, 60}},
		{LongPacket, []int{-1, 0, -1, 0, 60, -1, 0, 60}},
		{ShortPacket, []int{30, 30, -1, 30}},
	}
	for _, tt := range tests {
		e, err := NewEncoder(EncoderConfig{Bitrate: 24000, Packet: tt.span})
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range tt.sizes {
			if want < 0 {
				e.Reset()
				continue
			}
			b, err := e.Encode([]byte("head"), new(media.Chunk))
			if err != nil || len(b) != 4+want || string(b[:4]) != "head" {
				t.Errorf("packets of %v, %d: Encode appended to %q: %x, %v, want %d bytes", tt.span, i, "head", b, err, want)
			}
		}
	}
}

func TestPacketTime(t *testing.T) {
	toc := func(config, stereo, code byte) byte { return config<<3 | stereo<<2 | code }
	tests := []struct {
		name   string
		packet []byte
		want   time.Duration // 0 when it is malformed
	}{
		{"SILK, 20 ms", []byte{toc(1, 0, 0), 1}, LongPacket},
		{"SILK wide, 20 ms", []byte{toc(9, 0, 0), 1}, LongPacket},
		{"hybrid, 20 ms", []byte{toc(15, 0, 0), 1}, LongPacket},
		{"CELT, 20 ms", []byte{toc(31, 0, 0), 1}, LongPacket},
		{"padded", []byte{toc(9, 0, 3), 0x41, 1, 7, 0}, LongPacket},
		{"SILK, 10 ms", []byte{toc(8, 0, 0), 1}, ShortPacket},
		{"SILK, 60 ms", []byte{toc(3, 0, 0), 1}, 0},
		{"hybrid, 10 ms", []byte{toc(14, 0, 0), 1}, ShortPacket},
		{"CELT, 10 ms", []byte{toc(30, 0, 0), 1}, ShortPacket},
		{"CELT, 5 ms", []byte{toc(29, 0, 0), 1}, 0},
		{"SILK, 40 ms", []byte{toc(2, 0, 0), 1}, 0},
		{"CELT, 2.5 ms", []byte{toc(28, 0, 0), 1}, 0},
		{"stereo", []byte{toc(31, 1, 0), 1}, 0},
		{"two frames", []byte{toc(31, 0, 1), 1, 1}, 0},
		{"two frames of 10 ms", []byte{toc(30, 0, 1), 1, 1}, 0},
		{"six frames", []byte{toc(31, 0, 3), 6, 1, 1, 1, 1, 1, 1}, 0},
		{"no frame", []byte{toc(31, 0, 3), 0}, 0},
		{"empty", nil, 0},
		{"nothing but a head", []byte{toc(31, 0, 0)}, 0},
		{"longest", append([]byte{toc(31, 0, 0)}, make([]byte, MaxPacket-1)...), LongPacket},
		{"too long", append([]byte{toc(31, 0, 0)}, make([]byte, MaxPacket)...), 0},
	}
	for _, tt := range tests {
		got, err := PacketTime(tt.packet)
		if got != tt.want || (err == nil) != (tt.want > 0) || err != nil && !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: PacketTime(%x) = %v, %v, want %v", tt.name, tt.packet, got, err, tt.want)
		}
	}
}

// TestConcealment checks that lost packets of a tone leave neither holes nor
// clicks, and that the sound ends softly after the last packet.
func TestConcealment(t *testing.T) {
	const last = 390 // packet
	packets := encodeAll(t, 24000, tone(9*media.SampleRate, 440, 10000))
	got, st := listen(t, packets, func(i int) bool { return i > 350 && i%10 == 0 || i > last })
	const lost = 4
	if want := uint64(2*(lost-1) + fadeChunks); st.Concealed != want {
		t.Errorf("%d chunks made up, want %d", st.Concealed, want)
	}
	heard := chunks(got)
	for i := 340; i < last; i++ {
		// Opus itself conceals a tone with 8 to 15 dB less.
		if l := level(got[i*longSamples:][:longSamples]); l < -29 || l > -11 {
			t.Errorf("packet %d has %.1f dBFS, want about -13.3", i, l)
		}
	}
	for i, c := range heard[2*last+4+fadeChunks:] {
		if c.PCM != (samples{}) {
			t.Errorf("chunk %d is not silent", 2*last+4+fadeChunks+i)
		}
	}
	if step := steepest(got[340*longSamples:]); step > 1000 {
		t.Errorf("a step of %d, want at most 1000", step)
	}
}

// steepest returns the greatest step between two samples. A sine of 440 Hz
// with an amplitude of 10000 makes 576.
func steepest(s []int16) int {
	most := 0
	for i := 1; i < len(s); i++ {
		d := int(s[i]) - int(s[i-1])
		most = max(most, d, -d)
	}
	return most
}

// TestFollowIsSmooth checks that the delay follows a way that becomes shorter
// by 60 ms, and back, within five seconds, with a voice that makes no pause:
// nothing is dropped, nothing clicks, and the pitch stays.
func TestFollowIsSmooth(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and all in one goroutine")
	}
	const hertz = 147
	in := vowel(20*media.SampleRate, hertz)
	packets := encodeAll(t, 24000, in)
	v, err := NewVoice()
	if err != nil {
		t.Fatal(err)
	}
	const from = 200
	var out []int16
	var c media.Chunk
	start := time.Unix(1e9, 0)
	sent := 0
	for i := range len(in)/media.ChunkSamples - 20 {
		at := time.Duration(i)*chunk + 109*ms
		for ; sent < len(packets); sent++ {
			way := 100 * ms
			if sent >= from {
				way = 40 * ms
			}
			came := time.Duration(sent)*LongPacket + way
			if came > at {
				break
			}
			v.Put(start.Add(came), Packet{Index: uint16(2 * sent), Age: way, Opus: packets[sent]})
		}
		if i == 2*from {
			out = nil
		}
		if v.Get(start.Add(at), &c) {
			out = append(out, c.PCM[:]...)
		}
		if i == 2*from+500 {
			const period = time.Second / hertz
			if st := v.Stats(); st.Delay > 40*ms+st.Target+slack+period {
				t.Errorf("the delay is %v five seconds later, want 40 ms and %v, and up to %v: %+v", st.Delay, st.Target, slack+period, st)
			}
		}
	}
	st := v.Stats()
	if st.Dropped != 0 || st.Concealed != 0 || st.Shortened < 40*ms {
		t.Errorf("%+v, want nothing dropped or made up, 40 ms or more shortened", st)
	}
	// What Opus makes of the vowel is what it may be compared with.
	clean, _ := listen(t, packets, none)
	if was, is := steepest(clean[from*longSamples:]), steepest(out); float64(is) > 1.05*float64(was) {
		t.Errorf("a step of %d, the voice has %d", is, was)
	}
	for at := 0; at+2400 <= len(out); at += 2400 {
		if p := pitch(out[at : at+2400]); math.Abs(p/hertz-1) > 0.02 {
			t.Errorf("at sample %d the pitch is %.1f Hz, want %d", at, p, hertz)
		}
	}
}
