package call

import (
	"testing"
	"time"

	"github.com/sanix-darker/s2c/internal/audio"
	"github.com/sanix-darker/s2c/internal/wire"
)

func TestShieldCopies(t *testing.T) {
	for _, units := range []uint16{1, 2} {
		s := shield{units: units}
		for level, p := range protections {
			s.level = level
			s.forget()
			index := uint16(65536 - 6*int(units)) // it wraps around
			for n := range 12 {
				v := wire.Voice{Index: index, Opus: []byte{byte(index), byte(index >> 8)}}
				s.protect(&v)
				var want []uint16
				for _, c := range p.copies {
					if n >= int(c) {
						want = append(want, uint16(c)*units)
					}
				}
				if v.N != len(want) {
					t.Fatalf("level %d: packet %d has %d copies, want %d", level, n, v.N, len(want))
				}
				for i, c := range v.Copies[:v.N] {
					of := index - uint16(c.Before)
					if uint16(c.Before) != want[i] || c.Opus[0] != byte(of) || c.Opus[1] != byte(of>>8) {
						t.Errorf("level %d: packet %d has a copy of %d before, want %d", level, n, c.Before, want[i])
					}
				}
				s.remember(&v)
				index += units
			}
			// After a pause nothing of before comes again.
			s.forget()
			v := wire.Voice{Index: index, Opus: []byte{1}}
			if s.protect(&v); v.N != 0 {
				t.Errorf("level %d: %d copies after everything was forgotten", level, v.N)
			}
		}
	}
}

func TestShieldLooks(t *testing.T) {
	type look struct {
		after    time.Duration
		loss     float64
		slow     bool
		pictures bool
	}
	const s = time.Second
	tests := []struct {
		name  string
		looks []look
		level int
		rate  int
	}{
		{"nothing", []look{{}}, 0, startRate},
		{"little", []look{{loss: 0.005}}, 0, startRate},
		{"some", []look{{loss: 0.02}}, 1, startRate},
		{"much", []look{{loss: 0.2}}, 2, startRate},
		{"more", []look{{loss: 0.02}, {after: s, loss: 0.1}}, 2, startRate},
		{"a little less", []look{{loss: 0.1}, {after: 60 * s, loss: 0.03}}, 2, startRate},
		{"less, not for long", []look{{loss: 0.1}, {after: 29 * s, loss: 0.02}}, 2, startRate},
		{"less", []look{{loss: 0.1}, {after: 30 * s, loss: 0.02}}, 1, startRate},
		{"none any more", []look{{loss: 0.1}, {after: 30 * s}, {after: 29 * s}, {after: s}}, 0, startRate},
		{"good for long", []look{{}, {after: 20 * s}}, 0, goodRate},
		{"good for long, with pictures", []look{{}, {after: 20 * s, pictures: true}}, 0, startRate},
		{"good again", []look{{loss: 0.1}, {after: 30 * s}, {after: 29 * s}, {after: s}, {after: 20 * s}}, 0, goodRate},
		{"slow", []look{{slow: true}}, 0, slowRate},
		{"slow, so it loses", []look{{loss: 0.2, slow: true}}, 0, slowRate},
		{"loses too much", []look{{loss: 0.3}}, 0, slowRate},
		{"loses too much for a moment", []look{{loss: 0.2}, {after: 2 * s, loss: 0.5}, {after: 2 * s, loss: 0.2}}, 2, startRate},
		{"begins to lose too much", []look{{}, {after: 3 * s, loss: 0.5}, {after: 3 * s, loss: 0.5}, {after: 3 * s, loss: 0.5}}, 0, slowRate},
		{"slow a while ago", []look{{slow: true}, {after: 14 * s, loss: 0.2}}, 0, slowRate},
		{"slow long ago", []look{{slow: true}, {after: 15 * s, loss: 0.2}}, 2, startRate},
		{"slow again", []look{{slow: true}, {after: 15 * s}, {after: s, slow: true}, {after: 29 * s}}, 0, slowRate},
		{"slow again, then not", []look{{slow: true}, {after: 15 * s}, {after: s, slow: true}, {after: 29 * s}, {after: s}}, 0, startRate},
	}
	for _, test := range tests {
		var sh shield
		now := time.Unix(1e9, 0)
		for _, l := range test.looks {
			now = now.Add(l.after)
			sh.look(l.loss, l.slow, l.pictures, now)
		}
		if sh.level != test.level || sh.rate != test.rate {
			t.Errorf("%s: level %d, rate %d, want %d, %d", test.name, sh.level, sh.rate, test.level, test.rate)
		}
	}
}

// TestShieldFits checks that the most protected packet fits into a datagram.
func TestShieldFits(t *testing.T) {
	s := shield{units: 2}
	top := protections[len(protections)-1]
	s.level = len(protections) - 1
	size := bitrate(goodRate, 1) / 8 / 50 // more than there is
	for i := range uint16(10) {
		v := wire.Voice{Index: 2 * i, Opus: make([]byte, size)}
		s.protect(&v)
		s.remember(&v)
		if n := len(v.Append(nil)); n > wire.MaxPlain || i > farCopy && v.N != len(top.copies) {
			t.Errorf("packet %d: %d copies, %d bytes", i, v.N, n)
		}
	}
	for _, p := range protections {
		for _, c := range p.copies {
			if c > farCopy || len(p.copies) > wire.MaxCopies {
				t.Errorf("%+v has a copy too many or too far", p)
			}
		}
	}
}

func TestShieldAllocs(t *testing.T) {
	s := shield{units: 2, level: 2}
	opus := make([]byte, 80)
	var plain [wire.MaxPlain]byte
	var index uint16
	if n := testing.AllocsPerRun(100, func() {
		index += 2
		v := wire.Voice{Index: index, Opus: opus}
		s.protect(&v)
		v.Append(plain[:0])
		s.remember(&v)
	}); n != 0 {
		t.Errorf("a packet allocates %v times", n)
	}
	if size := len(s.last[0].data); size != audio.MaxPacket {
		t.Errorf("a packet of %d bytes is kept whole, want %d", size, audio.MaxPacket)
	}
}

func TestTide(t *testing.T) {
	const ms = time.Millisecond
	// age returns how old the packet is that comes after so long.
	tests := []struct {
		name string
		age  func(at time.Duration) time.Duration
		want []bool // after 5, 10, 20 and 75 s
	}{
		{"even", func(time.Duration) time.Duration { return 50 * ms }, []bool{false, false, false, false}},
		{"by clocks that differ", func(time.Duration) time.Duration { return -time.Hour }, []bool{false, false, false, false}},
		{"jitter", func(at time.Duration) time.Duration {
			return 50*ms + at%(7*20*ms)*2
		}, []bool{false, false, false, false}},
		{"by a clock that drifts", func(at time.Duration) time.Duration { return 50*ms + at/2000 }, []bool{false, false, false, false}},
		{"a queue", func(at time.Duration) time.Duration {
			return 50*ms + min(at/20, 300*ms)
		}, []bool{true, true, true, false}}, // in the end it is how it is
		{"a queue from 8 s on", func(at time.Duration) time.Duration {
			if at > 8*time.Second {
				return 250 * ms
			}
			return 50 * ms
		}, []bool{false, true, true, false}},
	}
	for _, test := range tests {
		var td tide
		now := time.Unix(1e9, 0)
		i := 0
		for at := time.Duration(0); at <= 75*time.Second; at += 20 * ms {
			td.take(test.age(at), now.Add(at))
			for _, check := range []time.Duration{5 * time.Second, 10 * time.Second, 20 * time.Second, 75 * time.Second} {
				if at == check {
					if got := td.high(now.Add(at), tideHigh); got != test.want[i] {
						t.Errorf("%s: slow %v after %v, want %v", test.name, got, at, test.want[i])
					}
					i++
				}
			}
		}
		if td.high(now.Add(90*time.Second), tideHigh) {
			t.Errorf("%s: slow though nothing comes", test.name)
		}
	}
}
