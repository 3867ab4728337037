package audio

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/sanix-darker/s2c/internal/media"
)

// FuzzDecode feeds a decoder that is in the middle of a conversation with a
// hostile packet: an error or a chunk, and sound after that.
func FuzzDecode(f *testing.F) {
	for _, bitrate := range []int{8000, 12000, 24000, 160000} {
		for _, span := range []time.Duration{ShortPacket, LongPacket} {
			for i, p := range encodeWith(f, EncoderConfig{bitrate, span}, speech(media.SampleRate/4)) {
				if i%4 == 0 {
					f.Add(p)
				}
			}
		}
	}
	f.Add([]byte{9<<3 | 3, 0x41, 255, 255, 0})
	good := encodeAll(f, 24000, speech(media.SampleRate/10))
	goodShort := encodeWith(f, EncoderConfig{24000, ShortPacket}, speech(media.SampleRate/10))
	f.Fuzz(func(t *testing.T, p []byte) {
		d, err := newGopusDecoder()
		if err != nil {
			t.Fatal(err)
		}
		span, bad := PacketTime(p)
		good := good
		pcm := make([]int16, longSamples)
		if span == ShortPacket {
			good, pcm = goodShort, pcm[:media.ChunkSamples]
		}
		for _, g := range good {
			if err := d.decode(g, pcm); err != nil {
				t.Fatal(err)
			}
		}
		err = d.decode(p, pcm)
		if bad != nil && err == nil {
			t.Errorf("decode(%x) took it, packetTime says %v", p, bad)
		}
		if _, err := d.decodeFEC(p, pcm); err == nil && bad != nil {
			t.Errorf("decodeFEC(%x) took it", p)
		}
		for _, n := range []int{media.ChunkSamples, longSamples} {
			if err := d.conceal(pcm[:min(n, len(pcm))]); err != nil {
				t.Errorf("conceal %d samples after %x: %v", n, p, err)
			}
		}
		if err := d.decode(good[0], pcm); err != nil {
			t.Errorf("decode after %x: %v", p, err)
		}
		d.reset()
		if err := d.decode(good[0], pcm); err != nil {
			t.Errorf("decode after %x and reset: %v", p, err)
		}
	})
}

// FuzzVoice plays with indices and times.
func FuzzVoice(f *testing.F) {
	f.Add([]byte{0, 1, 0, 0, 20, 200, 0, 0, 20, 1, 0, 1, 20, 200, 0, 0, 20})
	f.Add([]byte{1, 255, 255, 1, 2, 0, 0, 1, 2, 0, 1, 1, 200, 0, 0, 1})
	f.Add([]byte("a longer text, so that there is something to change in it, 0123456789"))
	f.Fuzz(func(t *testing.T, ops []byte) {
		v := newVoice(new(fakeDecoder))
		now := time.Unix(1e9, 0)
		var c media.Chunk
		for ; len(ops) >= 4; ops = ops[4:] {
			op, index, wait := ops[0], binary.BigEndian.Uint16(ops[1:]), time.Duration(int8(ops[3]))
			if op >= 250 {
				wait *= time.Minute
			}
			now = now.Add(wait * ms)
			p := Packet{Behind: op >> 5 % 3, Held: op>>4%4 == 3, Age: wait * time.Hour, Opus: fakePacket(int(index), 100)}
			step := uint16(2)
			if op >= 200 {
				p.Opus, step = fakeShort(int(index), 100), 1
			}
			for i := range uint16(op % 8) {
				p.Index = index + i*step
				v.Put(now, p)
				checkJitter(t, &v.jitter)
			}
			for range op / 8 % 4 {
				if op%5 == 4 {
					v.Skim(now)
				} else if !v.Get(now, &c) && c.PCM != (samples{}) {
					t.Fatal("Get reports false with sound")
				}
				checkJitter(t, &v.jitter)
			}
			if st := v.Stats(); st.Target < shortTarget || st.Target > capTarget {
				t.Fatalf("Target = %v", st.Target)
			}
		}
	})
}
