package call

import (
	"context"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sanix-darker/s2c/cipher"
	"github.com/sanix-darker/s2c/cipher/hello"
	"github.com/sanix-darker/s2c/cipher/sframe"
	"github.com/sanix-darker/s2c/internal/audio"
	"github.com/sanix-darker/s2c/internal/mailbox"
	"github.com/sanix-darker/s2c/internal/media"
	"github.com/sanix-darker/s2c/internal/trust"
	"github.com/sanix-darker/s2c/internal/wire"
)

// A member is another person in the session.
type member struct {
	// Set by newMember.
	id    hello.Hash
	fp    hello.Fingerprint
	slot  uint16
	ctx   context.Context // ends the decode goroutine
	stop  context.CancelFunc
	voice *audio.Voice

	// Owned by recv.
	parts assembler

	gaps     gaps         // recv > repair
	patience atomic.Int64 // how long to wait for a lost picture, ns

	// Owned by control.
	lines     lineMeter
	reactions gestureMeter

	// Traded between goroutines.
	backlog  backlog                       // recv > decode
	pictures *mailbox.Mailbox[media.Frame] // decode > screen

	// Owned by speaker.
	meter    audio.Meter
	heardNow bool      // among the loudest few
	chosen   time.Time // for them, for the last time
	playedAt float32   // the gain of the last chunk; 0 when it was not played

	said said // recv > speaker
	tide tide // recv > beat, control

	thrift thrift // owned by control

	volume    atomicFloat // dB
	mutedHere atomic.Bool
	gain      atomicFloat // of both, as a factor

	// Updated by any goroutine.
	level    atomicFloat // dBFS
	speaking atomic.Bool
	decoded  atomic.Uint64 // pictures
	broken   atomic.Uint64 // pictures that could not be decoded
	age      atomic.Int64  // capture to decoded of the last picture, ns
	came     atomic.Uint64 // bytes of packets
	lips     atomic.Int64  // by how much later it was shown than its sound is heard, ns
	size     atomic.Uint64 // of the last picture: width<<32 | height

	// Guarded by mu.
	mu       sync.Mutex
	nick     string // "" while joining
	mark     trust.Mark
	since    time.Time
	heard    time.Time
	skipped  time.Time     // when the hub has last left out pictures of m
	told     wire.SlotLoss // how my packets come, as m last reported it
	toldAt   time.Time
	trend    float64 // share of m's packets lost, over some seconds
	beat     wire.Heartbeat
	beatAt   time.Time // when the last heartbeat came; zero for none
	digestAt time.Time // when beat.Digest was another one before
	differs  bool
	absence  absence
	raised   hand
	streams  [2]counter // voice, video
	ask      request
	lastTick time.Time
	lastPics uint64
	fps      float64
	lastDown uint64
	down     float64 // kB/s that came over the last second
	loss     float64
	fastest  [2]time.Duration // least picture age of this and the minute before
	minute   time.Time
}

// A counter follows the packet numbers of one stream.
type counter struct {
	started  bool
	kid      sframe.KID
	next     uint64 // number expected next
	got      uint64 // packets since the last second
	expected uint64 // numbers passed since the last second
}

// newMember returns a member whose goroutines end with ctx, heard as h says.
func newMember(ctx context.Context, p cipher.Peer, h hearing) *member {
	ctx, cancel := context.WithCancel(ctx)
	voice, err := audio.NewVoice()
	if err != nil {
		panic("call: internal error: " + err.Error()) // it has no input that could be wrong
	}
	m := &member{
		id: p.ID, fp: p.Fingerprint, slot: p.Slot, ctx: ctx, stop: cancel, voice: voice,
		pictures: mailbox.New[media.Frame](),
		since:    time.Now(),
		heard:    time.Now(),
	}
	m.backlog.init()
	m.level.store(silence)
	m.setHearing(h)
	return m
}

// present marks m as confirmed under a clean name. It reports false when m was
// present before.
func (m *member) present(name string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	first := m.nick == ""
	m.nick = name
	return first
}

func (m *member) name() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.nick
}

func (m *member) setMark(k trust.Mark) {
	m.mu.Lock()
	m.mark = k
	m.mu.Unlock()
}

// hear takes note that something authentic has come.
func (m *member) hear(now time.Time) {
	m.mu.Lock()
	m.heard = now
	m.mu.Unlock()
}

// takeBeat takes a heartbeat. It reports whether a screen shows any of the
// change.
func (m *member) takeBeat(b wire.Heartbeat, now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.beatAt.IsZero() || m.beat.Digest != b.Digest {
		m.digestAt = now
	}
	changed := m.beat.Muted != b.Muted || m.beat.Camera != b.Camera || m.beat.Deaf != b.Deaf
	m.beat, m.beatAt, m.heard = b, now, now
	return m.dropHandLocked(now) || changed
}

// compare finds out whether m sees other people than this member does, whose
// digest has been mine since mineAt: for longer than a change takes. began is
// true when it starts, changed when it starts or ends.
func (m *member) compare(mine [32]byte, mineAt, now time.Time) (began, changed bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	was := m.differs
	switch {
	case m.nick == "" || m.beatAt.IsZero() || m.isAwayLocked():
	case m.beat.Digest == mine:
		m.differs = false
	case now.Sub(mineAt) > differTime && now.Sub(m.digestAt) > differTime:
		m.differs = true
	}
	return m.differs && !was, m.differs != was
}

// isNew reports whether m has come in the last seconds.
func (m *member) isNew(now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return now.Sub(m.since) < newTime
}

// takeLoss takes note of how m says that my packets come.
func (m *member) takeLoss(loss wire.SlotLoss, now time.Time) {
	m.mu.Lock()
	m.told, m.toldAt = loss, now
	m.mu.Unlock()
}

// count takes note of a packet that was authentic. again says that it was lost
// and the hub has sent it again, so it counts as lost.
func (m *member) count(stream int, p wire.Packet, again bool, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.heard = now
	s := &m.streams[stream]
	if !s.started || s.kid != p.KID {
		s.started, s.kid, s.next = true, p.KID, p.CTR // each key counts anew
	}
	if !again {
		s.got++
	}
	if p.CTR >= s.next {
		s.expected += p.CTR + 1 - s.next
		s.next = p.CTR + 1
	}
}

// skip takes note of what the hub has left out: it is not lost.
func (m *member) skip(x wire.Skip, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := &m.streams[1]
	if x.KID.Stream() == sframe.StreamVoice {
		s = &m.streams[0]
	} else {
		m.skipped = now
	}
	end := x.First + uint64(x.Count)
	switch {
	case !s.started || s.kid != x.KID:
	case x.First >= s.next: // those between are lost
		s.expected += x.First - s.next
		s.next = end
	default: // it was overtaken, so they count as lost already
		s.expected -= min(s.expected, min(s.next, end)-x.First)
		s.next = max(s.next, end)
	}
}

// isSkipped reports whether the hub has left out pictures of m lately.
func (m *member) isSkipped(now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return now.Sub(m.skipped) < skippedTime
}

// skippedTime is for how long that counts: twice as long as it takes a hub to tell
// that it still does.
const skippedTime = 2 * time.Second

// second closes a second of counting and returns how many packets came and
// how many were lost in it.
func (m *member) second(now time.Time) (got, lost uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range m.streams {
		s := &m.streams[i]
		got += s.got
		if s.expected > s.got {
			lost += s.expected - s.got
		}
		s.got, s.expected = 0, 0
	}
	m.loss = 0
	if got+lost > 0 {
		m.loss = float64(lost) / float64(got+lost)
	}
	m.trend += (m.loss - m.trend) / 2
	pics, came := m.decoded.Load(), m.came.Load()
	if d := now.Sub(m.lastTick).Seconds(); !m.lastTick.IsZero() && d > 0 {
		m.fps = float64(pics-m.lastPics) / d
		m.down = float64(came-m.lastDown) / 1000 / d
	}
	m.lastTick, m.lastPics, m.lastDown = now, pics, came
	if now.Sub(m.minute) > time.Minute {
		m.minute = now
		m.fastest[1], m.fastest[0] = m.fastest[0], 0
	}
	return got, lost
}

// pictureAge takes note of how old a picture was when it was decoded.
func (m *member) pictureAge(age time.Duration) {
	m.age.Store(int64(age))
	m.mu.Lock()
	if m.fastest[0] == 0 || age < m.fastest[0] {
		m.fastest[0] = age
	}
	m.mu.Unlock()
}

// snapshot returns what a screen shows of m.
func (m *member) snapshot() Member {
	v := m.voice.Stats()
	age := time.Duration(m.age.Load())
	m.mu.Lock()
	defer m.mu.Unlock()
	size := m.size.Load()
	s := Member{
		Width: int(size >> 32), Height: int(size & math.MaxUint32),
		Slot: m.slot, Name: m.nick, Present: m.nick != "",
		Fingerprint: m.fp, Mark: m.mark, Differs: m.differs,
		Speaking: m.speaking.Load() && !m.beat.Muted,
		Muted:    m.beat.Muted, Camera: m.beat.Camera,
		Level: m.level.load(), Loss: m.loss, FPS: m.fps, Down: m.down,
		Voice: v.Delay, Picture: age, Lips: time.Duration(m.lips.Load()), Volume: m.volume.load(), MutedHere: m.mutedHere.Load(), Deaf: m.beat.Deaf,
		Hand: m.raised.up, HandAt: m.raised.handAt(),
		VoicePlayed: v.Played, VoiceConcealed: v.Concealed, VoiceRepeated: v.Repeated, VoiceRestored: v.Restored,
		VoiceLate: v.Late, VoiceDropped: v.Dropped,
		Pictures: m.decoded.Load(), PicturesLost: m.broken.Load(),
	}
	fastest := m.fastest[0]
	if m.fastest[1] != 0 {
		fastest = min(fastest, m.fastest[1])
	}
	if s.Pictures > 0 && fastest != 0 {
		s.Lag = max(age-fastest, 0)
	}
	s.Silent = time.Since(m.heard)
	if m.isAwayLocked() {
		s.Away, s.AwaySince = true, m.absence.at
	}
	return s
}

// A request remembers what a member was asked for, so that it is not asked too
// often. It is guarded by the member's mu.
type request struct {
	wanted bool
	layer  int
	none   bool   // nothing has been decoded yet
	have   uint16 // newest picture decoded
	first  time.Time
	last   time.Time
}

// How often a member is asked for a picture: not again before an answer could
// have come, and for a key picture when the answers did not help.
const (
	askEvery = 60 * time.Millisecond
	askKey   = 400 * time.Millisecond
)

// newTime is how long a member may lack a first picture because of having come
// only now.
const newTime = 3 * time.Second

// missPicture says that a picture of a layer could not be decoded.
func (m *member) missPicture(layer int, have uint16, none bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.ask.layer != layer {
		m.ask = request{layer: layer}
	}
	m.ask.wanted, m.ask.have, m.ask.none = true, have, none
}

// gotPicture says that pictures can be decoded again.
func (m *member) gotPicture() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ask = request{last: m.ask.last}
}

// dueRequest returns what to ask m for at time now, if it is time to.
func (m *member) dueRequest(now time.Time) (r wire.PictureRequest, ok bool) {
	every := max(askEvery, time.Duration(m.patience.Load())/2)
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.ask.wanted || now.Sub(m.ask.last) < every {
		return r, false
	}
	if m.ask.first.IsZero() {
		m.ask.first = now
	}
	m.ask.last = now
	return wire.PictureRequest{
		Slot: m.slot, Layer: uint8(m.ask.layer), Have: m.ask.have,
		None: m.ask.none || now.Sub(m.ask.first) > askKey,
	}, true
}
