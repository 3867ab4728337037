package network

import (
	"math/rand/v2"
	"time"
)

// A path is one direction of a host, in a time of its own: all instants are since
// the same beginning, and never go back.
type path struct {
	shape  Shape
	losses *Losses
	jitter *rand.Rand
	free   time.Duration // when the bottleneck has sent all that it has
	last   time.Duration // when the last frame arrives
	counts Counters
}

func newPath() *path {
	p := new(path)
	p.set(Shape{})
	return p
}

// set changes the shape for the frames that come from now on.
func (p *path) set(s Shape) {
	if s.Queue == 0 {
		s.Queue = defaultQueue
	}
	p.shape = s
	p.losses = NewLosses(s.Seed, s.Loss, s.Burst)
	p.jitter = rand.New(rand.NewPCG(s.Seed, 2)) //nolint:gosec // it has to be repeatable, not secret
}

// pass returns when a frame of so many bytes arrives that enters at the time now,
// or false when it never does.
func (p *path) pass(now time.Duration, size int, udp bool) (at time.Duration, ok bool) {
	s := &p.shape
	p.counts.Frames++
	p.counts.Bytes += uint64(size)
	if s.Cut || s.CutUDP && udp {
		p.counts.Lost++
		return 0, false
	}
	at = now
	if s.Rate > 0 {
		at = max(now, p.free)
		if at-now > s.Queue {
			p.counts.Dropped++
			return 0, false
		}
		at += time.Duration(float64(size) * 8 / s.Rate * float64(time.Millisecond))
		p.free = at
	}
	// Drawn for every frame, so that the losses do not depend on the jitter.
	lost, held := p.losses.Next(), p.hold()
	if lost {
		p.counts.Lost++
		return 0, false
	}
	at += s.Delay + held
	if !s.Reorder {
		at = max(at, p.last)
		p.last = at
	}
	return at, true
}

// hold returns the jitter of a frame.
func (p *path) hold() time.Duration {
	x := p.jitter.Float64()
	if p.shape.Exponential {
		x = p.jitter.ExpFloat64()
	}
	return time.Duration(x * float64(p.shape.Jitter))
}
