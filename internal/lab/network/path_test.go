package network

import (
	"math"
	"slices"
	"testing"
	"time"
)

func TestLosses(t *testing.T) {
	const count = 300000
	for _, c := range []struct{ share, burst float64 }{
		{0, 1}, {0.01, 1}, {0.2, 0}, {0.2, 1}, {0.01, 3}, {0.1, 3}, {0.2, 3}, {0.05, 8}, {1, 1}, {1, 3},
	} {
		l, again := NewLosses(7, c.share, c.burst), NewLosses(7, c.share, c.burst)
		lost, rows, before := 0, 0, false
		for i := range count {
			x := l.Next()
			if x != again.Next() {
				t.Fatalf("%+v: frame %d differs the second time", c, i)
			}
			if x {
				lost++
				if !before {
					rows++
				}
			}
			before = x
		}
		share := float64(lost) / count
		if math.Abs(share-c.share) > 0.05*c.share {
			t.Errorf("%+v: %.4f are lost", c, share)
		}
		if c.share == 0 || c.share == 1 {
			continue
		}
		want := max(c.burst, 1/(1-c.share)) // also by chance some are neighbours
		if row := float64(lost) / float64(rows); math.Abs(row-want) > 0.05*want {
			t.Errorf("%+v: %.2f in a row on average, want %.2f", c, row, want)
		}
	}
}

const ms = time.Millisecond

func TestPath(t *testing.T) {
	type sent struct {
		at   time.Duration
		size int
	}
	const never = -1
	for _, c := range []struct {
		name   string
		shape  Shape
		frames []sent
		want   []time.Duration
		counts Counters
	}{
		{"nothing", Shape{}, []sent{{0, 100}, {5 * ms, 100}}, []time.Duration{0, 5 * ms}, Counters{Frames: 2, Bytes: 200}},
		{"delay", Shape{Delay: 20 * ms}, []sent{{0, 100}, {5 * ms, 100}}, []time.Duration{20 * ms, 25 * ms}, Counters{Frames: 2, Bytes: 200}},
		{"cut", Shape{Cut: true}, []sent{{0, 100}}, []time.Duration{never}, Counters{Frames: 1, Bytes: 100, Lost: 1}},
		{"all lost", Shape{Loss: 1}, []sent{{0, 100}}, []time.Duration{never}, Counters{Frames: 1, Bytes: 100, Lost: 1}},
		{
			"rate",
			Shape{Rate: 80, Delay: ms}, // 10 bytes a ms
			[]sent{{0, 100}, {0, 200}, {100 * ms, 100}},
			[]time.Duration{11 * ms, 31 * ms, 111 * ms},
			Counters{Frames: 3, Bytes: 400},
		},
		{
			"full queue",
			Shape{Rate: 80, Queue: 15 * ms},
			[]sent{{0, 100}, {0, 100}, {0, 100}, {4 * ms, 100}, {6 * ms, 100}},
			[]time.Duration{10 * ms, 20 * ms, never, never, 30 * ms},
			Counters{Frames: 5, Bytes: 500, Dropped: 2},
		},
	} {
		p := newPath()
		p.set(c.shape)
		for i, f := range c.frames {
			at, ok := p.pass(f.at, f.size, false)
			if !ok {
				at = never
			}
			if at != c.want[i] {
				t.Errorf("%s: frame %d arrives at %v, want %v", c.name, i, at, c.want[i])
			}
		}
		if p.counts != c.counts {
			t.Errorf("%s: counted %+v, want %+v", c.name, p.counts, c.counts)
		}
	}
}

func TestJitter(t *testing.T) {
	const count = 20000
	for _, c := range []struct {
		shape    Shape
		mean     time.Duration
		most     time.Duration // 0: no limit
		overtake bool
	}{
		{Shape{Delay: 20 * ms, Jitter: 30 * ms, Reorder: true}, 35 * ms, 50 * ms, true},
		{Shape{Delay: 20 * ms, Jitter: 30 * ms}, 0, 50 * ms, false},
		{Shape{Delay: 20 * ms, Jitter: 10 * ms, Exponential: true, Reorder: true}, 30 * ms, 0, true},
	} {
		p := newPath()
		p.set(c.shape)
		var last, sum, most time.Duration
		overtaken := 0
		for i := range count {
			sentAt := time.Duration(i) * 5 * ms
			at, _ := p.pass(sentAt, 100, false)
			if at-sentAt < c.shape.Delay {
				t.Fatalf("%+v: a frame takes %v", c.shape, at-sentAt)
			}
			if at < last {
				overtaken++
			}
			last = at
			sum += at - sentAt
			most = max(most, at-sentAt)
		}
		if (overtaken > 0) != c.overtake {
			t.Errorf("%+v: %d frames overtook others", c.shape, overtaken)
		}
		if mean := sum / count; c.mean > 0 && (mean-c.mean).Abs() > ms {
			t.Errorf("%+v: %v on average, want %v", c.shape, mean, c.mean)
		}
		if c.most > 0 && most > c.most || c.shape.Exponential && most < 60*ms {
			t.Errorf("%+v: %v at most, want %v", c.shape, most, c.most)
		}
	}
}

// TestSameLosses checks that jitter does not change which frames are lost.
func TestSameLosses(t *testing.T) {
	var lost [2][]int
	for k, jitter := range []time.Duration{0, 30 * ms} {
		p := newPath()
		p.set(Shape{Loss: 0.1, Burst: 3, Jitter: jitter, Seed: 5})
		for i := range 1000 {
			if _, ok := p.pass(time.Duration(i)*ms, 100, true); !ok {
				lost[k] = append(lost[k], i)
			}
		}
	}
	if !slices.Equal(lost[0], lost[1]) || len(lost[0]) < 50 {
		t.Errorf("lost %v without jitter and %v with it", lost[0], lost[1])
	}
}

func TestSchedule(t *testing.T) {
	var s schedule
	for i := range 1000 {
		s.add(event{at: time.Duration(i * 7919 % 100), host: i})
	}
	before := s.take()
	for range 999 {
		e := s.take()
		if !before.before(&e) {
			t.Fatalf("event %+v comes after %+v", e, before)
		}
		before = e
	}
	if at, ok := s.first(); ok {
		t.Errorf("an empty schedule has an event at %v", at)
	}
}

func TestCheckShape(t *testing.T) {
	for _, s := range []Shape{
		{Delay: -1}, {Jitter: -1}, {Queue: -1}, {Loss: 1.5}, {Loss: -0.1}, {Loss: math.NaN()}, {Rate: -1}, {Burst: math.NaN()},
	} {
		if s.check() == nil {
			t.Errorf("%+v makes sense", s)
		}
	}
	if err := (Shape{Delay: ms, Jitter: ms, Loss: 1, Burst: 3, Rate: 33.6, Queue: ms}).check(); err != nil {
		t.Error(err)
	}
}

// CutUDP lets everything else in.
func TestCutUDP(t *testing.T) {
	p := newPath()
	p.set(Shape{CutUDP: true})
	if _, ok := p.pass(0, 100, true); ok {
		t.Error("a datagram of UDP passes")
	}
	if _, ok := p.pass(0, 100, false); !ok {
		t.Error("something else does not pass")
	}
}
