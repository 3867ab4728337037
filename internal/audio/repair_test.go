package audio

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/sanix-darker/s2c/internal/media"
)

// TestVoiceCopies checks what whole copies of packets are good for, and that
// they are no harm: on a network that loses nothing all is as if there were
// none.
func TestVoiceCopies(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and all in one goroutine")
	}
	burst := func(_ *rand.Rand, i int) bool { return i%50 < 3 && i > 200 }
	tests := []struct {
		name   string
		sim    sim
		hidden float64       // share that may be made up
		high   time.Duration // depth
	}{
		{"clean", sim{again: 1}, 0, 32 * ms},
		{"clean, jitter 30 ms", sim{again: 1, jitter: uniform(30 * ms)}, 0.005, 60 * ms},
		{"clean, farther", sim{again: 4}, 0, 32 * ms},
		{"loss 5 %", sim{again: 1, lost: losing(0.05)}, 0.01, 56 * ms},
		{"loss 10 %", sim{again: 1, lost: losing(0.1)}, 0.02, 56 * ms},
		{"loss 20 %", sim{again: 1, lost: losing(0.2)}, 0.055, 56 * ms},
		{"loss 10 %, jitter 30 ms", sim{again: 1, lost: losing(0.1), jitter: uniform(30 * ms)}, 0.03, 90 * ms},
		{"bursts of 3, copies after 3", sim{again: 3, lost: burst}, 0.002, 100 * ms},
	}
	for _, tt := range tests {
		for i, phase := range []time.Duration{0, 7 * ms, 13 * ms, 0, 7 * ms} {
			t.Run(fmt.Sprintf("%s/%v/%v", tt.name, phase, i > 2), func(t *testing.T) {
				s := tt.sim
				s.length, s.phase, s.seed, s.short = 60*time.Second, phase, uint64(phase)+1, i > 2
				points := between(s.run(t), 12*time.Second, s.length)
				share, st := concealed(points), points[len(points)-1].stats
				_, mean, high := depths(points)
				t.Logf("mean depth %v, made up %.4f; %+v", mean, share, st)
				if share > tt.hidden || high > tt.high {
					t.Errorf("made up %.4f, depth up to %v, want at most %.4f and %v", share, high, tt.hidden, tt.high)
				}
				if st.Refused != 0 || s.jitter == nil && st.Late != 0 {
					t.Errorf("copies were taken for repeated or late packets: %+v", st)
				}
				if (st.Lost > 0.01) != (s.lost != nil) {
					t.Errorf("a loss of %.3f was measured", st.Lost)
				}
				if s.lost != nil && st.Repeated == 0 {
					t.Errorf("no copy was used: %+v", st)
				}
				if s.lost == nil {
					if _, plain, _ := depths(between(without(s).run(t), 12*time.Second, s.length)); mean != plain {
						t.Errorf("mean depth %v, and %v without copies", mean, plain)
					}
				}
			})
		}
	}
}

// without returns s without copies.
func without(s sim) *sim {
	s.again = 0
	return &s
}

// TestVoiceOldCopies checks that a copy is no harm at any time: long after its
// turn, before anything else, of another count, out of reach.
func TestVoiceOldCopies(t *testing.T) {
	v := newVoice(new(fakeDecoder))
	now := time.Unix(1e9, 0)
	var c media.Chunk
	heard := 0
	for i := range 500 {
		for _, behind := range []int{1, 2, 8, 60, 200} {
			v.Put(now, Packet{Index: uint16(2 * (i - behind)), Behind: uint8(behind), Age: time.Duration(behind) * LongPacket, Opus: fakePacket(max(i-behind, 0), 100)})
		}
		v.Put(now, Packet{Index: uint16(2*i + 30000), Behind: 1, Opus: fakePacket(i, 100)})
		if i >= 3 {
			v.Put(now, Packet{Index: uint16(2 * i), Opus: fakePacket(i, 100)})
		}
		for range 2 {
			if v.Get(now.Add(7*ms), &c) {
				heard++
			}
			checkJitter(t, &v.jitter)
			now = now.Add(chunk)
		}
	}
	st := v.Stats()
	if st.Late != 0 || st.Refused != 0 || st.Concealed != 0 || heard < 980 || st.Target != floorTarget {
		t.Errorf("%d chunks of 994 heard, %+v", heard, st)
	}
}

// TestRepair checks when a longer buffer is worth it.
func TestRepair(t *testing.T) {
	every := func(n int64) func(int64) bool { return func(i int64) bool { return i%n == 0 } }
	pause := func(i int64) bool { return i%500 < 50 }
	tests := []struct {
		name   string
		lost   func(i int64) bool
		behind int
		want   time.Duration
	}{
		{"no loss", func(int64) bool { return false }, 1, 0},
		{"loss of 0.4 %", every(250), 1, 0},
		{"loss of 5 %", every(20), 1, LongPacket},
		{"loss of 5 %, nothing sent again", every(20), 0, 0},
		{"loss of 5 %, far", every(20), 3, 3 * LongPacket},
		{"loss of 5 %, too far", every(20), 200, farthest * LongPacket},
		{"pauses", pause, 1, 0},
	}
	for _, tt := range tests {
		var r repair
		now := time.Duration(0)
		for i := range int64(4000) {
			now += LongPacket
			if tt.lost(i) {
				continue
			}
			r.arrive(i, LongPacket)
			if tt.behind > 0 {
				r.copied(now, tt.behind)
			}
		}
		if got := r.extra(now, LongPacket); got != tt.want {
			t.Errorf("%s: %v extra with %.3f lost, want %v", tt.name, got, r.lost, tt.want)
		}
		if got := r.extra(now+2*copiesLast, LongPacket); got != 0 {
			t.Errorf("%s: %v extra long after the last copy, want 0", tt.name, got)
		}
	}
	// What was only late is not lost.
	var r repair
	for i := range int64(4000) {
		r.arrive(i^1, LongPacket)
		r.copied(0, 1)
	}
	if r.on {
		t.Errorf("swapped packets were taken for a loss of %.3f", r.lost)
	}
}
