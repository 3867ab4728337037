package audio

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/sanix-darker/s2c/internal/media"
)

// TestFEC checks that a copy in the next packet is used for a lost one.
func TestFEC(t *testing.T) {
	for _, cfg := range []EncoderConfig{{24000, LongPacket}, {24000, ShortPacket}, {32000, ShortPacket}} {
		t.Run(fmt.Sprintf("%d bit/s, %v", cfg.Bitrate, cfg.Packet), func(t *testing.T) { testFEC(t, cfg) })
	}
}

func testFEC(t *testing.T, cfg EncoderConfig) {
	e, err := NewEncoder(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.SetLoss(20); err != nil {
		t.Fatal(err)
	}
	packets := feed(t, e, speech(4*media.SampleRate))
	n := int(ticks(cfg.Packet))
	copies := 0
	for _, p := range packets {
		if want := cfg.Bitrate / 800 * n; len(p) != want {
			t.Errorf("a packet of %d bytes, want %d with copies as without", len(p), want)
		}
		if hasCopy(p) {
			copies++
		}
	}
	if copies < len(packets)/4 {
		t.Fatalf("%d of %d packets have copies", copies, len(packets))
	}
	// Packets arrive in pairs; of some pairs the first is lost.
	v, err := NewVoice()
	if err != nil {
		t.Fatal(err)
	}
	var c media.Chunk
	now := time.Unix(1e9, 0)
	lost := uint64(0)
	for i := 0; i+1 < len(packets); i += 2 {
		if i%10 == 8 {
			lost++
		} else {
			v.Put(now, Packet{Index: uint16(i * n), Opus: packets[i]})
		}
		v.Put(now, Packet{Index: uint16((i + 1) * n), Opus: packets[i+1]})
		for range 2 * n {
			v.Get(now.Add(5*ms), &c)
			now = now.Add(chunk)
		}
	}
	t.Logf("%d of %d packets with copies: %+v", copies, len(packets), v.Stats())
	lost *= uint64(n)
	if st := v.Stats(); st.Restored < lost/3 || st.Restored+st.Concealed < lost*9/10 || lost == 0 {
		t.Errorf("%d of %d lost chunks restored, want a third or more and the rest made up: %+v", st.Restored, lost, st)
	}
}

// TestDecodeFEC checks what has no copy of the packet before.
func TestDecodeFEC(t *testing.T) {
	d, err := newGopusDecoder()
	if err != nil {
		t.Fatal(err)
	}
	pcm := make([]int16, longSamples)
	plain := encodeAll(t, 48000, speech(media.SampleRate))
	for _, p := range plain {
		if ok, err := d.decodeFEC(p, pcm); ok || err != nil {
			t.Fatalf("decodeFEC(%x) = %v, %v without a copy in it", p, ok, err)
		}
	}
	if _, err := d.decodeFEC([]byte{0, 0}, pcm); !errors.Is(err, ErrMalformed) {
		t.Errorf("decodeFEC of 10 ms for 20: %v, want %v", err, ErrMalformed)
	}
}
