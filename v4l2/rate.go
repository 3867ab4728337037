package v4l2

import (
	"math"
	"time"
)

// An interval is the time from one picture to the next, num/den seconds, as
// drivers count it.
type interval struct{ num, den uint32 }

// rate returns the pictures a second, 0 for an interval that is none.
func (i interval) rate() float64 {
	if i.num == 0 || i.den == 0 {
		return 0
	}
	return float64(i.den) / float64(i.num)
}

// An intervalRange is one entry of a camera's list of intervals: a single one,
// or all from the shortest to the longest.
type intervalRange struct{ short, long interval }

// nearest returns the interval of the range that is nearest to the rate wanted.
func (r intervalRange) nearest(fps int) interval {
	switch want := float64(fps); {
	case want >= r.short.rate():
		return r.short
	case want <= r.long.rate():
		return r.long
	}
	return interval{1, uint32(fps)}
}

// chooseInterval returns what suits the rate wanted best of what a camera
// offers: the rate itself, else the one that is off by the smallest factor,
// where too slow counts twice. So 30 of 7.5, 15 and 60 is 60, of which every
// second picture is left out; of 24 and 60 it is 24; of 15 and 120 it is 120. A
// camera without a list is asked for what is wanted.
func chooseInterval(list []intervalRange, fps int) interval {
	best, least := interval{1, uint32(fps)}, math.Inf(1)
	for _, r := range list {
		i := r.nearest(fps)
		if i.rate() == 0 {
			continue
		}
		off := math.Log2(i.rate() / float64(fps))
		if off < 0 {
			off *= -2
		}
		if off < least || off == least && i.rate() > best.rate() {
			best, least = i, off
		}
	}
	return best
}

// tooSlow reports whether interval i is less than three quarters of the rate
// wanted.
func tooSlow(i interval, fps int) bool { return 4*i.rate() < 3*float64(fps) }

// A thinner leaves out pictures of a camera that is much faster than wanted, so
// that nobody copies and decodes them. It goes by the instants of the pictures:
// a camera that does not keep its promise loses none.
type thinner struct {
	every time.Duration // 0 lets all pass
	next  time.Time
}

// newThinner returns a thinner for a camera that gives rate pictures a second,
// 0 if that is not known.
func newThinner(rate float64, fps int) thinner {
	if rate < 1.5*float64(fps) {
		return thinner{}
	}
	return thinner{every: time.Second / time.Duration(fps)}
}

// pass reports whether the picture taken at the instant at is to be kept.
func (t *thinner) pass(at time.Time) bool {
	if t.every == 0 {
		return true
	}
	late := at.Sub(t.next)
	if late < -t.every/4 && late > -2*t.every {
		return false
	}
	if late > t.every || late < -t.every { // the first one, a gap, or a clock that jumped
		t.next = at
	}
	t.next = t.next.Add(t.every)
	return true
}

// A meter counts pictures a second. The zero meter is ready.
type meter struct {
	start time.Time // of the window
	n     int       // pictures in it
	rate  float64   // in the last whole window
}

// window is how long a meter counts.
const window = time.Second

// add counts a picture that came at the instant at, and reports whether the
// rate is new.
func (m *meter) add(at time.Time) bool {
	d := at.Sub(m.start)
	if m.start.IsZero() || d < 0 {
		m.start, m.n = at, 0
		return false
	}
	m.n++
	if d < window {
		return false
	}
	m.rate = float64(m.n) / d.Seconds()
	m.start, m.n = at, 0
	return true
}
