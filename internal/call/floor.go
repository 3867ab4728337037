package call

import (
	"time"

	"github.com/sanix-darker/s2c/internal/wire"
)

// A floor decides what a voice packet tells the hub about whether somebody speaks: in
// a session of more than wire.FloorFrom members only, and there for whole seconds,
// which begin with the first sound and go on until one has passed without. One
// goroutine uses it.
type floor struct {
	taken bool
	since time.Time // of the seconds
	loud  time.Time // when there was a sound last
}

// floorSpan is the length of what the hub is told of at once.
const floorSpan = time.Second

// hear takes note whether there was a sound.
func (f *floor) hear(loud bool, now time.Time) {
	if !loud {
		return
	}
	if f.loud = now; !f.taken {
		f.taken, f.since = true, now
	}
}

// layer returns what goes into the place of the layer of a voice packet in a session
// of so many members.
func (f *floor) layer(members int, now time.Time) uint8 {
	if f.taken {
		// The end of the last second in which there was a sound, and one more.
		f.taken = now.Before(f.loud.Add(2*floorSpan - f.loud.Sub(f.since)%floorSpan))
	}
	if f.taken || members <= wire.FloorFrom {
		return 0
	}
	return wire.LayerQuiet
}
