package audio

import (
	"time"

	"github.com/sanix-darker/s2c/internal/media"
)

// What the next sound is made of.
type stepKind uint8

const (
	silent  stepKind = iota // nothing
	play                    // the packet a
	restore                 // the copy of a lost packet in a, the one after it
	conceal                 // what was before
)

// A step is what has to be done for the next sound. The packets are copies, so
// that they are decoded without a lock.
type step struct {
	kind stepKind
	n    int // samples that it makes
	made int // chunks made up in a row before this one
	a    parcel

	// To shorten the delay the sound begins with a and ends with b, which is
	// the packet bIndex.
	cut    bool
	b      parcel
	bIndex int64

	// By how many samples the sound should be shortened, or lengthened when
	// negative; if it is not quiet, only when that is due, and when the voice is
	// so much like itself. More says that the next packet is there, for what is
	// too short to be shortened.
	want int
	due  bool
	like float64
	more bool
}

// tick notes that a Get begins at time now.
func (j *jitter) tick(now time.Duration) {
	j.gets++
	j.playout.add(now, now-time.Duration(j.gets)*chunk)
}

// plan plans the next sound to be decoded in a Get at time now. Unless it is
// silent, done must follow.
func (j *jitter) plan(now time.Duration, s *step) {
	s.kind, s.cut, s.made, s.want, s.more = silent, false, j.made, 0, false
	s.n = media.ChunkSamples
	switch {
	case j.filled == 0:
		j.starve(s)
	case !j.playing && !j.prime(now):
		j.fade(s)
	default:
		if j.dry > 0 {
			j.resume(now)
		}
		j.count(now)
		if j.has(j.next) {
			j.present(now, s)
		} else {
			j.absent(now, s)
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
// whether it has. What the sender kept back is late, and played all the same:
// there will be pauses to catch up in.
func (j *jitter) prime(now time.Duration) bool {
	j.skipTo(j.first())
	j.owed = j.ahead
	if !j.fastest.used || j.settled() < j.target(now)-half {
		return false
	}
	j.shorten(now, half-j.held())
	j.playing, j.dry, j.high, j.low = true, 0, 0, 0
	j.counted = j.gets - 1
	return true
}

// resume goes on after the buffer was empty for dry chunks. Those stood for
// the packets that are missing, as far as there are any; for the rest the
// voice is now so much later, unless that is too much.
func (j *jitter) resume(now time.Duration) {
	before, n := j.next, ticks(j.span)
	j.skipTo(min(j.first(), j.next+j.dry/n))
	late := int(j.dry-n*(j.next-before)) * media.ChunkSamples
	if j.dry = 0; j.has(j.next) {
		j.later(late)
	} else {
		j.part = late // less than a packet
	}
	if j.settled() > j.target(now)+max(resumeOver, j.held()) {
		j.shorten(now, under)
	}
}

// later notes that so many samples were made up and stand for nothing: by these
// the voice is later, as it may owe.
func (j *jitter) later(n int) {
	for ; n > 0 && j.owed < 0; n -= media.ChunkSamples {
		j.owed += media.ChunkSamples // paid
	}
}

// shorten skips packets while that leaves the hold no lower than the target
// less below, but never all that are waiting.
func (j *jitter) shorten(now, below time.Duration) {
	if n := j.surplus(now, below) / ticks(j.span); n > 0 {
		j.skipTo(min(j.next+n, j.newest))
	}
}

// surplus returns how many chunks may be skipped without the hold becoming
// less than the target less below.
func (j *jitter) surplus(now, below time.Duration) int64 {
	return int64((j.settled() - (j.target(now) - below)) / chunk)
}

// count notes for how long the hold has been off the target, and owes it what
// is too much or too little when that is so for long.
func (j *jitter) count(now time.Duration) {
	target, settled := j.target(now), j.settled()
	passed := j.gets - j.counted
	j.counted = j.gets
	j.high += passed
	if settled <= target+slack {
		j.high = 0
	}
	// Only when the packets of the last second or two would have come too
	// late: a target that remembers more is no reason to intervene.
	j.low += passed
	need := guard + j.needed() + j.repair.extra(now, j.span)
	short := settled < min(target-thrift, need)
	if !short {
		j.low = 0
	}
	n := j.surplus(now, under)
	switch {
	case j.owed < 0 && settled-chunk >= need:
		j.owed += media.ChunkSamples // it passed by
	case j.owed > 0 && short:
		j.owed -= media.ChunkSamples
	case j.high >= shrinkAfter && n < skipChunks:
		j.owed += int(n) * media.ChunkSamples
		j.high = 0
	case j.low >= growAfter:
		j.owed -= media.ChunkSamples
		j.low = 0
	}
	j.urgent = j.owed < 0 && j.hold() < need-guard
	j.owing += passed
	if j.owed == 0 {
		j.owing = 0
	}
}

// present plans for the next packet being there.
func (j *jitter) present(now time.Duration, s *step) {
	sl := j.slot(j.next)
	s.kind, s.a, s.n = play, sl.parcel, samplesOf(j.span)
	sl.state = taken
	j.filled--
	n := j.surplus(now, under)
	j.advance(j.next + 1)
	if j.high >= skipAfter && n >= skipChunks {
		j.cut(s, n/ticks(j.span))
		return
	}
	j.pay(s)
}

// pay lets a step shorten or lengthen its sound if that is owed. What it
// shortens it by has to be there.
func (j *jitter) pay(s *step) {
	s.want, s.more = j.owed, j.has(j.next)
	if s.want > 0 && !s.more {
		s.want = min(s.want, j.ahead)
	}
	amount := max(j.owed, -j.owed)
	s.due = amount > soon || j.owing >= patience || j.urgent
	switch {
	case j.owing < 2*patience && amount <= 3*soon:
		s.like = likeness
	case j.owing < 3*patience:
		s.like = likenessFast
	default:
		s.like = -1 // noise, which is never like itself
	}
}

// absent plans for the next packet being lost, since a later one is there.
func (j *jitter) absent(now time.Duration, s *step) {
	j.fade(s)
	settled, target := j.settled(), j.target(now)
	if settled > target+slack {
		// A chance to catch up without dropping anything.
		to := min(j.first(), j.next+j.surplus(now, under)/ticks(j.span))
		if j.has(to) && j.slot(to).copies {
			to-- // which is not lost altogether
		}
		j.skipTo(to)
		if j.has(j.next) && s.kind == conceal {
			s.n = samplesOf(j.span)
			j.cut(s, 1)
			return
		}
		if j.has(j.next) {
			j.present(now, s)
			return
		}
	}
	if settled+chunk <= target+half && s.kind == conceal {
		return // it may still come, and later is where the buffer wants to be
	}
	span := samplesOf(j.span)
	switch {
	case s.kind == silent:
		if j.part += s.n; j.part < span {
			return
		}
	case j.has(j.next+1) && j.slot(j.next+1).copies:
		s.kind, s.a, s.n = restore, j.slot(j.next+1).parcel, span
		j.later(j.part)
	default:
		s.n = span - j.part
	}
	j.advance(j.next + 1)
}

// cut lets a step end with the packet that comes n-1 after the next, or with
// an earlier one if that is lost.
func (j *jitter) cut(s *step, n int64) {
	for i := min(j.next+n-1, j.newest); i >= j.next; i-- {
		if j.has(i) {
			s.cut, s.b, s.bIndex = true, j.slot(i).parcel, i
			return
		}
	}
}

// An outcome is how a step was done.
type outcome struct {
	made    bool    // the sound was made up
	skimmed bool    // nothing was decoded, since nobody is to hear it
	more    bool    // to be shortened it needs the next packet as well
	cut     bool    // it ends with the packet b
	shorter int     // samples by which it is, negative when it is longer
	ahead   int     // samples that are decoded now and not played
	level   float64 // dBFS
}

// done notes how the planned step went.
func (j *jitter) done(s *step, o outcome) {
	j.stats.Level = o.level
	j.ahead = o.ahead
	j.owed -= o.shorter
	if o.shorter > 0 {
		j.stats.Shortened += length(o.shorter)
	} else {
		j.stats.Lengthened += length(-o.shorter)
	}
	n := uint64(s.n / media.ChunkSamples)
	j.tail += length(s.n)
	if s.kind == play {
		j.tail = s.a.arrived - s.a.age + j.span
	}
	if o.cut {
		j.high = 0
		j.tail = s.b.arrived - s.b.age + j.span
		if s.kind == play {
			j.stats.Dropped += n // a
		}
		// Unless put has moved on, meanwhile, for lack of room.
		if j.has(s.bIndex) && s.bIndex >= j.next {
			j.skipTo(s.bIndex)
			j.slot(s.bIndex).state = taken
			j.filled--
			j.advance(j.next + 1)
		}
	}
	if j.made += int(n); !o.made {
		j.made = 0
	}
	switch {
	case o.skimmed:
		j.stats.Skimmed += n
	case o.made:
		j.stats.Concealed += n
	default:
		j.stats.Played += n
		if s.kind == restore && !o.cut {
			j.stats.Restored += n
		} else if s.a.copied && !o.cut || s.b.copied && o.cut {
			j.stats.Repeated += n
		}
	}
}

// rest notes that silence takes the place of what is ahead in the next chunk,
// which is less than a chunk: by so much the sound is shorter.
func (j *jitter) rest() { j.owed -= j.ahead }

// played notes that a Get at time now gave a chunk, and that so many samples are
// left.
func (j *jitter) played(now time.Duration, ahead int) {
	if j.made == 0 {
		j.stats.Delay = now - (j.tail - length(j.ahead))
	}
	j.ahead = ahead
}
