package audio

import "time"

// A lowest is the smallest of the values of the last one to two widths.
type lowest struct {
	width     time.Duration
	used      bool
	since     time.Duration // when cur began
	cur, prev time.Duration // the smallest of this width and of the one before
}

// add takes a value at time now. Values from before a pause of two widths are
// forgotten at once.
func (l *lowest) add(now, value time.Duration) {
	age := now - l.since
	switch {
	case !l.used || age >= 2*l.width:
		*l = lowest{width: l.width, used: true, since: now, cur: value, prev: value}
	case age >= l.width:
		l.since, l.prev, l.cur = now, l.cur, value
	default:
		l.cur = min(l.cur, value)
	}
}

// value returns the smallest value, 0 when there was none.
func (l *lowest) value() time.Duration { return min(l.cur, l.prev) }

// The bounds of the buffer's target.
const (
	startTarget = 40 * time.Millisecond
	floorTarget = 15 * time.Millisecond
	shortTarget = 10 * time.Millisecond // the floor with packets of 10 ms
	capTarget   = 160 * time.Millisecond

	// half is how far the hold may be from the target right after it was
	// set: chunks come whole, so half of one on either side.
	half = 5 * time.Millisecond
)

// How lateness is learnt. Only the worst packet of an interval counts, so that
// the tail of one stall, which is many late packets, is one event; and a
// quantile leaves the rare stall to concealment, since a buffer that is ready
// for everything is always late.
const (
	interval = 100 * time.Millisecond
	quantile = 0.95
	forget   = 0.02 // weight of an interval: the memory is about 5 s

	// heldUp is how late those are at least that were held up by an outage.
	heldUp = 20 * time.Millisecond

	binWidth = 5 * time.Millisecond
	bins     = int(capTarget / binWidth) // the last one holds everything above
)

// A lateness learns how much later than the fastest packets come.
type lateness struct {
	share  [bins]float64 // of the intervals, by their worst packet; sums up to 1
	weight float64       // of the next interval
	worst  time.Duration // in this interval
	since  time.Duration // when this interval began
	target time.Duration

	last   time.Duration // when a packet arrived
	outage bool          // those that come now were held up longer than any target
}

// reset makes l believe in the start target, but for a short time only.
func (l *lateness) reset() {
	*l = lateness{weight: 1, target: startTarget}
	l.share[int((startTarget-half)/binWidth)-1] = 1
}

// observe takes the lateness of a packet that arrived at time now.
func (l *lateness) observe(now, late time.Duration) {
	// Nothing came at all for longer than the buffer may ever hold. That it
	// cannot help, so it does not try.
	if late > capTarget && now-l.last > capTarget {
		l.outage = true
	} else if late < heldUp {
		l.outage = false
	}
	l.last = now
	if l.outage {
		return
	}
	l.worst = max(l.worst, late)
	if now-l.since < interval {
		return
	}
	// The first intervals weigh 1/2, 1/3, ...: together with the initial
	// belief a plain average.
	l.weight = max(l.weight/(1+l.weight), forget)
	for i := range l.share {
		l.share[i] *= 1 - l.weight
	}
	l.share[min(int(l.worst/binWidth), bins-1)] += l.weight
	l.worst, l.since = 0, now

	var sum float64
	for i, s := range l.share {
		if sum += s; sum >= quantile || i == bins-1 {
			upper := time.Duration(i+1) * binWidth
			l.target = min(upper+half, capTarget)
			return
		}
	}
}
