package hub

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/sanix-darker/s2c/internal/wire"
)

// TestRing puts packets at several rates and checks that a ring remembers all
// of ringTime, up to ringMax packets, and has no more slots than that takes.
func TestRing(t *testing.T) {
	for _, tt := range []struct {
		rate  int // packets a second
		slots int
	}{
		{1, 32}, {70, 32}, {106, 32}, {110, 64}, {213, 64}, {220, 128}, {850, 256}, {5000, 256},
	} {
		var r ring
		gap := time.Second / time.Duration(tt.rate)
		now := time.Now()
		var b [wire.MaxDatagram]byte
		const count = 600
		for i := range uint64(count) {
			now = now.Add(gap)
			binary.BigEndian.PutUint64(b[:], i)
			n := 8 + int(i)%(len(b)-8)
			if got := r.put(b[:n], wire.Packet{}, now); got != i+1 {
				t.Fatalf("rate %d: put = %d, want %d", tt.rate, got, i+1)
			}
			// All that are younger than ringTime, or the last ringMax.
			for back := range min(i+1, ringMax, uint64((ringTime-1)/gap)+1) {
				want := i - back
				var out [wire.MaxDatagram]byte
				f, ok := r.get(want+1, out[:])
				if !ok || f.n != 8+int(want)%(len(b)-8) || binary.BigEndian.Uint64(out[:]) != want {
					t.Fatalf("rate %d: after %d packets, get(%d) = %d, %v with %x", tt.rate, i+1, want+1, f.n, ok, out[:8])
				}
			}
		}
		if len(r.slots) != tt.slots {
			t.Errorf("rate %d: %d slots, want %d", tt.rate, len(r.slots), tt.slots)
		}
		if _, ok := r.get(count-ringMax, b[:]); ok {
			t.Errorf("rate %d: a packet older than %d others is still there", tt.rate, ringMax)
		}
	}
}

// TestRingConcurrent reads while the ring grows and turns; -race looks on.
func TestRingConcurrent(t *testing.T) {
	var r ring
	numbers := make(chan uint64, 64)
	go func() {
		defer close(numbers)
		now := time.Now()
		for i := range uint64(2000) {
			now = now.Add(time.Millisecond)
			numbers <- r.put(bytes.Repeat([]byte{byte(i)}, 100), wire.Packet{}, now)
		}
	}()
	var b [wire.MaxDatagram]byte
	for number := range numbers {
		// 64 others wait in the channel and may be put since.
		if f, ok := r.get(number, b[:]); ok && (f.n != 100 || b[0] != byte(number-1) || b[99] != b[0]) {
			t.Fatalf("get(%d) = %d bytes from %d to %d", number, f.n, b[0], b[99])
		}
	}
}

func BenchmarkRing(b *testing.B) {
	var r ring
	var buf [wire.MaxDatagram]byte
	now := time.Now()
	rnd := rand.New(rand.NewPCG(1, 2))
	for i := range buf {
		buf[i] = byte(rnd.Uint32())
	}
	b.ReportAllocs()
	for b.Loop() {
		now = now.Add(10 * time.Millisecond)
		if _, ok := r.get(r.put(buf[:], wire.Packet{}, now), buf[:]); !ok {
			b.Fatal("expired")
		}
	}
}
