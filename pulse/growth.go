package pulse

import "time"

const (
	growthStep   = 10 * time.Millisecond
	growthLeap   = 40 * time.Millisecond  // at once, where the writer is that late
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

	late   time.Duration // the most that the writer came too late by, lately
	lateAt time.Time     // when that was
}

func newGrowth(length time.Duration) growth {
	return growth{floor: length, length: length}
}

// step takes the number of underruns so far at time now, and the most that the
// writer came too late by since the last step. It reports whether the length has
// changed.
//
// A writer that a busy machine keeps waiting for 30 ms is not helped by 10 ms
// more, nor by the third time of that. So the buffer grows by what was missing.
func (g *growth) step(now time.Time, underruns uint64, late time.Duration) bool {
	if g.since.IsZero() {
		g.since = now
	}
	if late >= g.late || now.Sub(g.lateAt) > growthWindow {
		g.late, g.lateAt = late, now
	}
	for ; g.seen < underruns; g.seen++ {
		copy(g.recent[:], g.recent[1:])
		g.recent[growthAfter-1] = now
	}
	oldest := g.recent[0]
	switch {
	case !oldest.IsZero() && now.Sub(oldest) <= growthWindow && g.length < growthLimit:
		step := min(max(growthStep, g.late), growthLeap)
		g.length = min(g.length+step.Round(growthStep), max(growthLimit, g.floor))
		g.late = 0
		g.recent = [growthAfter]time.Time{}
	case now.Sub(g.since) >= shrinkAfter && now.Sub(g.recent[growthAfter-2]) >= shrinkAfter && g.length > g.floor:
		g.length = max(g.floor, g.length-max(growthStep, (g.length-g.floor)/2))
	default:
		return false
	}
	g.since = now
	return true
}
