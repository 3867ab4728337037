package audio

import "time"

// When a member's losses are worth a longer buffer: a copy of a lost packet is
// of no use when it comes after the packet's turn. The loss is a share of the
// packets.
const (
	repairFrom  = 0.015
	repairUntil = 0.005

	lossMemory = 8 * time.Second        // is about how much sound counts
	longestGap = 200 * time.Millisecond // what is longer is a pause
	copiesLast = 10 * time.Second
	farthest   = 8 // packets between the first sending and the copy
)

// A repair learns how many packets are lost and how much later copies of them
// come, which are either whole or inside the next packet.
type repair struct {
	used bool
	top  int64   // the newest packet that was sent for the first time
	lost float64 // share
	on   bool

	// The copies of this span of copiesLast and the one before: how many
	// packets later they were sent, at most.
	since     time.Duration
	cur, prev int
}

// arrive takes a packet of that length that was sent for the first time.
func (r *repair) arrive(index int64, span time.Duration) {
	if !r.used {
		r.used, r.top = true, index-1
	}
	weight := float64(span) / float64(lossMemory)
	switch gap := index - r.top - 1; {
	case gap < 0: // it was taken for lost
		r.lost = max(r.lost-weight, 0)
	default:
		r.top = index
		r.lost *= 1 - weight
		if gap <= int64(longestGap/span) {
			r.lost += weight * float64(gap) * (1 - r.lost)
		}
	}
	if r.lost >= repairFrom {
		r.on = true
	} else if r.lost < repairUntil {
		r.on = false
	}
}

// copied notes at time now that a copy was sent behind packets after the first
// sending.
func (r *repair) copied(now time.Duration, behind int) {
	r.turn(now)
	r.cur = max(r.cur, min(behind, farthest))
}

// turn begins a new span when it is time to.
func (r *repair) turn(now time.Duration) {
	if age := now - r.since; age >= 2*copiesLast {
		r.since, r.cur, r.prev = now, 0, 0
	} else if age >= copiesLast {
		r.since, r.cur, r.prev = now, 0, r.cur
	}
}

// extra returns how much later than a packet of that length its copy comes, if
// that matters.
func (r *repair) extra(now, span time.Duration) time.Duration {
	r.turn(now)
	return r.last(span)
}

// last is extra at the time of the last call.
func (r *repair) last(span time.Duration) time.Duration {
	if !r.on {
		return 0
	}
	return time.Duration(max(r.cur, r.prev)) * span
}
