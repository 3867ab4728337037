package hub

import (
	"math"
	"time"

	"github.com/sanix-darker/s2c/internal/queue"
	"github.com/sanix-darker/s2c/internal/rate"
	"github.com/sanix-darker/s2c/internal/wire"
)

// runTime is how long a member is sent no pictures of a layer, at least, when there
// is no room for one: it cannot decode the next ones anyway before it has asked the
// sender for one that does not need what is missing. So with some members on the
// screen few of the pictures stand still, and not all of them every other moment. A
// run ends only where there is room to spare, so that the others go on.
const runTime = 300 * time.Millisecond

// tellTime is after what time a member is told of a run that goes on: it then asks
// for smaller pictures.
const tellTime = time.Second

// A run is pictures of one layer that a member is not sent, one after the other.
type run struct {
	open   bool // the next one is not sent either
	until  time.Time
	told   time.Time   // when the member was last told of it, or when it began
	first  uint64      // CTR of the first that was not sent
	untold uint64      // CTR of the first of which the member was not told
	last   wire.Packet // the last one
}

// allows reports whether a packet f from a ring is to be sent to the member, as far
// as the path to it is concerned, and counts it if not. Give calls it.
func (m *member) allows(f found, now time.Time) bool {
	switch class(f.clear.Clear.Kind()) {
	case queue.Voice:
		ok := m.direct.Allow(f.n, rate.Urgent, now)
		if !ok {
			m.drops[dropVoiceWithheld].Add(1)
		}
		return ok
	case queue.Video:
		return m.allowsPicture(f, now)
	default:
		return true
	}
}

func (m *member) allowsPicture(f found, now time.Time) bool {
	p := f.clear
	r := m.runOf(p)
	again := r != nil && p.KID == r.last.KID && p.CTR <= r.last.CTR
	if again && p.CTR >= r.first {
		m.drops[dropNackWithheld].Add(1)
		return false
	}
	if m.direct.Allow(f.n, r.want(f, again, now), now) {
		if r != nil && !again && r.open {
			r.open = false
			m.tell(r, now) // before the packet
		}
		return true
	}
	m.drops[dropVideoWithheld].Add(1)
	if again {
		return false // it was sent before the run, and lost
	}
	if r == nil {
		r = m.newRun(now)
	}
	if !r.open || p.KID != r.last.KID {
		r.first, r.untold = p.CTR, p.CTR // each key counts anew
	}
	if !r.open {
		r.open, r.until, r.told = true, now.Add(runTime), now
	}
	r.last = p
	if now.Sub(r.told) >= tellTime {
		m.tell(r, now)
	}
	return false
}

// tell has the member told of what it was not told yet.
func (m *member) tell(r *run, now time.Time) {
	if n := r.last.CTR - r.untold + 1; n > 0 {
		m.skip = wire.Skip{KID: r.last.KID, First: r.untold, Count: uint16(min(n, math.MaxUint16))}
	}
	r.untold, r.told = r.last.CTR+1, now
}

// giveSkip stores what tells the member of a run in b and returns its size, 0 if it
// does not fit.
func (m *member) giveSkip(b []byte) (n int) {
	if len(b) < wire.SkipSize {
		return 0
	}
	n = len(m.skip.Append(b[:0]))
	m.skip = wire.Skip{}
	return n
}

// want returns how much a packet is wanted of which r is the run, nil if there is
// none. again says that the member has asked for it.
func (r *run) want(f found, again bool, now time.Time) rate.Want {
	switch {
	case r != nil && r.open:
		late := f.clear.Clear.Kind() != wire.KindKey && now.Before(r.until)
		if again || f.rest || late {
			return rate.Left
		}
		return rate.Start
	case f.rest:
		return rate.Rest
	}
	return rate.Next
}

// runOf returns the run of the layer of p, nil if there was none lately.
func (m *member) runOf(p wire.Packet) *run {
	for i := range m.runs {
		r := &m.runs[i]
		if k := r.last.KID; k.Slot() == p.KID.Slot() && k.Stream() == p.KID.Stream() {
			return r
		}
	}
	return nil
}

// newRun returns one in place of an old one, or another one.
func (m *member) newRun(now time.Time) *run {
	for i := range m.runs {
		if r := &m.runs[i]; now.Sub(r.until) > repairTime && (!r.open || now.Sub(r.until) > runOld) {
			*r = run{}
			return r
		}
	}
	m.runs = append(m.runs, run{})
	return &m.runs[len(m.runs)-1]
}

// runOld is when a run is forgotten of which nothing comes any more.
const runOld = 10 * time.Second
