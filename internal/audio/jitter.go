package audio

import (
	"time"

	"github.com/sanix-darker/s2c/internal/media"
)

const (
	chunk = 20 * time.Millisecond

	// slots is how many packets are kept: 1.28 s. After a longer stall only
	// the newest count, and most of these are skipped as well.
	slots = 64

	// absurd is how far from the sender's other packets, in time, one may be.
	absurd = 5 * time.Second

	// How many packets in a row show that the sender counts anew: 80 ms of
	// absurd ones, 200 ms of late or repeated ones, since those also come from
	// a very bad network.
	absurdRun = 4
	lateRun   = 10

	// fadeChunks is how long a voice is made up before it is silent: 100 ms.
	fadeChunks = 5
)

// How far the hold may be from the target, and for how many Gets in a row,
// before the buffer intervenes. The sound that it has is then made shorter or
// longer, at once where there is a pause between words.
const (
	// slack is more than half, so that a correction by one chunk never calls
	// for the opposite one.
	slack = 11 * time.Millisecond

	// under is how far below the target a correction may lead.
	under = chunk - slack

	// guard is the least that packets should come before their turn.
	guard = 5 * time.Millisecond

	shrinkAfter = 10  // 200 ms
	growAfter   = 25  // 500 ms
	patience    = 125 // 2.5 s without a pause between words

	// What is this much over the target for 100 ms is skipped: to play it
	// faster would take more than half a second.
	skipAfter  = 5
	skipChunks = 8

	// resumeOver is how much over the target a voice may be that was
	// interrupted. What is skipped then is missed less than in a sentence.
	resumeOver = 80 * time.Millisecond
)

type slotState uint8

const (
	empty slotState = iota
	waiting
	taken // played or skipped: a second copy is a duplicate
)

// A parcel is a packet and when it arrived.
type parcel struct {
	arrived time.Duration
	age     time.Duration // at arrival, by the two clocks
	copied  bool          // came behind other packets, for the second time
	copies  bool          // has a copy of the packet before in it
	size    int
	data    [MaxPacket]byte
}

func (p *parcel) bytes() []byte { return p.data[:p.size] }

// A slot holds one parcel.
type slot struct {
	parcel
	state slotState
	index int64 // does not wrap around
}

// A jitter is the buffer of one member's packets. All its times are since the
// same instant. It is not safe for concurrent use.
//
// What it controls is the hold: by how much the next chunk is played after the
// fastest packet would have brought it, taking the earliest of the last Gets.
//
//	hold = min(now - 20 ms * gets) - min(arrived - 20 ms * index) + 20 ms * (gets - next) + ahead
//
// The first term learns the jitter of the playing device, the second the
// network; both are minima of about a second, so the hold is steady and moves
// only with the clocks' drift, with the network's delay, and when sound is made
// shorter or longer, skipped or waited for. It is kept near the target, which
// is what late packets need.
//
// A packet is needed when the Get comes that its sound begins in, so the delay
// of a packet that is never late is anything up to 20 ms more than it needs to
// be, and nothing is gained by less than 20 ms of a change: the buffer owes
// whole chunks to the target, and pays with as many samples as a period of the
// voice has, at most 20 % of what it plays. What counts is the hold when all is
// paid:
//
//	settled = hold - owed
type jitter struct {
	slots  [slots]slot
	filled int   // slots that are waiting
	next   int64 // the packet that the next chunk is made of

	// What came last.
	used     bool
	newest   int64
	newestAt time.Duration
	stray    int    // late or absurd packets in a row
	strayed  uint16 // index of the last of them

	// Where the playout stands.
	playing bool
	gets    int64 // calls of tick
	ahead   int   // samples that are decoded and not played
	owed    int   // samples to be cut out of the sound, put in when negative
	owing   int   // steps in a row with something owed
	dry     int64 // Gets in a row that found nothing at all
	made    int   // chunks made up in a row
	high    int   // Gets in a row with a hold over the target
	low     int   // and under it

	// What is measured.
	playout lowest // now - 20 ms * gets
	fastest lowest // arrived - 20 ms * index
	slowest lowest // negative lateness
	late    lateness
	repair  repair

	// When the sound that was decoded last ends, by the sender's microphone.
	tail time.Duration

	stats VoiceStats // but for Target
}

func (j *jitter) init() {
	j.playout.width = 500 * time.Millisecond
	j.fastest.width = time.Second
	j.slowest.width = time.Second
	j.late.reset()
	j.made = fadeChunks
	j.stats.Level = silence
}

func (j *jitter) slot(index int64) *slot { return &j.slots[index&(slots-1)] }

// has reports whether the packet with that index is waiting.
func (j *jitter) has(index int64) bool {
	s := j.slot(index)
	return s.state == waiting && s.index == index
}

// put takes a packet that arrived at time now; its Opus is known to fit.
func (j *jitter) put(now time.Duration, p Packet) {
	index := j.unwrap(now, p.Index)
	rel := now - time.Duration(index)*chunk
	if s := j.slot(index); j.used && s.state != empty && s.index == index && s.copied {
		s.copied = false // the copy overtook it: as good, and no reason to refuse the next
		j.stray = 0
		j.learn(now, rel)
		j.repair.arrive(index)
		return
	}
	if count, run := j.unfit(now, index, rel); count != nil {
		if !j.renewed(now, p.Index, run) {
			*count++
			return
		}
		index, rel = j.restart(now, p.Index)
	}
	if !j.used {
		j.used, j.next, j.newest, j.newestAt = true, index, index, now
	}
	j.stray = 0
	j.learn(now, rel)
	j.repair.arrive(index)
	if oldest := index - slots + 1; oldest > j.next {
		j.skipTo(oldest)
	}
	j.store(now, index, p)
	if j.slot(index).copies {
		j.repair.copied(now, 1)
	}
}

// putCopy takes a packet that was sent before. It is used if it is still of
// use. It tells nothing of the network, which did not hold it up, and as
// often as not it is a copy of what is here.
func (j *jitter) putCopy(now time.Duration, p Packet) {
	if !j.used {
		return
	}
	j.repair.copied(now, int(p.Behind))
	index := j.unwrap(now, p.Index)
	if index < j.next || index > j.newest+farthest || index >= j.next+slots {
		return
	}
	if s := j.slot(index); s.state == empty || s.index != index {
		j.store(now, index, p)
	}
}

// store fills a slot.
func (j *jitter) store(now time.Duration, index int64, p Packet) {
	if index > j.newest {
		j.newest, j.newestAt = index, now
	}
	s := j.slot(index)
	s.state, s.index, s.arrived, s.age = waiting, index, now, p.Age
	s.copied, s.copies = p.Behind > 0, hasCopy(p.Opus)
	s.size = copy(s.data[:], p.Opus)
	j.filled++
}

// unfit returns what counts packets like this one if it cannot be played, and
// how many of them in a row show that the sender counts anew.
func (j *jitter) unfit(now time.Duration, index int64, rel time.Duration) (count *uint64, run int) {
	if !j.used {
		return nil, 0
	}
	off := rel - j.fastest.value()
	switch s := j.slot(index); {
	case s.state != empty && s.index == index:
		return &j.stats.Refused, lateRun
	case off > absurd || off < -absurd:
		return &j.stats.Refused, absurdRun
	case index < j.next:
		j.learn(now, rel) // not to be late again
		j.repair.arrive(index)
		return &j.stats.Late, lateRun
	}
	return nil, 0
}

// unwrap returns the full index that is nearest to what a sender who counts
// every 20 ms has reached by now. So a pause may be of any length.
func (j *jitter) unwrap(now time.Duration, index uint16) int64 {
	if !j.used {
		return int64(index)
	}
	due := j.newest + max(int64((now-j.newestAt)/chunk), 0)
	return due + int64(int16(index-uint16(due)))
}

// learn takes the arrival of a packet, relative to its index, into account.
func (j *jitter) learn(now, rel time.Duration) {
	j.fastest.add(now, rel)
	late := rel - j.fastest.value()
	j.slowest.add(now, -late)
	j.late.observe(now, late)
}

// renewed counts a packet that is unfit and reports whether there have been run
// of them, in order and without a fit one.
func (j *jitter) renewed(now time.Duration, index uint16, run int) bool {
	if ahead := index - j.strayed; ahead < 1 || ahead > absurdRun {
		j.stray = 0
	}
	j.stray++
	j.strayed = index
	return j.stray >= run && now-j.newestAt >= time.Duration(run-1)*chunk
}

// restart forgets the sender's old count and returns the full index and the
// relative arrival of the first packet of the new one. It is above all old
// ones, so that nothing that is kept of the old count matches it.
func (j *jitter) restart(now time.Duration, wrapped uint16) (index int64, rel time.Duration) {
	above := j.newest + slots
	index = above + int64(wrapped-uint16(above))
	j.skipTo(index)
	j.playing = false
	j.newest, j.newestAt = index, now
	j.fastest.used, j.slowest.used = false, false
	j.repair.used = false
	return index, now - time.Duration(index)*chunk
}

// skipTo drops the packets before index and makes it the next.
func (j *jitter) skipTo(index int64) {
	for i := j.next; i < min(index, j.next+slots); i++ {
		if j.has(i) {
			j.slot(i).state = taken
			j.filled--
			j.stats.Dropped++
		}
	}
	j.next = index
}

// first returns the index of the oldest packet that is waiting; there is one.
func (j *jitter) first() int64 {
	i := j.next
	for !j.has(i) {
		i++
	}
	return i
}

// hold and settled are explained at jitter.
func (j *jitter) hold() time.Duration {
	return j.playout.value() - j.fastest.value() + time.Duration(j.gets-j.next)*chunk + length(j.ahead)
}

func (j *jitter) settled() time.Duration { return j.hold() - length(j.owed) }

// target is what the hold should be at time now.
func (j *jitter) target(now time.Duration) time.Duration {
	return min(j.late.target+j.repair.extra(now), capTarget)
}

// length returns how long n samples are.
func length(n int) time.Duration {
	return time.Duration(n) * time.Second / media.SampleRate
}
