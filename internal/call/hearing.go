package call

import (
	"math"

	"github.com/sanix-darker/s2c/cipher/hello"
)

// Volumes remembers across calls how loud people are to be. Volume is asked
// whenever somebody is met, and answers from memory; ok is false for those of
// whom nothing is known. SetVolume may take the time of a disk. Any goroutine
// may call either.
type Volumes interface {
	Volume(who hello.Fingerprint) (db float64, muted, ok bool)
	SetVolume(who hello.Fingerprint, db float64, muted bool)
}

// The volumes in dB that SetVolume takes.
const (
	MinVolume = -40 // at which nothing is heard at all
	MaxVolume = 12
)

// A hearing is how somebody is heard here.
type hearing struct {
	db    float64
	muted bool
}

// gain returns the factor of it, 0 when nothing is heard.
func (h hearing) gain() float64 {
	if h.muted || h.db <= MinVolume {
		return 0
	}
	return math.Pow(10, h.db/20)
}

// SetVolume makes the member in a slot louder or quieter by so many dB, here
// only, wherever the member is, and in later calls if there is Config.Volumes.
// It reports false when there is nobody.
func (c *Call) SetVolume(slot uint16, db float64) bool {
	if math.IsNaN(db) {
		return false
	}
	return c.changeHearing(slot, func(h *hearing) { h.db = min(max(db, MinVolume), MaxVolume) })
}

// SetMemberMuted has the member in a slot not be heard here, or heard again as
// loud as before, for as long as SetVolume does. It reports false when there is
// nobody.
func (c *Call) SetMemberMuted(slot uint16, muted bool) bool {
	return c.changeHearing(slot, func(h *hearing) { h.muted = muted })
}

// changeHearing changes how the person in a slot is heard, who may be there from
// several machines.
func (c *Call) changeHearing(slot uint16, change func(*hearing)) bool {
	m := c.member(slot)
	if m == nil {
		return false
	}
	c.mu.Lock()
	h := c.hearingLocked(m.fp)
	change(&h)
	c.hearings[m.fp] = h
	c.unstored[m.fp] = h
	for _, o := range *c.members.Load() {
		if o.fp == m.fp {
			o.setHearing(h)
		}
	}
	c.mu.Unlock()
	wake(c.volumed)
	c.touch()
	return true
}

// hearingLocked returns how somebody is to be heard: as the person said in this
// call, or else in one before. It needs c.mu.
func (c *Call) hearingLocked(who hello.Fingerprint) hearing {
	if h, ok := c.hearings[who]; ok || c.cfg.Volumes == nil {
		return h
	}
	db, muted, ok := c.cfg.Volumes.Volume(who)
	if !ok || math.IsNaN(db) {
		return hearing{}
	}
	return hearing{min(max(db, MinVolume), MaxVolume), muted}
}

// storeVolumes has Config.Volumes remember what has changed.
func (c *Call) storeVolumes() {
	c.mu.Lock()
	list := c.unstored
	c.unstored = make(map[hello.Fingerprint]hearing)
	c.mu.Unlock()
	if c.cfg.Volumes == nil {
		return
	}
	for who, h := range list {
		c.cfg.Volumes.SetVolume(who, h.db, h.muted)
	}
}

// setHearing sets how m is heard.
func (m *member) setHearing(h hearing) {
	m.volume.store(h.db)
	m.mutedHere.Store(h.muted)
	m.gain.store(h.gain())
}

// SetDeafened plays nothing of the others while deafened is true, and mutes the
// microphone with it, as who cannot hear does not know what they disturb. When
// it ends the microphone is as it was. Whoever unmutes it before that hears the
// others again.
func (c *Call) SetDeafened(deafened bool) {
	c.deafened.Store(deafened)
	wake(c.outbox.beat)
	c.touch()
}

// Deafened reports whether nothing of the others is played.
func (c *Call) Deafened() bool { return c.deafened.Load() }

// deaf reports whether nothing is played.
func (c *Call) deaf() bool { return c.deafened.Load() || !c.spkOpen.Load() }
