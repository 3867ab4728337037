package ui

import (
	"fmt"
	"time"

	"github.com/sanix-darker/s2c/ascii"
	"github.com/sanix-darker/s2c/internal/call"
)

// paint draws one frame of v. It fails when the terminal cannot be written to.
func (t *terminal) paint(v view, now time.Time) error {
	if w, h := t.screen.Size(); w != t.w || h != t.h {
		t.reset()
	}
	t.canvas.clear()
	t.plane.begin()
	t.cursor, t.hits = nowhere, t.hits[:0]
	t.looks.cols, t.looks.rows = 0, 0
	t.ladder.auto, t.ladder.cells = t.looks.auto, t.w*t.h
	v.draw(t, now)
	t.plane.settle(t.screen, t.tty != nil)
	return t.write(now)
}

// write brings what was drawn to the screen: words and borders, and as much of
// the pictures as the budget has room for.
func (t *terminal) write(begun time.Time) error {
	now := time.Now()
	changed := t.canvas.flush(t.screen, t.plane.have, t.theme)
	if t.tty == nil {
		changed = t.plane.put(t.screen) || changed
	}
	if t.cursor != t.shown {
		t.screen.ShowCursor(t.cursor.x, t.cursor.y)
		t.shown, changed = t.cursor, true
	}
	if changed {
		t.screen.Show()
	}
	bytes := t.spend()
	t.buf, t.pending = t.buf[:0], false
	if t.tty != nil {
		t.buf, t.pending = t.plane.append(t.buf, t.shown != nowhere, t.budget.room(now))
	}
	if len(t.buf) > 0 {
		if _, err := t.tty.Write(t.buf); err != nil {
			return fmt.Errorf("write terminal: %w", err)
		}
		if t.gate == nil {
			t.sent += int64(len(t.buf))
		}
	}
	bytes += t.spend()
	end := time.Now()
	t.ladder.wrote(end, load{
		wrote: changed || len(t.buf) > 0, write: end.Sub(now), paint: end.Sub(begun), bytes: bytes, short: t.pending,
	})
	return nil
}

// spend tells the budget what was written since it was told last, and returns
// how many bytes that were.
func (t *terminal) spend() int {
	all := t.sent
	if t.gate != nil {
		all = t.gate.written.Load()
	}
	n := int(all - t.counted)
	t.counted = all
	t.budget.spend(n)
	return n
}

// fps returns how many pictures a second are painted at most.
func (t *terminal) fps() int {
	if t.info.Remote && t.away.Load() {
		return min(t.ladder.rung().fps, awayFPS)
	}
	return t.ladder.rung().fps
}

// every returns how often is painted at most.
func (t *terminal) every() time.Duration { return rung{fps: t.fps()}.every() }

// colors returns the colours that pictures have.
func (t *terminal) colors() ascii.Colors { return max(t.info.Colors, t.ladder.rung().colors) }

// gray reports whether pictures have no colours though the terminal has some.
func (t *terminal) gray() bool { return t.ladder.rung().gray && t.info.Colors <= ascii.Colors256 }

// lookFor returns the look for a tile of cols x rows cells.
func (t *terminal) lookFor(tl *tile, cols, rows int) ascii.Look {
	l := &t.looks
	if cols*rows > l.cols*l.rows {
		l.cols, l.rows = cols, rows
	}
	tl.best = l.best(cols, rows, tl.best, tl.chosen)
	tl.chosen = true
	return t.ladder.rung().look(tl.best, l.auto)
}

// view returns how pictures are shown in a tile of cols x rows cells.
func (t *terminal) view(tl *tile, cols, rows int) call.View {
	w, h, tall := pixels(tl.look, cols, rows, t.aspect)
	return call.View{
		Width: w, Height: h, Tall: tall, FPS: t.fps(),
		Colour: tl.look.Coloured() && t.colors() != ascii.ColorsNone && !t.gray(),
	}
}

// leastSpeed is from how many bytes a second on they are worth a word: to say so
// takes some itself.
const leastSpeed = 1000

// status returns what there is to say of the terminal, as "10 fps, 35 kB/s", or
// "" for nothing.
func (t *terminal) status() string {
	s := t.ladder.String()
	if n := t.ladder.speed.now; n >= leastSpeed {
		if s != "" {
			s += ", "
		}
		s += rate(float64(n)/1000) + " kB/s"
	}
	return s
}
