package call

import (
	"time"

	"github.com/sanix-darker/s2c/internal/audio"
	"github.com/sanix-darker/s2c/internal/transport"
	"github.com/sanix-darker/s2c/internal/wire"
)

// A protection is what is done about losses from a share of the packets on: so
// many packets after it a packet is sent again, whole. That sounds better than
// the coarse copies which Opus can put into the next packet at the cost of its
// own sound (go run ./internal/lab/voicebench), and takes few bytes beside the
// pictures.
type protection struct {
	from   float64
	copies []uint8
}

// protections are in the order of what they cost. One packet later is soonest;
// three later is still there when three in a row are lost.
var protections = [...]protection{
	{},
	{from: 0.01, copies: []uint8{1}},
	{from: 0.04, copies: []uint8{1, 3}},
}

// farCopy is the farthest of protections.
const farCopy = 3

// tooMuch is the loss, on average over some time, from which the packets are
// themselves the reason for it. In seconds of 50 packets bursts lose as much of
// a link that loses a fifth.
const (
	tooMuch     = 0.3
	tooMuchTime = 8 * time.Second
)

// voiceRates are the bit rates in bit/s of the voice, without copies: for links
// that are too slow, for most, and for good ones that no pictures take.
var voiceRates = [...]int{16_000, 24_000, 32_000}

// The indices of voiceRates.
const (
	slowRate = iota
	startRate
	goodRate
)

// bitrate returns one of voiceRates for packets of so many chunks. Opus codes
// those of one less well.
func bitrate(rate int, units uint16) int {
	if units == 1 {
		return voiceRates[rate] + audio.ShortMore
	}
	return voiceRates[rate]
}

// How often a shield looks how the links are, and for how long they must be
// better before it believes so. Whoever is too slow again soon is given twice as
// long.
const (
	adaptEvery   = 200 * time.Millisecond
	lossLasts    = 30 * time.Second // as coming and going copies change the delay
	goodAfter    = 20 * time.Second
	slowLasts    = 15 * time.Second
	slowLastsMax = 8 * slowLasts
	lossFalls    = 0.6 // of the loss from which a protection is used
)

// A shield protects a voice from what the worst of the links to the others does.
// One goroutine uses it.
type shield struct {
	units uint16 // of an index in a packet

	level int // of protections
	rate  int // of voiceRates

	looked   time.Time
	average  float64       // loss, over tooMuchTime
	averaged time.Time     // until when
	lossy    time.Time     // when the loss last called for level
	worse    time.Time     // when anything was not good last
	slow     time.Time     // when somebody last found the packets slow
	lasts    time.Duration // for which that counts
	ended    time.Time     // when it counted last

	last [farCopy + 1]sentVoice // by packet
}

// A sentVoice is a packet that was sent; its size is 0 when there is none.
type sentVoice struct {
	index uint16
	size  int
	data  [audio.MaxPacket]byte
}

// protect adds copies to a packet.
func (s *shield) protect(v *wire.Voice) {
	for _, behind := range protections[s.level].copies {
		before := uint16(behind) * s.units
		x := s.slot(v.Index - before)
		if x.size > 0 && x.index == v.Index-before {
			v.Add(wire.VoiceCopy{Before: uint8(before), Opus: x.data[:x.size]})
		}
	}
}

// remember takes a packet that was sent.
func (s *shield) remember(v *wire.Voice) {
	x := s.slot(v.Index)
	x.index, x.size = v.Index, copy(x.data[:], v.Opus)
}

func (s *shield) slot(index uint16) *sentVoice {
	return &s.last[index/s.units%uint16(len(s.last))]
}

// forget makes sure that nothing is sent again that was sent before.
func (s *shield) forget() {
	for i := range s.last {
		s.last[i].size = 0
	}
}

// adapt looks how the links are, if it is time to.
func (s *shield) adapt(c *Call, now time.Time) {
	if now.Sub(s.looked) < adaptEvery {
		return
	}
	s.looked = now
	loss, slow := c.worstLoss(now)
	path, pictures := c.sending()
	if path == transport.PathTLS {
		loss = 0 // what gets lost there was too much, and copies are more
	}
	s.look(loss, slow, pictures, now)
	if c.cfg.VoiceBitrate != 0 {
		return
	}
	rate := bitrate(s.rate, s.units)
	if c.thin.Load() {
		rate = thinVoice
	}
	if err := c.voice.SetBitrate(rate); err != nil {
		c.cfg.Log.Error("voice not adapted", "err", err)
	}
}

// look decides at time now, at a loss, with a link that is slow or none, and with
// pictures beside the voice or none.
func (s *shield) look(loss float64, slow, pictures bool, now time.Time) {
	s.average += (loss - s.average) * min(1, float64(now.Sub(s.averaged))/float64(tooMuchTime))
	s.averaged = now
	if slow || s.average >= tooMuch {
		s.tooSlow(now)
	}
	if s.lasts > 0 && now.Sub(s.slow) < s.lasts {
		s.level, s.rate = 0, slowRate
		s.ended, s.worse = now, now
		return
	}
	level := 0
	for i, p := range protections {
		if loss >= p.from {
			level = i
		}
	}
	if level >= s.level || loss >= lossFalls*protections[s.level].from {
		s.level, s.lossy = max(level, s.level), now
	} else if now.Sub(s.lossy) >= lossLasts {
		s.level, s.lossy = s.level-1, now
	}
	if s.level > 0 || pictures || s.worse.IsZero() {
		s.worse = now
	}
	s.rate = startRate
	if now.Sub(s.worse) >= goodAfter {
		s.rate = goodRate
	}
}

// tooSlow notes that a link takes less than is sent.
func (s *shield) tooSlow(now time.Time) {
	switch {
	case s.lasts > 0 && now.Sub(s.slow) < s.lasts: // it still is
	case s.lasts > 0 && now.Sub(s.ended) < slowLastsMax:
		s.lasts = min(2*s.lasts, slowLastsMax)
	default:
		s.lasts = slowLasts
	}
	s.slow = now
}

// sending returns how packets go to the hub now, and whether pictures do.
func (c *Call) sending() (path transport.Path, pictures bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stat.Path, len(c.sends) > 0
}
