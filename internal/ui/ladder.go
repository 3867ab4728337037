package ui

import (
	"fmt"
	"time"

	"github.com/sanix-darker/s2c/ascii"
)

// A rung is how much a terminal is sent.
type rung struct {
	fps    int
	colors ascii.Colors // at most
	gray   bool         // 256 colours are few: in grays alone, of which there are 24, a face is one
	half   bool         // in place of finer blocks, where the person has left the look to this program
	letter bool         // in place of blocks, whatever the person has chosen
}

// rungs are those of the ladder, from the top.
var rungs = [...]rung{
	{fps: 30},
	{fps: 15},
	{fps: 10},
	{fps: 10, colors: ascii.Colors256, gray: true},
	{fps: 5, colors: ascii.Colors256, gray: true},
	{fps: 5, colors: ascii.Colors256, gray: true, half: true},
	{fps: 5, colors: ascii.ColorsNone, gray: true, letter: true},
}

// every returns how often the rung lets pictures be painted. They do not come
// evenly, and from several members: at exactly their pace one that is late would
// cost the next.
func (r rung) every() time.Duration { return time.Second * 3 / 4 / time.Duration(r.fps) }

// interval is the time that a picture has.
func (r rung) interval() time.Duration { return time.Second / time.Duration(r.fps) }

// drawnLike reports whether pictures look the same on two rungs.
func (r rung) drawnLike(o rung) bool {
	return r.colors == o.colors && r.gray == o.gray && r.half == o.half && r.letter == o.letter
}

// look returns what is drawn in place of a look; auto says that the person has
// left it to this program.
func (r rung) look(l ascii.Look, auto bool) ascii.Look {
	switch l {
	case ascii.LookOctant, ascii.LookSextant, ascii.LookBraille, ascii.LookQuadrant:
		if r.half && auto {
			l = ascii.LookHalf
		}
	default:
	}
	if r.letter && l.Coloured() {
		l = ascii.LookASCII
	}
	return l
}

const (
	// A terminal that took more than half of the time so many frames in a row
	// is too slow for them.
	slowFrames = 5

	// A budget must be too small for so long: a screen that is drawn for the
	// first time may take longer than the others.
	shortFor = time.Second

	// So many of them, or of those that would be too slow if it were sent more,
	// show that it has not had it easy. A machine that is busy makes one late.
	hardFrames = 3

	// Frames that were too slow count together for so long.
	rememberFor = 3 * time.Second

	// All of the screen changes with the colours or the look, which says
	// nothing of the frames after. The budget may make that take longer, up to
	// the second.
	settleFor  = time.Second
	settleMost = 30 * time.Second

	// cellBytes is about what a cell takes at most, of two colours of 24 bits.
	cellBytes = 40

	// How long a terminal must have had it easy before it is sent more. Each
	// time that was too much it is twice as long, up to the second.
	patience     = 5 * time.Second
	patienceMost = 5 * time.Minute
)

// A load is what a frame cost.
type load struct {
	wrote bool          // something was written
	write time.Duration // how long that took
	paint time.Duration // how long the whole frame took
	bytes int           // how many were written
	short bool          // there was no room for all, for now
}

// A ladder finds out how much a terminal can be sent. It steps down when
// writing takes too long or more than the budget, and up again after a while.
// It knows no clock.
type ladder struct {
	// Set by its owner.
	colors ascii.Colors // what the terminal can show
	auto   bool         // the person has left the look to this program
	rate   int          // bytes a second that may be written; 0 for any number
	cells  int          // of the screen

	at      int           // the rung
	slow    int           // how many frames in a row were too slow
	since   time.Time     // when the first of them was
	last    time.Time     // and the last
	large   int           // and how many bytes it had
	much    int           // how many frames in a row would be too slow on the rung above
	settled time.Time     // when frames count again
	calm    time.Time     // since when it could be more
	raised  time.Time     // when it became more
	wait    time.Duration // for how long it must be calm

	speed speed
	told  int       // the lowest rung that the person was told of since the top
	moved time.Time // when it last stepped
}

// rung returns the rung that the ladder is on.
func (l *ladder) rung() rung { return rungs[l.at] }

// same reports whether two rungs are the same on this terminal.
func (l *ladder) same(a, b rung) bool {
	a.colors, b.colors = max(a.colors, l.colors), max(b.colors, l.colors)
	if !l.auto {
		a.half, b.half = false, false
	}
	if l.colors > ascii.Colors256 { // there are no grays
		a.gray, b.gray = false, false
	}
	return a == b
}

// beside returns the next rung in a direction, 1 for down, that differs, or -1
// where there is none.
func (l *ladder) beside(step int) int {
	for i := l.at + step; i >= 0 && i < len(rungs); i += step {
		if !l.same(rungs[i], rungs[l.at]) {
			// Of those that are the same the highest stands for all.
			for i > 0 && l.same(rungs[i-1], rungs[i]) {
				i--
			}
			return i
		}
	}
	return -1
}

// wrote takes what a frame cost that ended now.
func (l *ladder) wrote(now time.Time, c load) {
	l.speed.add(now, c.bytes)
	if l.wait == 0 {
		l.wait, l.calm = patience, now
	}
	if now.Before(l.settled) {
		l.calm, l.slow, l.much = now, 0, 0
		return
	}
	interval := l.rung().interval()
	if late := c.write > interval/2 || c.paint > interval; late || c.short {
		l.strain(now, c, late)
		return
	}
	// A clock or a meter between two pictures would say nothing.
	tells := c.wrote && c.bytes >= l.large/4
	if tells {
		l.slow = 0
	}
	l.rise(now, c, tells)
}

// strain takes a frame that was too much.
func (l *ladder) strain(now time.Time, c load, late bool) {
	if l.slow == 0 || now.Sub(l.last) > rememberFor {
		l.slow, l.since = 0, now
	}
	l.slow++
	l.last, l.large = now, c.bytes
	if l.slow >= hardFrames {
		l.calm = now
	}
	if l.slow >= slowFrames && (late || now.Sub(l.since) >= shortFor) {
		l.down(now)
	}
}

// rise takes a frame that was not too much, and steps up when it is time.
func (l *ladder) rise(now time.Time, c load, tells bool) {
	up := l.beside(-1)
	if up < 0 {
		return
	}
	switch {
	case l.wouldBeMuch(rungs[up], c):
		if l.much++; l.much >= hardFrames {
			l.calm = now
		}
	case tells:
		l.much = 0
	}
	if now.Sub(l.calm) >= l.wait {
		l.raised = now
		l.step(now, up)
	}
}

// wouldBeMuch reports whether a frame like this one would come near the limits
// on another rung.
func (l *ladder) wouldBeMuch(up rung, c load) bool {
	now := l.rung()
	more, often := 1, up.fps/now.fps
	if up.colors != now.colors || up.letter != now.letter {
		more = 3 // about what 24 bits of colour take more than 256 colours
	} else if up.half != now.half {
		more = 2
	}
	if up.fps%now.fps != 0 {
		often++
	}
	return time.Duration(more)*c.write > up.interval()/4 || c.paint > up.interval()/2 ||
		l.rate > 0 && more*often*l.speed.now > l.rate*4/5
}

// down steps down.
func (l *ladder) down(now time.Time) {
	to := l.beside(1)
	l.slow = 0
	if to < 0 {
		return
	}
	if !l.raised.IsZero() && now.Sub(l.raised) < 2*l.wait {
		l.wait = min(2*l.wait, patienceMost)
	} else {
		l.wait = patience
	}
	l.raised = time.Time{}
	l.step(now, to)
}

// step goes to another rung, which is judged anew.
func (l *ladder) step(now time.Time, to int) {
	was := l.rung()
	l.at, l.moved = to, now
	l.slow, l.much, l.calm, l.settled = 0, 0, now, now
	if !l.rung().drawnLike(was) {
		l.settled = now.Add(min(max(settleFor, l.redraw()), settleMost))
	}
}

// redraw returns how long the budget makes drawing the whole screen take.
func (l *ladder) redraw() time.Duration {
	if l.rate <= 0 {
		return 0
	}
	return time.Duration(l.cells) * cellBytes * time.Second / time.Duration(l.rate)
}

// tellAfter is how long the ladder has to stand still before the person is
// told: it seldom takes one step alone.
const tellAfter = 2 * time.Second

// news returns what the person should be told once, or "".
func (l *ladder) news(now time.Time) string {
	if l.at == 0 {
		l.told = 0
	}
	if l.at <= l.told || now.Sub(l.moved) < tellAfter {
		return ""
	}
	l.told = l.at
	return "terminal is slow: " + l.String()
}

// String returns what is left of pictures, as "10 fps, gray", or "" at
// the top.
func (l *ladder) String() string {
	if l.at == 0 {
		return ""
	}
	r := l.rung()
	s := fmt.Sprintf("%d fps", r.fps)
	switch {
	case r.letter:
		return s + ", letters"
	case r.gray && l.colors <= ascii.Colors256:
		s += ", gray"
	}
	if r.half && l.auto {
		s += ", half blocks"
	}
	return s
}

// A speed is how many bytes a second are written.
type speed struct {
	now   int // in the last second that has passed
	since time.Time
	bytes int // since then
}

// add adds bytes that were written before now.
func (s *speed) add(now time.Time, n int) {
	d := now.Sub(s.since)
	switch {
	case s.since.IsZero() || d > 3*time.Second: // nobody has counted meanwhile
		s.since, s.bytes, s.now = now, 0, 0
	case d >= time.Second:
		s.now = int(float64(s.bytes) / d.Seconds())
		s.since, s.bytes = now, 0
	}
	s.bytes += n
}

// A budget is how many bytes may be written: so many a second, a quarter of
// which may be saved. Its zero value has no limit.
type budget struct {
	rate  int // bytes a second; 0 for any number
	saved int // negative when more was written than there was
	at    time.Time
}

// room returns how many bytes may be written now.
func (b *budget) room(now time.Time) int {
	if b.rate <= 0 {
		return int(^uint(0) >> 1)
	}
	most := max(b.rate/4, 2*leastWrite)
	if b.at.IsZero() {
		b.saved, b.at = most, now
	}
	// Bytes that have not come yet are not lost to rounding.
	if n := int(min(now.Sub(b.at), time.Minute).Seconds() * float64(b.rate)); n > 0 {
		b.saved, b.at = min(b.saved+n, most), now
	}
	return max(b.saved, 0)
}

// spend takes what was written. What words and borders take counts, but is
// written in any case: it can be a second's worth too much.
func (b *budget) spend(n int) {
	if b.rate > 0 {
		b.saved = max(b.saved-n, -b.rate)
	}
}
