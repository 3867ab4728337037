package ui

import (
	"slices"

	"github.com/sanix-darker/s2c/internal/call"
)

// unseen is how the own picture is shown when it is not: as seldom as can be.
var unseen = call.View{FPS: 1}

// A watch is whose pictures are on the screen.
type watch struct {
	views []call.View // in this frame
	self  call.View

	// What the engine knows.
	told     []call.View
	toldSelf call.View
	set      bool   // it knows something
	slot     uint16 // the own one on the connection that it knows it of
}

// add adds a member to those who are seen in this frame.
func (w *watch) add(v call.View) { w.views = append(w.views, v) }

// tell tells the engine what is on the screen, if that is another than it
// knows, and begins the next frame.
func (w *watch) tell(e Engine) {
	if !w.set || !slices.Equal(w.views, w.told) {
		w.told = append(w.told[:0], w.views...)
		e.Watch(w.told)
	}
	if !w.set || w.self != w.toldSelf {
		w.toldSelf = w.self
		e.WatchSelf(w.self)
	}
	w.set = true
	w.views, w.self = w.views[:0], unseen
}

// tell ends the drawing of the tiles: it tells the engine which are on the
// screen, and forgets the pictures of the others.
func (v *callView) tell() {
	// The hub of a new connection, on which the own slot is another one, knows
	// nothing, though the screen may show the same.
	if slot := v.state.Self.Slot; slot != v.watch.slot {
		v.watch.slot, v.watch.set = slot, false
	}
	v.watch.tell(v.engine)
	for _, t := range v.tiles {
		t.settle()
	}
	v.self.settle()
}

// hide says that no tile is on the screen.
func (v *callView) hide() {
	v.watch.views, v.watch.self = v.watch.views[:0], unseen
	v.tell()
}
