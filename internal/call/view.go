package call

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/sanix-darker/s2c/internal/video"
	"github.com/sanix-darker/s2c/internal/wire"
)

// A View is how a screen shows the pictures of a member.
type View struct {
	Slot          uint16
	Width, Height int  // of the tile, in pixels that it can show; 0 leaves them to the sender
	FPS           int  // pictures per second that it shows at most; 0 leaves it to the sender
	Colour        bool // it shows colours
	Tall          bool // its pixels are twice as high as wide
}

const (
	// maxFPS is what a View can ask for.
	maxFPS = 30

	// watchEvery is how often the hub is told at most: a screen that is pulled
	// larger asks for another size with each step.
	watchEvery = 100 * time.Millisecond

	// shrinkAfter is how long less must be enough before the hub is told. What is
	// smaller for a moment will be of another size soon.
	shrinkAfter = 700 * time.Millisecond

	// firstWatch is how soon after joining the hub is told for the first time.
	// Before, it sends everybody's pictures, which are those that a newcomer sees
	// at once; by then the screen knows everybody.
	firstWatch = 400 * time.Millisecond
)

// views is what the screen shows, and what the hub has been told of it.
type views struct {
	wake chan struct{} // tells controlLoop of a change; never closed

	// Guarded by mu.
	mu      sync.Mutex
	self    View
	set     bool      // the screen has said what it shows, on this connection
	want    []View    // that
	changed time.Time // when it last was another one
	told    []View    // what the hub knows
	telling bool      // the hub knows something
	at      time.Time // when it was told, or when the connection began

	limits []limit // of all members who are there
	thin   bool    // and of all together
	hurry  bool    // less is wanted of somebody because the way is too slow
	asked  []View  // scratch of wantLocked
}

func (v *views) init() { v.wake = make(chan struct{}, 1) }

// Watch says whose pictures a screen shows and how, in place of what was said
// before: nobody sends more pixels, pictures or colours than somebody looks
// at. At most 64 views count. It may be called for each picture painted; what
// is new is passed on at once, but for tiles that shrink or vanish, which may
// be on their way to another size. A Call on which it was never called, as
// one without a screen, is sent everybody's pictures in the sender's size.
// views is copied.
func (c *Call) Watch(views []View) {
	views = views[:min(len(views), wire.MaxViews)]
	v := &c.views
	v.mu.Lock()
	same := v.set && slices.Equal(v.want, views)
	if !same {
		v.set, v.changed = true, time.Now()
		v.want = append(v.want[:0], views...)
	}
	v.mu.Unlock()
	if !same {
		wake(v.wake)
	}
}

// WatchSelf says how a screen shows the own picture. Its Slot is not used.
func (c *Call) WatchSelf(v View) {
	c.views.mu.Lock()
	c.views.self = v
	c.views.mu.Unlock()
}

// selfView returns how the own picture is shown.
func (v *views) selfView() View {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.self
}

// begin forgets what belongs to the connection before, whose slots are those
// of nobody now.
func (v *views) begin(now time.Time) {
	v.mu.Lock()
	v.set, v.telling, v.at = false, false, now
	v.want, v.told = v.want[:0], v.told[:0]
	v.limits, v.hurry = v.limits[:0], false
	v.mu.Unlock()
}

// due returns what the hub is to be told at time now. Otherwise wait is how
// long until it is, 0 if nothing is new.
func (v *views) due(now time.Time) (w wire.Watch, ok bool, wait time.Duration) {
	v.mu.Lock()
	defer v.mu.Unlock()
	want, ok := v.wantLocked()
	switch {
	case !ok, v.telling && slices.Equal(want, v.told):
		return w, false, 0
	case !v.telling:
		wait = firstWatch - now.Sub(v.at)
	case v.hurry, v.growsLocked(want):
		wait = watchEvery - now.Sub(v.at)
	default:
		wait = shrinkAfter - now.Sub(v.changed)
	}
	if wait > 0 {
		return w, false, wait
	}
	v.told = append(v.told[:0], want...)
	v.telling, v.hurry, v.at = true, false, now
	w.Views = make([]wire.View, len(v.told))
	for i, x := range v.told {
		w.Views[i] = wire.View{Slot: x.Slot, Size: x.size()}
	}
	return w, true, 0
}

// growsLocked reports whether something of want is not in what the hub knows.
func (v *views) growsLocked(want []View) bool {
	for _, x := range want {
		i := slices.IndexFunc(v.told, func(y View) bool { return y.Slot == x.Slot })
		if i < 0 {
			return true
		}
		y := v.told[i]
		if x.Width > y.Width || x.Height > y.Height || x.FPS > y.FPS || x.Colour && !y.Colour || x.Tall != y.Tall {
			return true
		}
	}
	return false
}

// size returns v as it goes on the wire.
func (v View) size() wire.Size {
	s := wire.Size{FPS: uint8(min(max(v.FPS, 0), maxFPS)), Colour: v.Colour}
	if v.Width > 0 && v.Height > 0 {
		s.Width, s.Height = uint16(min(v.Width, video.MaxWidth)), uint16(min(v.Height, video.MaxHeight))
		s.Tall = v.Tall
	}
	return s
}

// tellViews tells the hub what the screen shows, if that is due, and sets timer
// to when it will be.
func (c *Call) tellViews(ctx context.Context, l *link, timer *time.Timer) error {
	w, ok, wait := c.views.due(time.Now())
	if ok {
		return l.write(ctx, w)
	}
	if wait > 0 {
		timer.Reset(wait)
	}
	return nil
}
