package hub

import (
	"cmp"
	"slices"

	"github.com/sanix-darker/s2c/internal/wire"
)

// What a member can want of another one's pictures at most. It is what the
// codec can do, with which a test compares it; larger wants count as this.
const (
	maxWidth  = 640 // pixels
	maxHeight = 480 // pixels
	maxFPS    = 30
)

// grain is what the sides of a picture are multiples of, in pixels: of tiles
// that differ by a column or a line nobody needs a layer of its own, and a
// sender codes on when one of them changes by as much.
const grain = 8

// Layers are the sizes in which a member is to send its pictures, the largest
// first. Those beyond n are zero, so that == compares them.
type layers struct {
	n    int
	size [wire.MaxLayers]wire.Size
}

// tidy returns the views of a Watch by slot, in sizes that a member can be
// asked for. Of several views of one slot the first counts. It reuses views.
func tidy(views []wire.View) []wire.View {
	slices.SortStableFunc(views, func(a, b wire.View) int { return cmp.Compare(a.Slot, b.Slot) })
	views = slices.CompactFunc(views, func(a, b wire.View) bool { return a.Slot == b.Slot })
	for i := range views {
		views[i].Size = allowed(views[i].Size)
	}
	return views
}

// allowed returns the size that a member is asked for by who wants s. Without
// width, height or rate that is whatever the sender likes, but for the colour.
func allowed(s wire.Size) wire.Size {
	if cost(s) == 0 {
		return wire.Size{Colour: s.Colour}
	}
	high := 1 // of a pixel, in widths
	if s.Tall {
		high = 2
	}
	up := func(v uint16, most, grain int) uint16 { return uint16((min(int(v), most) + grain - 1) / grain * grain) }
	s.Width, s.Height = up(s.Width, maxWidth, grain), up(s.Height, maxHeight/high, grain/high)
	s.FPS = min(s.FPS, maxFPS)
	return s
}

// lookup returns how somebody with the given views, which are by slot, looks
// at the member in a slot.
func lookup(views []wire.View, slot uint16) (wire.Size, bool) {
	i, ok := slices.BinarySearchFunc(views, slot, func(v wire.View, slot uint16) int { return cmp.Compare(v.Slot, slot) })
	if !ok {
		return wire.Size{}, false
	}
	return views[i].Size, true
}

// cost returns how many pixels a second s has, which is about what it costs a
// sender to code it and a viewer to receive it. It is 0 for what the sender
// likes.
func cost(s wire.Size) int { return int(s.Width) * int(s.Height) * int(s.FPS) }

// muchLess reports whether a cost is below 40 % of another one. Less of a
// difference is not worth another layer: the sender codes both, and its own
// way to the hub carries both.
func muchLess(a, b int) bool { return 5*a < 2*b }

// square returns s with square pixels.
func square(s wire.Size) wire.Size {
	if s.Tall {
		s.Height, s.Tall = 2*s.Height, false
	}
	return s
}

// cover returns the least size that has all of a and b. What the sender likes
// has only its colour.
func cover(a, b wire.Size) wire.Size {
	switch {
	case cost(a) == 0:
		b.Colour = a.Colour || b.Colour
		return b
	case cost(b) == 0:
		a.Colour = a.Colour || b.Colour
		return a
	case a.Tall != b.Tall:
		a, b = square(a), square(b)
	}
	return wire.Size{
		Tall:   a.Tall,
		Width:  max(a.Width, b.Width),
		Height: max(a.Height, b.Height),
		FPS:    max(a.FPS, b.FPS),
		Colour: a.Colour || b.Colour,
	}
}

// group returns in what sizes a member is to send its pictures to those who
// want them in the sizes wants, as allowed returns them, and stores in place,
// which is as long, the layer of each.
//
// The dearest want opens the first layer, the dearest of those that cost much
// less opens the next one, and the last layer is for all that are left. Who
// leaves the size to the sender gets the first. The order of wants does not
// matter, as only their costs decide.
func group(wants []wire.Size, place []uint8) (l layers) {
	const nowhere = wire.MaxLayers
	for i := range place {
		place[i] = nowhere
	}
	for l.n < wire.MaxLayers {
		dearest := 0
		for i, w := range wants {
			if place[i] == nowhere {
				dearest = max(dearest, cost(w))
			}
		}
		if dearest == 0 {
			break
		}
		last := l.n == wire.MaxLayers-1
		for i, w := range wants {
			if c := cost(w); place[i] == nowhere && c > 0 && (last || !muchLess(c, dearest)) {
				place[i] = uint8(l.n)
				l.size[l.n] = cover(l.size[l.n], w)
			}
		}
		l.n++
	}
	l.merge(place)
	for i, w := range wants {
		if place[i] == nowhere {
			place[i] = 0
			l.n = max(l.n, 1)
			l.size[0].Colour = l.size[0].Colour || w.Colour
		}
	}
	return l
}

// merge makes one layer of two of which the second is not much less: a wide
// and a high tile together can need a larger picture than each of them. It
// leaves the layers such that the largest is the first.
func (l *layers) merge(place []uint8) {
	for k := l.n - 1; k > 0; k-- {
		if muchLess(cost(l.size[k]), cost(l.size[k-1])) {
			continue
		}
		l.size[k-1] = cover(l.size[k-1], l.size[k])
		copy(l.size[k:], l.size[k+1:])
		l.size[wire.MaxLayers-1] = wire.Size{}
		l.n--
		for i, p := range place {
			if p < wire.MaxLayers && int(p) >= k {
				place[i]--
			}
		}
	}
}
