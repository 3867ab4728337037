package call

import (
	"slices"
	"time"

	"github.com/sanix-darker/s2c/internal/wire"
)

// How little of a member's pictures is asked for while the way from it is too
// slow, the voice first of all: the most pixels and pictures a second, and then
// none at all.
var thriftSteps = [...]View{
	1: {Width: 96, Height: 60, FPS: 8, Colour: true},
	2: {Width: 64, Height: 40, FPS: 4},
	3: {}, // no pictures
}

const noPictures = len(thriftSteps) - 1

// How a thrift goes from step to step.
const (
	thriftHolds = 3 * time.Second  // until a step has had its effect
	thriftLasts = 15 * time.Second // nothing must be slow for so long before more is asked for
	thriftMost  = 8 * thriftLasts  // the same for whoever was slow again soon after
)

// A thrift is how little is asked for of one member. The zero thrift asks for
// all.
type thrift struct {
	step   int
	at     time.Time // of the last step
	slow   time.Time // when the packets were slow last
	lasts  time.Duration
	rising bool // the last step was one back
}

// look takes a step if it is time to. slow says whether the member's packets take
// longer than they could.
func (t *thrift) look(slow bool, now time.Time) {
	if slow {
		t.slow = now
		if t.step == noPictures || now.Sub(t.at) < thriftHolds {
			return
		}
		switch {
		case t.rising && now.Sub(t.at) < thriftLasts:
			t.lasts = min(2*t.lasts, thriftMost)
		case t.step == 0 || t.lasts == 0:
			t.lasts = thriftLasts
		}
		t.step, t.at, t.rising = t.step+1, now, false
		return
	}
	if t.step > 0 && now.Sub(t.slow) >= t.lasts && now.Sub(t.at) >= t.lasts {
		t.step, t.at, t.rising = t.step-1, now, true
	}
}

// cut returns how to look at a member with a thrift at a step, which is one with
// pictures.
func (v View) cut(step int) View {
	if step == 0 {
		return v
	}
	return v.within(thriftSteps[step])
}

// within returns v as far as it is not more than most.
func (v View) within(most View) View {
	switch {
	case v.Width <= 0 || v.Height <= 0:
		v.Width, v.Height = most.Width, most.Height
	case v.Width > most.Width || v.Height > most.Height:
		w, h := v.Width, v.Height
		if w*most.Height > h*most.Width {
			v.Width, v.Height = most.Width, max(1, h*most.Width/w)
		} else {
			v.Width, v.Height = max(1, w*most.Height/h), most.Height
		}
	}
	if v.FPS <= 0 || v.FPS > most.FPS {
		v.FPS = most.FPS
	}
	v.Colour = v.Colour && most.Colour
	return v
}

// cutSize is cut of what is asked of this member.
func cutSize(s wire.Size, step int) wire.Size {
	return View{Width: int(s.Width), Height: int(s.Height), FPS: int(s.FPS), Colour: s.Colour, Tall: s.Tall}.cut(step).size()
}

// save asks for less of the pictures of members whose packets are slow, or of whom
// the hub leaves out pictures as the way here has no room for all, or for more. When
// the way to the hub and back is slow it does so with all, and sends less itself:
// which of the two directions it is cannot be told. The goroutine that tells the hub
// calls it once a second.
func (c *Call) save(l *link, now time.Time) {
	slow := l.slow(c.roundTrip(), c.mostTide())
	if c.thin.Load() && now.Sub(l.began) < thinSettles {
		return // the line is full with what members say first
	}
	c.look(&c.thrift, slow, now, Notice{})
	c.saving.Store(int32(c.thrift.step))
	members := *c.members.Load()
	limits := make([]limit, 0, len(members))
	for _, m := range members {
		less := slow || m.tide.high(now, c.mostTide()) || m.isSkipped(now)
		c.look(&m.thrift, less, now, Notice{Slot: m.slot, Name: m.name()})
		limits = append(limits, limit{m.slot, m.thrift.step})
	}
	if c.views.limit(limits, c.thinLink()) {
		wake(c.views.wake)
	}
}

// look has t take a step if it is time to, and tells the person if pictures end
// or come again.
func (c *Call) look(t *thrift, slow bool, now time.Time, n Notice) {
	before := t.step
	t.look(slow, now)
	switch {
	case before < noPictures && t.step == noPictures:
		n.Kind = PicturesPaused
	case before == noPictures && t.step < noPictures:
		n.Kind = PicturesBack
	default:
		return
	}
	c.notify(n)
}

// slow reports whether a round trip takes longer than it could, by more than most.
func (l *link) slow(rtt, most time.Duration) bool {
	if rtt == 0 {
		return false
	}
	if l.quickest == 0 || rtt < l.quickest {
		l.quickest = rtt
	}
	return rtt > l.quickest+most
}

// roundTrip returns how long a packet takes to the hub and back, 0 if that is
// not known.
func (c *Call) roundTrip() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stat.RTT
}

// A limit is the step of the thrift for the member in a slot.
type limit struct {
	slot uint16
	step int
}

// limit takes the limits of all members who are there, and whether the link is a
// thin one. It reports whether that changes what the hub is to be told.
func (v *views) limit(limits []limit, thin bool) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.thin == thin && slices.Equal(v.limits, limits) {
		return false
	}
	v.hurry = v.hurry || thin && !v.thin
	v.thin = thin
	v.hurry = v.hurry || slices.ContainsFunc(limits, func(l limit) bool { return l.step > v.stepLocked(l.slot) })
	v.limits = append(v.limits[:0], limits...)
	return true
}

func (v *views) stepLocked(slot uint16) int {
	for _, l := range v.limits {
		if l.slot == slot {
			return l.step
		}
	}
	return 0
}

// wantLocked returns what the hub is to be told. It reports false if that is
// nothing yet: without a screen everybody's pictures come by themselves, until
// the hub has to be told of less.
func (v *views) wantLocked() (want []View, ok bool) {
	thrifty := v.thin || slices.ContainsFunc(v.limits, func(l limit) bool { return l.step > 0 })
	v.asked = v.asked[:0]
	switch {
	case v.set:
		v.asked = append(v.asked, v.want...)
	case thrifty || v.telling:
		for _, l := range v.limits {
			v.asked = append(v.asked, View{Slot: l.slot})
		}
	default:
		return nil, false
	}
	v.asked = v.asked[:min(len(v.asked), wire.MaxViews)]
	if !thrifty {
		return v.asked, true
	}
	v.asked = slices.DeleteFunc(v.asked, func(x View) bool { return v.stepLocked(x.Slot) == noPictures })
	for i, x := range v.asked {
		v.asked[i] = x.cut(v.stepLocked(x.Slot))
		if v.thin {
			v.asked[i] = v.asked[i].within(thinView(x.Tall))
		}
	}
	return v.asked, true
}
