package audio

import (
	"time"

	"github.com/sanix-darker/s2c/internal/media"
)

const (
	chunk = media.ChunkTime

	// slots is how many packets are kept: 1.28 s of short ones. After a longer
	// stall only the newest count, and most of these are skipped as well.
	slots = 128

	// absurd is how far from the sender's other packets, in time, one may be.
	absurd = 5 * time.Second

	// How much sound in a row shows that the sender counts anew: in absurd
	// packets, and in late or repeated ones, since those also come from a very
	// bad network.
	absurdRun = 80 * time.Millisecond
	lateRun   = 200 * time.Millisecond

	// fadeChunks is how long a voice is made up before it is silent: 100 ms.
	fadeChunks = 10

	// mostHeld is how much sound that was held back may wait at the start of
	// what is said.
	mostHeld = 100 * time.Millisecond
)

// How far the hold may be from the target, and for how many Gets in a row,
// before the buffer intervenes. The sound that it has is then made shorter or
// longer, at once where there is a pause between words.
const (
	// slack is how far over the target the hold may be, thrift how far under
	// it. Together they are more than a chunk, so that a correction never calls
	// for the opposite one; thrift is less than half, so that there is time to
	// wait for a pause until the hold is less than what the target is for.
	slack  = 7 * time.Millisecond
	thrift = 4 * time.Millisecond

	// under is how far below the target a correction may lead.
	under = chunk - slack

	// guard is the least that packets should come before their turn.
	guard = 5 * time.Millisecond

	shrinkAfter = 20  // 200 ms
	growAfter   = 50  // 500 ms
	patience    = 250 // 2.5 s without a pause between words

	// soon is how many samples may be owed until the next pause: 20 ms.
	soon = 2 * media.ChunkSamples

	// What is this much over the target for 100 ms is skipped: to play it
	// faster would take more than half a second.
	skipAfter  = 10
	skipChunks = 16

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
	held    bool          // was kept back by the sender
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
// same instant, all its indices count packets. It is not safe for concurrent
// use.
//
// What it controls is the hold: by how much the next packet is played after the
// fastest one would have brought it, taking the earliest of the last Gets.
//
//	hold = min(now - 10 ms * gets) - min(arrived - span * index) + 10 ms * gets - span * next + ahead
//
// The first term learns the jitter of the playing device, the second the
// network; both are minima of about a second, so the hold is steady and moves
// only with the clocks' drift, with the network's delay, and when sound is made
// shorter or longer, skipped or waited for. It is kept near the target, which
// is what late packets need.
//
// A packet is needed when the Get comes that its sound begins in, so the delay
// of a packet that is never late is anything up to 10 ms more than it needs to
// be, and nothing is gained by less than 10 ms of a change: the buffer owes
// whole chunks to the target, and pays with as many samples as a period of the
// voice has, at most 20 % of what it plays. What counts is the hold when all is
// paid:
//
//	settled = hold - owed
type jitter struct {
	slots  [slots]slot
	filled int           // slots that are waiting
	next   int64         // the packet that the next sound is made of
	span   time.Duration // of a packet's sound

	// What came last.
	used     bool
	newest   int64
	newestAt time.Duration
	stray    int    // late or absurd packets in a row
	strayed  uint16 // wire index of the last of them

	// Where the playout stands.
	playing bool
	gets    int64 // calls of tick
	counted int64 // gets at the last call of count
	ahead   int   // samples that are decoded and not played
	owed    int   // samples to be cut out of the sound, put in when negative
	owing   int64 // Gets in a row with something owed
	dry     int64 // Gets in a row that found nothing at all
	part    int   // samples made up of the packet next, which is missing
	made    int   // chunks made up in a row
	high    int64 // Gets in a row with a hold over the target
	low     int64 // and under it
	urgent  bool  // the sound must become longer before the next pause

	// What is measured.
	playout lowest // now - 10 ms * gets
	fastest lowest // arrived - span * index
	slowest lowest // the same, negative
	late    lateness
	repair  repair

	// When the sound that was decoded last ends, by the sender's microphone.
	tail time.Duration

	stats VoiceStats // but for Target, Told and Lost
}

func (j *jitter) init() {
	j.span = LongPacket
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

// ticks returns how many chunks a packet of that length has.
func ticks(span time.Duration) int64 { return int64(span / chunk) }

// put takes a packet that arrived at time now, of which the sound is that long;
// its Opus is known to fit.
func (j *jitter) put(now time.Duration, p Packet, span time.Duration) {
	switch {
	case !j.used && p.Behind > 0 && !p.Held:
		return // of what was sent before we were there
	case !j.used:
		j.begin(now, p, span)
	case span != j.span:
		if p.Behind > 0 || p.Held || !j.renewed(now, p.Index, absurdRun, span) {
			j.stats.Refused++
			return
		}
		j.restart(now, p.Index, span)
	}
	index := j.unwrap(now, p.Index)
	switch {
	case p.Held:
		j.putHeld(now, index, p)
	case p.Behind > 0:
		j.putCopy(now, index, p)
	default:
		j.putNew(now, index, p)
	}
}

// putNew takes a packet that comes for the first time.
func (j *jitter) putNew(now time.Duration, index int64, p Packet) {
	rel := now - time.Duration(index)*j.span
	if s := j.slot(index); s.state != empty && s.index == index && s.copied {
		s.copied = false // the copy overtook it: as good, and no reason to refuse the next
		j.stray = 0
		j.learn(now, rel)
		j.repair.arrive(index, j.span)
		return
	}
	if count, run := j.unfit(now, index, rel); count != nil {
		if !j.renewed(now, p.Index, run, j.span) {
			*count++
			return
		}
		index = j.restart(now, p.Index, j.span)
		rel = now - time.Duration(index)*j.span
	}
	j.stray = 0
	j.learn(now, rel)
	j.repair.arrive(index, j.span)
	j.store(now, index, p)
	if j.slot(index).copies {
		j.repair.copied(now, 1)
	}
}

// putCopy takes a packet that was sent before. It is used if it is still of
// use. It tells nothing of the network, which did not hold it up, and as
// often as not it is a copy of what is here.
func (j *jitter) putCopy(now time.Duration, index int64, p Packet) {
	if !j.fastest.used {
		return
	}
	j.repair.copied(now, int(p.Behind))
	if index < j.next || index > j.newest+farthest || index >= j.next+slots {
		return
	}
	if s := j.slot(index); s.state == empty || s.index != index {
		j.store(now, index, p)
	}
}

// putHeld takes a packet that its sender kept back. It is late on purpose, so
// that it tells nothing of the network either.
func (j *jitter) putHeld(now time.Duration, index int64, p Packet) {
	off := now - time.Duration(index)*j.span - j.fastest.value()
	if !j.fastest.used {
		off = time.Duration(index-j.newest) * j.span // there is nothing else to go by
	}
	switch s := j.slot(index); {
	case index < j.next:
		j.stats.Late++
	case off > absurd || off < -absurd || s.state != empty && s.index == index:
		j.stats.Refused++
	default:
		j.store(now, index, p)
	}
}

// begin takes the first packet of all for the first that is played.
func (j *jitter) begin(now time.Duration, p Packet, span time.Duration) {
	j.span = span
	j.next = int64(p.Index) / ticks(span)
	j.used, j.newest, j.newestAt = true, j.next, now
}

// store fills a slot, for which the oldest may have to make room.
func (j *jitter) store(now time.Duration, index int64, p Packet) {
	if oldest := index - slots + 1; oldest > j.next {
		j.skipTo(oldest)
	}
	s := j.slot(index)
	s.state, s.index, s.arrived, s.age = waiting, index, now, p.Age
	s.copied, s.held, s.copies = p.Behind > 0, p.Held, hasCopy(p.Opus)
	s.size = copy(s.data[:], p.Opus)
	j.filled++
	if index >= j.newest {
		j.newest, j.newestAt = index, now
	}
}

// unfit returns what counts packets like this one if it cannot be played, and
// how much sound of them in a row shows that the sender counts anew.
func (j *jitter) unfit(now time.Duration, index int64, rel time.Duration) (count *uint64, run time.Duration) {
	off := rel - j.fastest.value()
	switch s := j.slot(index); {
	case s.state != empty && s.index == index:
		return &j.stats.Refused, lateRun
	case j.fastest.used && (off > absurd || off < -absurd):
		return &j.stats.Refused, absurdRun
	case index < j.next:
		j.learn(now, rel) // not to be late again
		j.repair.arrive(index, j.span)
		return &j.stats.Late, lateRun
	}
	return nil, 0
}

// unwrap returns the full index of a wire's index that is nearest to what a
// sender who counts all the time has reached by now. So a pause may be of any
// length.
func (j *jitter) unwrap(now time.Duration, index uint16) int64 {
	due := j.newest + max(int64((now-j.newestAt)/j.span), 0)
	n := ticks(j.span)
	return due + int64(int16(index-uint16(due*n)))/n
}

// learn takes the arrival of a packet, relative to its index, into account.
func (j *jitter) learn(now, rel time.Duration) {
	j.fastest.add(now, rel)
	late := rel - j.fastest.value()
	j.slowest.add(now, -rel)
	j.late.observe(now, late)
}

// renewed counts a packet of that length that is unfit and reports whether there
// has been such a run of them, in order and without a fit one.
func (j *jitter) renewed(now time.Duration, index uint16, run, span time.Duration) bool {
	if ahead := index - j.strayed; ahead < 1 || ahead > uint16(absurdRun/chunk) {
		j.stray = 0
	}
	j.stray++
	j.strayed = index
	return time.Duration(j.stray)*span >= run && now-j.newestAt >= run-span
}

// restart forgets the sender's old count and returns the full index of the
// first packet of the new one. It is above all old ones, so that nothing that is
// kept of the old count matches it.
func (j *jitter) restart(now time.Duration, wrapped uint16, span time.Duration) (index int64) {
	above := j.newest + slots
	n := ticks(span)
	index = above + int64(wrapped-uint16(above*n))/n
	j.skipTo(index)
	j.playing = false
	j.span = span
	j.newest, j.newestAt = index, now
	j.fastest.used, j.slowest.used = false, false
	j.repair.used = false
	return index
}

// skipTo drops the packets before index and makes it the next.
func (j *jitter) skipTo(index int64) {
	for i := j.next; i < min(index, j.next+slots); i++ {
		if j.has(i) {
			j.slot(i).state = taken
			j.filled--
			j.stats.Dropped += uint64(ticks(j.span))
		}
	}
	j.advance(index)
}

// advance makes index the next.
func (j *jitter) advance(index int64) {
	if index != j.next {
		j.next, j.part = index, 0
	}
}

// first returns the index of the oldest packet that is waiting; there is one.
func (j *jitter) first() int64 {
	i := j.next
	for !j.has(i) {
		i++
	}
	return i
}

// held returns how much of the sound that is played next was kept back by the
// sender, and may be late therefore.
func (j *jitter) held() (sum time.Duration) {
	for i := j.next; j.has(i) && j.slot(i).held && sum < mostHeld; i++ {
		sum += j.span
	}
	return sum
}

// hold and settled are explained at jitter.
func (j *jitter) hold() time.Duration {
	return j.playout.value() - j.fastest.value() + time.Duration(j.gets)*chunk - time.Duration(j.next)*j.span + length(j.ahead)
}

func (j *jitter) settled() time.Duration { return j.hold() - length(j.owed) }

// needed is what the hold would have had to be for the packets of the last
// second or two to come in time.
func (j *jitter) needed() time.Duration { return -j.slowest.value() - j.fastest.value() }

// target is what the hold should be at time now.
func (j *jitter) target(now time.Duration) time.Duration {
	return j.targetWith(j.repair.extra(now, j.span))
}

// targetWith is the target with so much for copies to come in time.
func (j *jitter) targetWith(extra time.Duration) time.Duration {
	floor := floorTarget
	if j.span == ShortPacket {
		floor = shortTarget
	}
	return min(max(j.late.target, floor)+extra, capTarget)
}

// length returns how long n samples are.
func length(n int) time.Duration {
	return time.Duration(n) * time.Second / media.SampleRate
}
