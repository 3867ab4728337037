package audio

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/sanix-darker/s2c/internal/media"
)

// TestSkim checks that what nobody hears goes by at the pace of what is heard,
// with every network, and that Get goes on where Skim ended.
func TestSkim(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and all in one goroutine")
	}
	second := time.Second
	skim := func(at time.Duration) bool { return at/second%10 >= 5 }
	tests := []struct {
		name string
		sim  sim
		high time.Duration
		made uint64 // chunks in what is heard
	}{
		{"clean", sim{}, 25 * ms, 0},
		{"jitter 30 ms", sim{jitter: uniform(30 * ms)}, 50 * ms, 6},
		{"loss 5 %", sim{lost: losing(0.05)}, 27 * ms, 450},
		{"sender fast", sim{drift: -500}, 30 * ms, 0},
		{"sender slow", sim{drift: 500}, 30 * ms, 6},
		{"stalls", sim{stalls: every(3*second, 300*ms)}, 160 * ms, 200},
	}
	for _, tt := range tests {
		for _, short := range []bool{false, true} {
			s := tt.sim
			s.length, s.phase, s.seed, s.short, s.skim = 100*second, 7*ms, 3, short, skim
			points := between(s.run(t), 15*second, s.length)
			heard := slices.DeleteFunc(slices.Clone(points), func(p point) bool { return skim(p.at) })
			_, _, high := depths(heard)
			if high > tt.high {
				t.Errorf("%s, short %v: depth up to %v, want %v", tt.name, short, high, tt.high)
			}
			first, last := points[0].stats, points[len(points)-1].stats
			if got := last.Concealed - first.Concealed; got > tt.made {
				t.Errorf("%s, short %v: %d chunks made up, want %d or less", tt.name, short, got, tt.made)
			}
			// Half of the time, give or take what a packet has in excess.
			if got := last.Skimmed - first.Skimmed; got < 3800 || got > 4800 {
				t.Errorf("%s, short %v: %d chunks skimmed, want about 4500", tt.name, short, got)
			}
			if n := silences(points); n > 0 && tt.sim.stalls == nil {
				t.Errorf("%s, short %v: %d chunks in which nothing is sent", tt.name, short, n)
			}
		}
	}
}

// TestSkimFades checks that there is no click between Skim and Get, and that
// what is heard then is what is said.
func TestSkimFades(t *testing.T) {
	for _, span := range []time.Duration{LongPacket, ShortPacket} {
		packets := encodeWith(t, EncoderConfig{Bitrate: 32000, Packet: span}, tone(6*media.SampleRate, 480, 10000))
		v, err := NewVoice()
		if err != nil {
			t.Fatal(err)
		}
		var c media.Chunk
		var out []int16
		now := time.Unix(1e9, 0)
		n := int(ticks(span))
		for i, p := range packets {
			v.Put(now, Packet{Index: uint16(i * n), Opus: p})
			for range n {
				if skim := i*n < 500 && i*n%100 < 95; skim {
					if !v.Skim(now.Add(7*ms)) && i*n > 20 {
						t.Fatalf("packets of %v: nobody sends at packet %d", span, i)
					}
					if l := v.Stats().Level; l != silence && i*n > 20 && i*n%100 > 2 {
						t.Fatalf("packets of %v: a level of %v dBFS of what is not decoded", span, l)
					}
					out = append(out, make([]int16, len(c.PCM))...)
				} else {
					if !v.Get(now.Add(7*ms), &c) {
						t.Fatalf("packets of %v: nothing is heard at packet %d", span, i)
					}
					out = append(out, c.PCM[:]...)
				}
				now = now.Add(chunk)
			}
		}
		for i := 95; i < 500; i += 100 {
			piece := out[i*media.ChunkSamples : (i+4)*media.ChunkSamples]
			if step := steepest(piece); step > 1000 {
				t.Errorf("packets of %v: a step of %d after Skim, want at most 1000", span, step)
			}
		}
		if l := level(out[550*media.ChunkSamples : 560*media.ChunkSamples]); l < -14 || l > -12 {
			t.Errorf("packets of %v: %.1f dBFS after Skim, want about -13", span, l)
		}
	}
}

// TestHeld checks that what was said just before a key is heard whole, that the
// delay it brings is soon caught up with, and that nobody can make it more than
// that.
func TestHeld(t *testing.T) {
	second := time.Second
	tests := []struct {
		name    string
		sim     sim
		dropped time.Duration // of what was held back
		first   bool          // there was nothing before
	}{
		{"100 ms", sim{held: 100 * ms, mutes: []span{{8 * second, 12 * second}}}, 0, false},
		{"60 ms", sim{held: 60 * ms, mutes: []span{{8 * second, 12 * second}}}, 0, false},
		{"at the start of a call", sim{held: 100 * ms, mutes: []span{{0, second}}}, 0, true},
		{"after a minute", sim{held: 100 * ms, drift: 200, mutes: []span{{8 * second, 68 * second}}}, 0, false},
		{"too much", sim{held: 600 * ms, mutes: []span{{8 * second, 12 * second}}}, 500 * ms, false},
	}
	for _, tt := range tests {
		for _, short := range []bool{false, true} {
			for _, phase := range []time.Duration{0, 7 * ms, 13 * ms} {
				s := tt.sim
				mute := s.mutes[0]
				s.phase, s.short, s.length, s.talk = phase, short, mute.to+12*second, breathing
				points := s.run(t)
				end := points[len(points)-1].stats
				if want := uint64(tt.dropped / chunk); end.Dropped+3 < want || end.Dropped > want+6 || end.Dropped > 0 && want == 0 {
					t.Errorf("%s, short %v, %v: %d chunks dropped, want %d", tt.name, short, phase, end.Dropped, want)
				}
				if end.Late != 0 || end.Refused != 0 || end.Lost != 0 || end.Concealed > 2*fadeChunks {
					t.Errorf("%s, short %v, %v: %+v", tt.name, short, phase, end)
				}
				if end.Target > floorTarget {
					t.Errorf("%s, short %v, %v: held packets were taken for jitter: the target is %v", tt.name, short, phase, end.Target)
				}
				_, _, high := depths(between(points, mute.to+way, s.length))
				if most := startTarget + mostHeld + 30*ms; high > most {
					t.Errorf("%s, short %v, %v: depth up to %v, want %v", tt.name, short, phase, high, most)
				}
				if _, _, high := depths(between(points, mute.to+4*second, s.length)); high > 40*ms {
					t.Errorf("%s, short %v, %v: depth is %v four seconds later", tt.name, short, phase, high)
				}
			}
		}
	}
}

// TestHeldOnly checks that a member who holds back everything is not heard, and
// does no harm to who comes after.
func TestHeldOnly(t *testing.T) {
	v := newVoice(new(fakeDecoder))
	now := time.Unix(1e9, 0)
	var c media.Chunk
	r := rand.New(rand.NewPCG(1, 1))
	for i := range 500 {
		v.Put(now, Packet{Index: uint16(r.IntN(1<<15) * 2), Held: true, Opus: fakePacket(i, 100)})
		for range 2 {
			if v.Get(now.Add(5*ms), &c) {
				t.Fatalf("packet %d is heard", i)
			}
			now = now.Add(chunk)
		}
		checkJitter(t, &v.jitter)
	}
	heard := 0
	for i := range 100 {
		v.Put(now, Packet{Index: uint16(2 * i), Opus: fakePacket(i, 100)})
		for range 2 {
			if v.Get(now.Add(5*ms), &c) {
				heard++
			}
			now = now.Add(chunk)
		}
	}
	if heard < 160 {
		t.Errorf("%d chunks of 200 are heard after that: %+v", heard, v.Stats())
	}
}

// TestVoiceLength checks that a member who changes the length of the packets is
// heard on, and that a single packet of another length is refused.
func TestVoiceLength(t *testing.T) {
	v := newVoice(new(fakeDecoder))
	now := time.Unix(1e9, 0)
	var c media.Chunk
	silent := 0
	for i := range 1600 { // chunks
		p := Packet{Index: uint16(i), Opus: fakePacket(i, 100)}
		short := i >= 400 && i < 1000
		if short {
			p.Opus = fakeShort(i, 100)
		}
		if short || i%2 == 0 {
			v.Put(now, p)
		}
		if i%100 == 50 { // strays
			p.Opus = fakeShort(i, 100)
			if short {
				p.Opus = fakePacket(i, 100)
			}
			v.Put(now, p)
		}
		if !v.Get(now.Add(7*ms), &c) && i > 20 {
			silent++
		}
		checkJitter(t, &v.jitter)
		now = now.Add(chunk)
	}
	st := v.Stats()
	if silent > 0 || st.Refused > 16+7+3 || st.Concealed > 30 {
		t.Errorf("%d silent chunks, %+v", silent, st)
	}
	// A packet of 20 ms cannot begin in the middle of one.
	before := st.Refused
	if v.Put(now, Packet{Index: 1601, Opus: fakePacket(1, 100)}); v.Stats().Refused != before+1 {
		t.Error("a long packet with an odd index was taken")
	}
}
