package audio

import "time"

// What a chunk is made of.
type stepKind uint8

const (
	silent  stepKind = iota // nothing
	play                    // the packet a
	restore                 // the copy of a lost packet in a, the one after it
	conceal                 // what was before
)

// When the second packet of a step is to be used.
type cutKind uint8

const (
	never cutKind = iota
	ifQuiet
	always
)

// A step is what one Get has to do. The packets are copies, so that they are
// decoded without a lock.
type step struct {
	kind stepKind
	made int // chunks made up in a row before this one
	a    parcel

	// To shorten the delay the chunk begins with a and ends with b, which is
	// the packet bIndex.
	cut    cutKind
	b      parcel
	bIndex int64
}

// get plans the next chunk at time now. done must follow.
func (j *jitter) get(now time.Duration, s *step) {
	s.kind, s.cut, s.made = silent, never, j.made
	j.gets++
	j.playout.add(now, now-time.Duration(j.gets)*chunk)
	switch {
	case j.filled == 0:
		j.starve(s)
	case !j.playing && !j.prime():
		j.fade(s)
	default:
		if j.dry > 0 {
			j.resume()
		}
		j.count()
		if j.has(j.next) {
			j.present(s)
		} else {
			j.absent(s)
		}
	}
}

// starve plans for an empty buffer. The next packet is late, lost, or was
// never sent: what comes will tell. Until then the buffer waits for it.
func (j *jitter) starve(s *step) {
	j.high = 0
	if j.made >= fadeChunks {
		j.playing = false
	}
	if j.playing {
		j.dry++
	}
	j.fade(s)
}

// fade plans a chunk made up from the ones before, or silence when there have
// been enough of those.
func (j *jitter) fade(s *step) {
	if j.made < fadeChunks {
		s.kind = conceal
	}
}

// prime starts to play when the hold has reached the target, and reports
// whether it has.
func (j *jitter) prime() bool {
	j.skipTo(j.first())
	if j.hold() < j.late.target-half {
		return false
	}
	j.shorten(half)
	j.playing, j.dry, j.high, j.low = true, 0, 0, 0
	return true
}

// resume goes on after the buffer was empty for dry chunks. Those stood for
// the packets that are missing, as far as there are any; for the rest the
// voice is now so much later, unless that is too much.
func (j *jitter) resume() {
	j.skipTo(min(j.first(), j.next+j.dry))
	j.dry = 0
	if j.hold() > j.late.target+resumeOver {
		j.shorten(under)
	}
}

// shorten skips packets while that leaves the hold no lower than the target
// less below, but never all that are waiting.
func (j *jitter) shorten(below time.Duration) {
	if n := j.surplus(below); n > 0 {
		j.skipTo(min(j.next+n, j.newest))
	}
}

// surplus returns how many chunks may be skipped without the hold becoming
// less than the target less below.
func (j *jitter) surplus(below time.Duration) int64 {
	return int64((j.hold() - (j.late.target - below)) / chunk)
}

// count notes for how long the hold has been off the target.
func (j *jitter) count() {
	hold := j.hold()
	j.high++
	if hold <= j.late.target+slack {
		j.high = 0
	}
	// Only when the packets of the last second or two would have come too
	// late: a target that remembers more is no reason to intervene.
	j.low++
	if hold >= j.late.target-slack || hold >= guard-j.slowest.value() {
		j.low = 0
	}
}

// present plans for the next packet being there.
func (j *jitter) present(s *step) {
	if j.low >= addQuiet && j.quiet && j.made == 0 {
		j.low = 0
		s.kind = conceal // and play the packet after that
		return
	}
	sl := j.slot(j.next)
	s.kind, s.a = play, sl.parcel
	sl.state = taken
	j.filled--
	n := j.surplus(under)
	j.next++
	switch {
	case j.high >= skipMany && n >= manyChunks:
		j.cut(s, always, n)
	case j.high >= skipAny, j.high >= skipSome && n > 1:
		j.cut(s, always, 1)
	case j.high >= skipQuiet:
		j.cut(s, ifQuiet, 1)
	}
}

// absent plans for the next packet being lost, since a later one is there.
func (j *jitter) absent(s *step) {
	j.fade(s)
	hold := j.hold()
	if hold > j.late.target+slack {
		// A chance to catch up without dropping anything.
		first := j.first()
		j.skipTo(min(first, j.next+j.surplus(under)))
		if j.has(j.next) && s.kind == conceal {
			j.cut(s, always, 1)
			return
		}
		if j.has(j.next) {
			j.present(s)
			return
		}
	}
	if hold+chunk <= j.late.target+half && s.kind == conceal {
		return // it may still come, and later is where the buffer wants to be
	}
	j.next++
	if s.kind == conceal && j.has(j.next) {
		s.kind, s.a = restore, j.slot(j.next).parcel
	}
}

// cut lets a step end with the packet that comes n-1 after the next, or with
// an earlier one if that is lost.
func (j *jitter) cut(s *step, when cutKind, n int64) {
	for i := j.next + n - 1; i >= j.next; i-- {
		if j.has(i) {
			s.cut, s.b, s.bIndex = when, j.slot(i).parcel, i
			return
		}
	}
}

// An outcome is how a step was done.
type outcome struct {
	made  bool    // the chunk was made up
	cut   bool    // it ends with the packet b
	quiet bool    // it holds nothing but the room
	level float64 // dBFS
}

// done notes how the planned step went at time now.
func (j *jitter) done(now time.Duration, s *step, o outcome) {
	j.quiet = o.quiet
	j.stats.Level = o.level
	p := &s.a
	if o.cut {
		p = &s.b
		j.high = 0
		if s.kind == play {
			j.stats.Dropped++ // a
		}
		// Unless put has moved on, meanwhile, for lack of room.
		if j.has(s.bIndex) && s.bIndex >= j.next {
			j.skipTo(s.bIndex)
			j.slot(s.bIndex).state = taken
			j.filled--
			j.next++
		}
	}
	if o.made {
		j.made++
		j.stats.Concealed++
		return
	}
	j.made = 0
	j.stats.Played++
	if s.kind == play || o.cut {
		j.stats.Delay = p.age + now - p.arrived
	}
}
