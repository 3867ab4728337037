package audio

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/sanix-darker/s2c/internal/media"
)

const ms = time.Millisecond

// uniform returns a jitter of 0 to d.
func uniform(d time.Duration) func(*rand.Rand, int, time.Duration) time.Duration {
	return func(r *rand.Rand, _ int, _ time.Duration) time.Duration {
		return time.Duration(r.Int64N(int64(d)))
	}
}

// spikes is a wireless network: mostly 4 ms, and now and then 30 to 120 ms.
func spikes(r *rand.Rand, _ int, _ time.Duration) time.Duration {
	d := time.Duration(r.ExpFloat64() * float64(4*ms))
	if r.IntN(100) == 0 {
		d += 30*ms + time.Duration(r.Int64N(int64(90*ms)))
	}
	return d
}

// losing returns a loss of that share.
func losing(share float64) func(*rand.Rand, int) bool {
	return func(r *rand.Rand, _ int) bool { return r.Float64() < share }
}

// bursts returns a device that asks for n chunks within a few milliseconds.
func bursts(n int) func(int, time.Duration) (time.Duration, bool) {
	return func(i int, at time.Duration) (time.Duration, bool) {
		return at - time.Duration(i%n)*9*ms, true
	}
}

// pauses returns a device that stops for a time and does not catch up.
func pauses(s span) func(int, time.Duration) (time.Duration, bool) {
	return func(_ int, at time.Duration) (time.Duration, bool) { return at, !s.has(at) }
}

// breathing is quiet for 400 ms every two seconds.
func breathing(i int) byte {
	if i%200 < 40 {
		return 0
	}
	return 100
}

// TestVoice runs calls over networks of all kinds and checks the time from
// capture to Get, less the 50 ms that the fastest packet takes, and how much
// was made up, from the start on and when it has settled.
func TestVoice(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and all in one goroutine")
	}
	second := time.Second
	tests := []struct {
		name    string
		sim     sim
		settled time.Duration // from then on the next three must hold
		low     time.Duration
		high    time.Duration
		hidden  float64 // share that may be made up
		always  uint64  // chunks that may be made up in all
	}{
		{"clean", sim{length: 20 * second}, 6 * second, 10 * ms, 32 * ms, 0, 0},
		{"index wraps around", sim{length: 20 * second, first: 65300}, 6 * second, 10 * ms, 32 * ms, 0, 0},
		{"jitter 5 ms", sim{length: 60 * second, jitter: uniform(5 * ms)}, 6 * second, 10 * ms, 40 * ms, 0, 0},
		{"jitter 30 ms", sim{length: 60 * second, jitter: uniform(30 * ms)}, 6 * second, 20 * ms, 60 * ms, 0.005, 30},
		{"jitter 30 ms in order", sim{length: 60 * second, jitter: uniform(30 * ms), ordered: true}, 6 * second, 20 * ms, 60 * ms, 0.005, 30},
		{"jitter 60 ms", sim{length: 60 * second, jitter: uniform(60 * ms)}, 6 * second, 40 * ms, 90 * ms, 0.005, 40},
		{"jitter 400 ms", sim{length: 60 * second, jitter: uniform(400 * ms)}, 6 * second, 20 * ms, 310 * ms, 0.65, 4000},
		{"spikes in order", sim{length: 120 * second, jitter: spikes, ordered: true}, 6 * second, 10 * ms, 200 * ms, 0.015, 200},
		{"loss 5 %", sim{length: 60 * second, lost: losing(0.05)}, 6 * second, 10 * ms, 36 * ms, 0.06, 360},
		{"loss 10 %", sim{length: 60 * second, lost: losing(0.1)}, 6 * second, 10 * ms, 36 * ms, 0.115, 690},
		{"loss and jitter", sim{length: 60 * second, lost: losing(0.05), jitter: uniform(30 * ms)}, 6 * second, 20 * ms, 60 * ms, 0.065, 390},
		{"sender fast", sim{length: 600 * second, drift: -500}, 6 * second, 5 * ms, 36 * ms, 0, 0},
		{"sender slow", sim{length: 600 * second, drift: 500}, 6 * second, -1, 36 * ms, 0.001, 40},
		{"sender slow, speech", sim{length: 600 * second, drift: 500, jitter: uniform(10 * ms), talk: breathing}, 6 * second, 5 * ms, 40 * ms, 0.001, 50},
		{"stall 60 ms", sim{length: 20 * second, stalls: []span{{10 * second, 10*second + 60*ms}}}, 14 * second, 10 * ms, 40 * ms, 0, 6},
		{"stall 200 ms", sim{length: 20 * second, stalls: []span{{10 * second, 10*second + 200*ms}}}, 10*second + 600*ms, 5 * ms, 40 * ms, 0, 10},
		{"stall 500 ms", sim{length: 20 * second, stalls: []span{{10 * second, 10*second + 500*ms}}}, 10*second + 600*ms, 5 * ms, 40 * ms, 0, 10},
		{"stall 2 s", sim{length: 20 * second, stalls: []span{{10 * second, 12 * second}}}, 12*second + 100*ms, 5 * ms, 40 * ms, 0, 10},
		{"stall 8 s", sim{length: 30 * second, stalls: []span{{10 * second, 18 * second}}}, 18*second + 100*ms, 5 * ms, 40 * ms, 0, 10},
		{"stall again and again", sim{length: 60 * second, stalls: every(3*second, 300*ms)}, 57*second + 500*ms, 5 * ms, 40 * ms, 0, 200},
		{"four at once", sim{length: 20 * second, gets: bursts(4)}, 6 * second, 10 * ms, 52 * ms, 0, 0},
		{"four at once, coarse 10 ms", sim{length: 60 * second, gets: bursts(4), grain: 10 * ms, jitter: uniform(10 * ms)}, 6 * second, 10 * ms, 70 * ms, 0, 0},
		{"four at once, coarse 20 ms", sim{length: 60 * second, gets: bursts(4), grain: 20 * ms, jitter: uniform(10 * ms)}, 6 * second, 20 * ms, 80 * ms, 0, 0},
		{"ten at once", sim{length: 60 * second, gets: bursts(10)}, 6 * second, 10 * ms, 110 * ms, 0, 4},
		{"device pauses 500 ms", sim{length: 20 * second, gets: pauses(span{10 * second, 10*second + 500*ms})}, 12 * second, 5 * ms, 40 * ms, 0, 0},
		{"device pauses 3 s", sim{length: 20 * second, gets: pauses(span{10 * second, 13 * second})}, 14 * second, 5 * ms, 40 * ms, 0, 0},
		{"swapped pairs", sim{length: 20 * second, jitter: func(_ *rand.Rand, i int, _ time.Duration) time.Duration {
			return time.Duration(1-i%2) * 25 * ms
		}}, 6 * second, 20 * ms, 60 * ms, 0, 6},
		{"all twice", sim{length: 20 * second, twice: func(int) bool { return true }}, 6 * second, 10 * ms, 32 * ms, 0, 0},
		{"way longer by 100 ms", sim{length: 30 * second, route: func(sent time.Duration) time.Duration {
			return sent / (10 * second) % 2 * 100 * ms
		}}, 26 * second, 5 * ms, 60 * ms, 0, 30},
		{"way longer by 100 ms for good, speech", sim{length: 30 * second, talk: breathing, route: func(sent time.Duration) time.Duration {
			return min(sent/(10*second), 1) * 100 * ms
		}}, 16 * second, 105 * ms, 150 * ms, 0, 20},
		{"way shorter by 60 ms", sim{length: 20 * second, route: func(sent time.Duration) time.Duration {
			return max(1-sent/(10*second), 0) * 60 * ms
		}}, 12*second + 500*ms, 5 * ms, 52 * ms, 0, 0},
		{"counts anew from 0", sim{length: 20 * second, first: 7000, restart: restartAt(1000, 0)}, 10*second + 300*ms, 5 * ms, 40 * ms, 0, 10},
		{"counts anew a little lower", sim{length: 20 * second, first: 7000, restart: restartAt(1000, 7450)}, 10*second + 400*ms, 5 * ms, 40 * ms, 0, 10},
		{"counts anew far off", sim{length: 20 * second, first: 7000, restart: restartAt(1000, 40268)}, 10*second + 300*ms, 5 * ms, 40 * ms, 0, 10},
	}
	for _, tt := range tests {
		for _, short := range []bool{false, true} {
			phases := []time.Duration{0, 7 * ms, 13 * ms, 19 * ms}
			if short { // twice the work
				phases = phases[:2]
			}
			for _, phase := range phases {
				t.Run(fmt.Sprintf("%s/%v/%v", tt.name, short, phase), func(t *testing.T) {
					s := tt.sim
					s.phase, s.seed, s.short = phase, uint64(phase), short
					points := s.run(t)
					settled := between(points, tt.settled, s.length)
					low, mean, high := depths(settled)
					share, end := concealed(settled), points[len(points)-1].stats
					t.Logf("depth %v, %v, %v; made up %.4f; %+v", low, mean, high, share, end)
					least := tt.low
					if short {
						least -= 5 * ms
					}
					if low < least || high > tt.high {
						t.Errorf("depth is %v to %v, want %v to %v", low, high, least, tt.high)
					}
					if share > tt.hidden || end.Concealed > tt.always {
						t.Errorf("made up %.4f and %d in all, want at most %.4f and %d", share, end.Concealed, tt.hidden, tt.always)
					}
					if n := silences(settled); n > 0 && tt.hidden < 0.5 {
						t.Errorf("%d chunks of silence", n)
					}
				})
			}
		}
	}
}

// every returns 19 stalls at that distance.
func every(distance, length time.Duration) (stalls []span) {
	for i := range time.Duration(19) {
		at := (i + 1) * distance
		stalls = append(stalls, span{at, at + length})
	}
	return stalls
}

// restartAt lets the chunks from the nth on count from an index.
func restartAt(n int, index uint16) func(int, uint16) uint16 {
	return func(i int, old uint16) uint16 {
		if i < n {
			return old
		}
		return index + uint16(i-n)
	}
}

// silences counts the points without sound.
func silences(points []point) (n int) {
	for _, p := range points {
		if !p.ok {
			n++
		}
	}
	return n
}

// TestVoiceMeanDelay checks what a perfect network costs, for every phase that
// the playing device may have.
func TestVoiceMeanDelay(t *testing.T) {
	for _, tt := range []struct {
		short     bool
		low, high time.Duration
	}{{false, 12 * ms, 20 * ms}, {true, 7 * ms, 15 * ms}} {
		var sum time.Duration
		for phase := range 20 {
			s := sim{length: 10 * time.Second, phase: time.Duration(phase) * ms, short: tt.short}
			_, mean, _ := depths(between(s.run(t), 6*time.Second, s.length))
			sum += mean
		}
		mean := sum / 20
		t.Logf("short %v: mean %v", tt.short, mean)
		if mean < tt.low || mean > tt.high {
			t.Errorf("short %v: mean delay in the buffer is %v, want %v to %v", tt.short, mean, tt.low, tt.high)
		}
	}
}

// TestVoiceLoss checks that what is lost on a perfect network is made up one
// for one and does not move the delay, however little the buffer holds.
func TestVoiceLoss(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and all in one goroutine")
	}
	for phase := range 20 {
		for row := 1; row <= 4; row++ {
			s := sim{length: 30 * time.Second, phase: time.Duration(phase) * ms, lost: func(_ *rand.Rand, i int) bool {
				return i%50 < row && i >= 350
			}}
			points := between(s.run(t), 6*time.Second, s.length-ms*500)
			low, _, high := depths(points)
			if low != high {
				t.Errorf("phase %d ms, %d in a row: depth is %v to %v, want it constant", phase, row, low, high)
			}
			if end := points[len(points)-1].stats; end.Concealed != 46*uint64(row) {
				t.Errorf("phase %d ms: %d chunks made up for 23 times %d lost packets", phase, end.Concealed, row)
			}
		}
	}
}

// TestVoiceWaitsForPauses checks that a buffer which must follow the sender's
// clock does so between the words, and drops nothing.
func TestVoiceWaitsForPauses(t *testing.T) {
	for _, drift := range []float64{-500, 500} {
		s := sim{length: 600 * time.Second, drift: drift, phase: 7 * ms, jitter: uniform(10 * ms), talk: breathing}
		points := between(s.run(t), 6*time.Second, s.length)
		for i, p := range points[1:] {
			before := points[i].stats
			if p.stats.Concealed+p.stats.Dropped != before.Concealed+before.Dropped {
				t.Errorf("drift %v ppm: at %v chunks were made up or dropped: %+v became %+v", drift, p.at, before, p.stats)
			}
			if p.stats.Shortened+p.stats.Lengthened != before.Shortened+before.Lengthened && p.stats.Level > -60 {
				t.Errorf("drift %v ppm: at %v, in the middle of a word, %+v became %+v", drift, p.at, before, p.stats)
			}
		}
		// 600 s * 500 ppm = 300 ms
		first, last := points[0].stats, points[len(points)-1].stats
		right, wrong := last.Shortened-first.Shortened, last.Lengthened-first.Lengthened
		if drift > 0 {
			right, wrong = wrong, right
		}
		if right < 280*ms || right > 340*ms || wrong > 20*ms {
			t.Errorf("drift %v ppm: corrected by %v, and by %v the other way, want 300 ms and 0", drift, right, wrong)
		}
	}
}

// TestVoiceWaits checks that a packet which is late while the buffer is too
// short is waited for, though a later one is there: less than one in 50.
func TestVoiceWaits(t *testing.T) {
	var end VoiceStats
	for phase := range 20 {
		s := sim{length: 20 * time.Second, phase: time.Duration(phase) * ms, seed: uint64(phase), jitter: func(r *rand.Rand, i int, _ time.Duration) time.Duration {
			if i < 300 {
				return 0
			}
			return time.Duration(r.Int64N(int64(100 * ms)))
		}}
		points := s.run(t)
		st := points[len(points)-1].stats
		end.Concealed += st.Concealed
		end.Late += st.Late
	}
	if end.Concealed > 560 || end.Late > 160 {
		t.Errorf("%d chunks made up, %d packets late of 14000, want at most 560 and 160", end.Concealed, end.Late)
	}
}

func TestVoiceMute(t *testing.T) {
	second := time.Second
	tests := []struct {
		name   string
		length time.Duration
		mute   span
	}{
		{"short", 16 * second, span{8 * second, 8*second + 300*ms}},
		{"long", 26 * second, span{8 * second, 18 * second}},
		{"longer than the index", 1420 * second, span{8 * second, 1400 * second}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := sim{length: tt.length, phase: 7 * ms, mutes: []span{tt.mute}}
			points := s.run(t)
			before := points[len(points)-1].stats
			if before.Concealed != fadeChunks {
				t.Errorf("%d chunks made up, want %d after the last packet", before.Concealed, fadeChunks)
			}
			if before.Refused != 0 {
				t.Errorf("%d packets refused after the pause", before.Refused)
			}
			// From capture to Get it takes the way and up to 40 ms; the fade
			// is 100 ms long.
			for _, p := range between(points, tt.mute.from+200*ms, tt.mute.to+way) {
				if p.ok || p.stats.Level != silence {
					t.Fatalf("at %v sound of %.0f dBFS, want none", p.at, p.stats.Level)
				}
			}
			back := between(points, tt.mute.to+way+40*ms, s.length)
			if n := silences(back); n > 0 {
				t.Errorf("%d chunks of silence after the pause", n)
			}
			if low, _, high := depths(back); low < 5*ms || high > 52*ms {
				t.Errorf("depth after the pause is %v to %v", low, high)
			}
		})
	}
}

// TestVoiceNobody checks a member who never sends.
func TestVoiceNobody(t *testing.T) {
	v, err := NewVoice()
	if err != nil {
		t.Fatal(err)
	}
	c := media.Chunk{PCM: samples{1, 2, 3}}
	now := time.Unix(1e9, 0)
	for range 20 {
		now = now.Add(chunk)
		if v.Get(now, &c) || c.PCM != (samples{}) || !c.At.Equal(now) {
			t.Fatal("Get made sound of nothing")
		}
	}
	want := VoiceStats{Target: startTarget, Level: silence}
	if got := v.Stats(); got != want {
		t.Errorf("Stats() = %+v, want %+v", got, want)
	}
}

// TestVoiceDuplicates checks that copies are told from late packets.
func TestVoiceDuplicates(t *testing.T) {
	s := sim{length: 10 * time.Second, phase: 7 * ms, twice: func(i int) bool { return i%10 == 0 }}
	points := s.run(t)
	st := points[len(points)-1].stats
	if st.Late != 0 || st.Refused < 48 || st.Refused > 50 {
		t.Errorf("%d late, %d refused, want 0 and 49", st.Late, st.Refused)
	}
}

// TestVoiceLate checks that a packet which comes after its turn is counted,
// not played.
func TestVoiceLate(t *testing.T) {
	s := sim{length: 10 * time.Second, phase: 7 * ms, jitter: func(_ *rand.Rand, i int, _ time.Duration) time.Duration {
		if i == 300 {
			return 300 * ms
		}
		return 0
	}}
	points := s.run(t)
	if st := points[len(points)-1].stats; st.Late != 1 || st.Concealed != 2 {
		t.Errorf("%d late, %d chunks made up, want one and two", st.Late, st.Concealed)
	}
}

func TestVoiceRefuses(t *testing.T) {
	v := newVoice(new(fakeDecoder))
	now := time.Unix(1e9, 0)
	long := append([]byte{15 << 3}, make([]byte, MaxPacket)...)
	for _, p := range [][]byte{nil, {15 << 3}, {15<<3 | 1, 0}, long} {
		v.Put(now, Packet{Opus: p})
	}
	var c media.Chunk
	for range 10 {
		now = now.Add(chunk)
		if v.Get(now, &c) {
			t.Fatal("a malformed packet was played")
		}
	}
	if got := v.Stats().Refused; got != 4 {
		t.Errorf("%d packets refused, want 4", got)
	}
}

// TestVoiceAt checks that a chunk says when it was captured.
func TestVoiceAt(t *testing.T) {
	v := newVoice(new(fakeDecoder))
	captured := time.Unix(1e9, 0)
	var c media.Chunk
	for i := range 20 {
		begun := captured.Add(time.Duration(i) * chunk)
		if i%2 == 0 {
			v.Put(begun.Add(30*ms), Packet{Index: uint16(i), Age: 30 * ms, Opus: fakePacket(i, 100)})
		}
		if v.Get(begun.Add(35*ms), &c) {
			// A few chunks before the newest one.
			if d := begun.Sub(c.At); d < 0 || d > 40*ms || d%chunk != 0 {
				t.Errorf("chunk %d is of %v before the newest", i, d)
			}
			if got, want := v.Stats().Delay, begun.Add(35*ms).Sub(c.At); got != want {
				t.Errorf("Delay = %v, want %v", got, want)
			}
		}
	}
	if v.Stats().Played < 14 {
		t.Errorf("%d chunks played, want 14 or more", v.Stats().Played)
	}
}

// TestVoiceConcurrent is for the race detector.
func TestVoiceConcurrent(t *testing.T) {
	v := newVoice(new(fakeDecoder))
	start := time.Unix(1e9, 0)
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := range 2000 {
			v.Put(start.Add(time.Duration(i)*LongPacket), Packet{Index: uint16(2 * i), Opus: fakePacket(i, 100)})
		}
	})
	wg.Go(func() {
		for range 2000 {
			if st := v.Stats(); st.Target < shortTarget || st.Target > capTarget {
				t.Errorf("Target = %v", st.Target)
				return
			}
		}
	})
	var c media.Chunk
	for i := range 4000 {
		v.Get(start.Add(time.Duration(i)*chunk+7*ms), &c)
	}
	wg.Wait()
	checkJitter(t, &v.jitter)
}

// checkJitter checks what must always be so.
func checkJitter(t *testing.T, j *jitter) {
	t.Helper()
	n := 0
	for i := range j.slots {
		s := &j.slots[i]
		if s.state != waiting {
			continue
		}
		n++
		if s.index < j.next || s.index >= j.next+slots || s.index > j.newest || int(s.index&(slots-1)) != i {
			t.Fatalf("packet %d waits in slot %d; next is %d, newest %d", s.index, i, j.next, j.newest)
		}
	}
	if (j.ahead-j.owed)%media.ChunkSamples != 0 || j.ahead < 0 || j.ahead >= 3*media.ChunkSamples {
		t.Fatalf("%d samples ahead, %d owed", j.ahead, j.owed)
	}
	if n != j.filled {
		t.Fatalf("%d packets wait, counted %d", n, j.filled)
	}
}
