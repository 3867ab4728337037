package ui

import (
	"fmt"
	"time"

	"github.com/sanix-darker/s2c/internal/call"
)

// A terminal says that a key is pressed, and again and again while it is held,
// but not when it is let go. So a key that is held to speak counts as let go when
// the next word of it does not come.
const (
	firstRepeat = 750 * time.Millisecond // the longest common pause before a key repeats, and some more
	nextRepeat  = 300 * time.Millisecond // between two of them
)

// Some terminals do say it. There a key that does not repeat counts as held for
// this long, in case its end is lost.
const longestHold = 10 * time.Second

// A talkKey is a key that is held to speak. The zero talkKey is not pressed.
type talkKey struct {
	until time.Time
	told  bool // the terminal says when it is let go
}

// press takes a word of the key at time now.
func (k *talkKey) press(now time.Time) {
	hold := firstRepeat
	switch {
	case k.told:
		hold = longestHold
	case now.Before(k.until):
		hold = nextRepeat
	}
	if until := now.Add(hold); until.After(k.until) {
		k.until = until
	}
}

// release says that the key was let go.
func (k *talkKey) release() { *k = talkKey{told: true} }

// held reports whether the key is held at time now.
func (k *talkKey) held(now time.Time) bool { return now.Before(k.until) }

// talk lets the person be heard while the key is held, though muted.
func (v *callView) talk(now time.Time) {
	if held := v.talkKey.held(now) && v.engine.Muted(); held != v.engine.Talking() {
		v.engine.SetTalking(held)
	}
}

// spaceUp has the person not be heard any more.
func (v *callView) spaceUp(now time.Time) {
	v.talkKey.release()
	v.talk(now)
}

// volumeStep is how much louder or quieter a key makes somebody, in dB.
const volumeStep = 3

// louder makes the selected member louder by so many dB, here only.
func (v *callView) louder(db float64, now time.Time) {
	i := v.people.index(v.state.Members)
	if i < 0 {
		return
	}
	v.setVolume(&v.state.Members[i], db, now)
}

// setVolume makes m louder by so many dB, here only.
func (v *callView) setVolume(m *call.Member, db float64, now time.Time) {
	m.Volume = min(max(m.Volume+db, call.MinVolume), call.MaxVolume)
	if !v.engine.SetVolume(m.Slot, m.Volume) {
		return
	}
	v.notes.replace("volume of "+cleanName(m.Name)+": "+volumeText(m.Volume), now.Add(answerTime))
}

// volumeText returns a volume in dB in words.
func volumeText(db float64) string {
	switch {
	case db <= call.MinVolume:
		return "off"
	case db == 0:
		return "as it comes"
	}
	return fmt.Sprintf("%+.0f dB", db)
}
