package pulse

import "time"

const (
	growthStep   = 10 * time.Millisecond
	growthLimit  = 120 * time.Millisecond // more delay is worse than gaps
	growthWindow = 10 * time.Second       // this many underruns within it ...
	growthAfter  = 3                      // ... make the buffer longer
	shrinkAfter  = 60 * time.Second       // with one at most takes half of that back
)

// A growth decides how long a Speaker's buffer is: longer on a machine that
// cannot keep a short one filled, never shorter than what was asked for.
type growth struct {
	floor  time.Duration
	length time.Duration // now
	seen   uint64        // underruns so far
	recent [growthAfter]time.Time
	since  time.Time // of the last change
}

func newGrowth(length time.Duration) growth {
	return growth{floor: length, length: length}
}

// step takes the number of underruns so far at time now, and reports whether
// the length has changed.
func (g *growth) step(now time.Time, underruns uint64) bool {
	if g.since.IsZero() {
		g.since = now
	}
	for ; g.seen < underruns; g.seen++ {
		copy(g.recent[:], g.recent[1:])
		g.recent[growthAfter-1] = now
	}
	oldest := g.recent[0]
	switch {
	case !oldest.IsZero() && now.Sub(oldest) <= growthWindow && g.length < growthLimit:
		g.length += growthStep
		g.recent = [growthAfter]time.Time{}
	case now.Sub(g.since) >= shrinkAfter && now.Sub(g.recent[growthAfter-2]) >= shrinkAfter && g.length > g.floor:
		g.length = max(g.floor, g.length-max(growthStep, (g.length-g.floor)/2))
	default:
		return false
	}
	g.since = now
	return true
}
