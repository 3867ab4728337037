package audio

import (
	"fmt"
	"sync"
	"time"

	"github.com/sanix-darker/s2c/internal/media"
)

// A Packet is one voice packet as it came from the network.
type Packet struct {
	Index uint16        // counts 10 ms of the sender's microphone modulo 2^16; even for 20 ms
	Age   time.Duration // by the two clocks: receiver's time minus capture time, at Put
	Opus  []byte        // copied by Put

	// Behind is how many packets after its first sending this one was sent
	// again, 1 for what comes with the next packet; 0 for the first sending.
	Behind uint8

	// Held says that the sender kept the packet back on purpose: what was said
	// just before a key was pressed to talk. It comes late, and before the first
	// packet that does not.
	Held bool
}

// A Voice turns one member's packets into an even flow of chunks: jitter
// buffer, decoder, concealment. One goroutine calls Get and Skim, any others
// may call the rest.
type Voice struct {
	mu     sync.Mutex
	jitter jitter    // guarded by mu
	epoch  time.Time // guarded by mu; the jitter's time is since then

	// Owned by the goroutine that calls Get.
	decoder decoder
	meter   Meter
	gain    float32 // where the fade of the last chunk ended
	skimmed bool    // what came last was not decoded
	step    step
	guess   guess
	pcm     [longSamples]int16
	spare   [longSamples]int16
	spent   [media.ChunkSamples]int16 // what Skim takes
	track   track
}

// NewVoice returns a Voice with an empty buffer.
func NewVoice() (*Voice, error) {
	d, err := newGopusDecoder()
	if err != nil {
		return nil, fmt.Errorf("create voice decoder: %w", err)
	}
	return newVoice(d), nil
}

func newVoice(d decoder) *Voice {
	v := &Voice{decoder: d}
	v.jitter.init()
	return v
}

// Put takes a packet that arrived at time now. Late, repeated and absurd
// packets are counted and dropped. A packet with Behind set may come any number
// of times and in any order: it is used if its sound is still needed, and is
// neither counted as repeated or late nor taken for jitter. One with Held set is
// not taken for jitter either, and of these up to 100 ms are played however late
// they are.
func (v *Voice) Put(now time.Time, p Packet) {
	span, err := PacketTime(p.Opus)
	v.mu.Lock()
	defer v.mu.Unlock()
	if err != nil || span == LongPacket && p.Index&1 != 0 {
		v.jitter.stats.Refused++
		return
	}
	v.jitter.put(v.sinceLocked(now), p, span)
}

// Get stores the next 10 ms in c at time now, and in c.At when they were
// captured by the receiver's clock. It reports false, and leaves c silent,
// when the member is not sending. It, or Skim, must be called once per 10 ms of
// the playing device's clock, also while nobody speaks; a device that wants
// several chunks at once is fine. It allocates nothing, except in gopus when
// sound has to be made up.
func (v *Voice) Get(now time.Time, c *media.Chunk) bool {
	s := &v.step
	v.mu.Lock()
	at := v.sinceLocked(now)
	v.jitter.tick(at)
	for more := false; more || v.track.n < media.ChunkSamples; {
		v.jitter.plan(at, s)
		if s.kind == silent {
			v.jitter.rest()
			break
		}
		v.mu.Unlock() // decoding takes long
		o := v.render(s)
		v.mu.Lock()
		v.jitter.done(s, o)
		more = o.more
	}
	defer v.mu.Unlock()
	if v.track.n == 0 {
		clear(c.PCM[:])
		c.At = now
		v.quietLocked()
		return false
	}
	v.track.take(&c.PCM)
	v.jitter.played(at, v.track.n)
	c.At = now.Add(-v.jitter.stats.Delay)
	return true
}

// Skim is Get for a voice that nobody is to hear now: its sound goes by without
// being decoded, which costs next to nothing. It reports whether the member is
// sending. The first Get after it fades in.
func (v *Voice) Skim(now time.Time) bool {
	s := &v.step
	v.mu.Lock()
	defer v.mu.Unlock()
	at := v.sinceLocked(now)
	v.jitter.tick(at)
	for v.track.n < media.ChunkSamples {
		v.jitter.plan(at, s)
		if s.kind == silent {
			v.jitter.rest()
			break
		}
		v.jitter.done(s, v.skim(s))
	}
	v.skimmed = true
	if v.track.n == 0 {
		v.quietLocked()
		return false
	}
	v.track.take(&v.spent)
	v.jitter.played(at, v.track.n)
	return true
}

// quietLocked notes that there is nothing to be heard.
func (v *Voice) quietLocked() {
	v.track.forget()
	v.jitter.stats.Level = silence
}

// VoiceStats is what became of one member's voice so far.
type VoiceStats struct {
	Played    uint64        // chunks decoded and played
	Skimmed   uint64        // chunks that went by in Skim
	Concealed uint64        // chunks made up for lost or late packets, and after the last one
	Late      uint64        // packets that came after their turn
	Refused   uint64        // packets that were malformed, repeated or absurd
	Dropped   uint64        // chunks skipped to keep the delay down
	Repeated  uint64        // chunks of those played, from packets with Behind set
	Restored  uint64        // chunks of those played, from the copy inside the next packet
	Lost      float64       // share of the packets of about 8 s that never came, but perhaps as copies
	Target    time.Duration // how much the buffer tries to hold now
	Delay     time.Duration // capture to Get of the last chunk, by the two clocks: Age and the time in the buffer
	Level     float64       // of the last chunk, dBFS, -96 when silent or skimmed

	// How much sound was cut out and put in to keep to the target.
	Shortened  time.Duration
	Lengthened time.Duration
}

// Stats may be called by any goroutine.
func (v *Voice) Stats() VoiceStats {
	v.mu.Lock()
	defer v.mu.Unlock()
	s := v.jitter.stats
	s.Target = v.jitter.targetWith(v.jitter.repair.last(v.jitter.span))
	s.Lost = v.jitter.repair.lost
	return s
}

// sinceLocked returns now as the jitter counts it.
func (v *Voice) sinceLocked(now time.Time) time.Duration {
	if v.epoch.IsZero() {
		v.epoch = now
	}
	return now.Sub(v.epoch)
}
