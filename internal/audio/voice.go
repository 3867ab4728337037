package audio

import (
	"fmt"
	"sync"
	"time"

	"github.com/sanix-darker/s2c/internal/media"
)

// A Packet is one voice packet as it came from the network.
type Packet struct {
	Index uint16        // counts the sender's chunks modulo 2^16
	Age   time.Duration // by the two clocks: receiver's time minus capture time, at Put
	Opus  []byte        // copied by Put

	// Behind is how many packets after its first sending this one was sent
	// again, 1 for what comes with the next packet; 0 for the first sending.
	Behind uint8
}

// A Voice turns one member's packets into an even flow of chunks: jitter
// buffer, decoder, concealment. Put and Get may be called by two goroutines.
type Voice struct {
	mu     sync.Mutex
	jitter jitter    // guarded by mu
	epoch  time.Time // guarded by mu; the jitter's time is since then

	// Owned by the goroutine that calls Get.
	decoder decoder
	meter   Meter
	gain    float32 // where the fade of the last chunk ended
	step    step
	pcm     samples
	spare   samples
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
// neither counted as repeated or late nor taken for jitter.
func (v *Voice) Put(now time.Time, p Packet) {
	err := checkPacket(p.Opus)
	v.mu.Lock()
	defer v.mu.Unlock()
	if err != nil {
		v.jitter.stats.Refused++
		return
	}
	if at := v.sinceLocked(now); p.Behind > 0 {
		v.jitter.putCopy(at, p)
	} else {
		v.jitter.put(at, p)
	}
}

// Get stores the next 20 ms in c at time now, and in c.At when they were
// captured by the receiver's clock. It reports false, and leaves c silent,
// when the member is not sending. It must be called once per 20 ms of the
// playing device's clock, also while nobody speaks; a device that wants several
// chunks at once is fine. It allocates nothing, except in gopus when a chunk
// has to be made up.
func (v *Voice) Get(now time.Time, c *media.Chunk) bool {
	s := &v.step
	v.mu.Lock()
	at := v.sinceLocked(now)
	v.jitter.tick(at)
	for v.track.n < media.ChunkSamples {
		v.jitter.plan(at, s)
		if s.kind == silent {
			v.jitter.rest()
			break
		}
		v.mu.Unlock() // decoding takes long
		o := v.render(s)
		v.mu.Lock()
		v.jitter.done(s, o)
	}
	if v.track.n == 0 {
		clear(c.PCM[:])
		c.At = now
		v.jitter.stats.Level = silence
		v.mu.Unlock()
		return false
	}
	v.track.take(&c.PCM)
	v.jitter.played(at, v.track.n)
	c.At = now.Add(-v.jitter.stats.Delay)
	v.mu.Unlock()
	return true
}

// VoiceStats is what became of one member's voice so far.
type VoiceStats struct {
	Played    uint64        // chunks decoded and played
	Concealed uint64        // chunks made up for lost or late packets, and after the last one
	Late      uint64        // packets that came after their turn
	Refused   uint64        // packets that were malformed, repeated or absurd
	Dropped   uint64        // chunks skipped to keep the delay down
	Repeated  uint64        // of those played, from packets with Behind set
	Restored  uint64        // of those played, from the copy inside the next packet
	Lost      float64       // share of the packets of about 8 s that never came, but perhaps as copies
	Target    time.Duration // how much the buffer tries to hold now
	Delay     time.Duration // capture to Get of the last chunk, by the two clocks: Age and the time in the buffer
	Level     float64       // of the last chunk, dBFS, -96 when silent

	// How much sound was cut out and put in to keep to the target.
	Shortened  time.Duration
	Lengthened time.Duration
}

// Stats may be called by any goroutine.
func (v *Voice) Stats() VoiceStats {
	v.mu.Lock()
	defer v.mu.Unlock()
	s := v.jitter.stats
	s.Target = min(v.jitter.late.target+v.jitter.repair.now(), capTarget)
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

// render does a step that is not silent and puts its sound on the track.
func (v *Voice) render(s *step) (o outcome) {
	pcm := &v.pcm
	var quiet bool
	o.made = !v.decode(s, pcm)
	if !o.made {
		v.meter.measure(pcm)
		quiet = v.meter.quiet()
	}
	if s.cut && v.decoder.decode(s.b.bytes(), &v.spare) == nil {
		splice(pcm, &v.spare)
		o.made, o.cut = false, true
	}
	if o.made {
		next := fades[min(s.made, fadeChunks-1)]
		ramp(pcm, v.gain, next, len(pcm))
		v.gain = next
	} else {
		ramp(pcm, v.gain, 1, fadeIn)
		v.gain = 1
	}
	o.level = level(pcm)
	v.track.add(pcm)
	if !o.made && !o.cut && (quiet || s.due) {
		o.shorter = v.track.stretch(s.want, quiet, s.like)
	}
	o.ahead = v.track.n
	return o
}

// decode makes the first sound of a step and reports whether it is true and
// not made up.
func (v *Voice) decode(s *step, pcm *samples) bool {
	switch s.kind {
	case play:
		if v.decoder.decode(s.a.bytes(), pcm) == nil {
			return true
		}
	case restore:
		if ok, err := v.decoder.decodeFEC(s.a.bytes(), pcm); ok && err == nil {
			return true
		}
	case conceal, silent:
	}
	if v.decoder.conceal(pcm) != nil {
		clear(pcm[:])
	}
	return false
}
