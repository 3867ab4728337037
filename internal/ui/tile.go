package ui

import (
	"fmt"
	"strings"
	"time"

	"github.com/sanix-darker/s2c/ascii"
	"github.com/sanix-darker/s2c/internal/call"
	"github.com/sanix-darker/s2c/internal/media"
	"github.com/sanix-darker/s2c/internal/text"
	"github.com/sanix-darker/s2c/internal/trust"
)

// A tile is what the screen keeps of one member, or of oneself.
type tile struct {
	rawName string // as State had it
	name    string // clean
	seen    bool   // in the newest State

	frame   media.Frame // the newest picture
	has     bool        // there is one
	hidden  bool        // the tile was not on the screen in the last frame
	visible bool        // it is in this one
	drawn   bool        // cells show the picture
	at      rect        // where they are
	look    ascii.Look  // that the tile has
	best    ascii.Look  // that it would have on a fast terminal
	chosen  bool        // it has one
	gray    bool        // it is drawn without colours
	dim     bool        // it is to be drawn darker
	dimmed  bool        // it is
	cells   []ascii.Cell
	painter ascii.Renderer
	meter   meter

	reaction string    // clean
	reacted  time.Time // when it came
}

// setName gives the tile a name. Another name is another member, whose picture
// has yet to come.
func (t *tile) setName(raw string) {
	if raw != t.rawName || t.name == "" {
		t.rawName, t.name = raw, cleanName(raw)
		t.has = false
	}
}

// take keeps a copy of f as the newest picture; a nil f is none.
func (t *tile) take(f *media.Frame) {
	if f != nil {
		t.frame.CopyFrom(f)
		t.has, t.drawn = true, false
	}
}

// show says that the tile is on the screen, with so many cells for pictures. It
// reports whether a picture that is there now is of that time: one that came
// while the tile was not to be seen may be old.
func (t *tile) show(term *terminal, cols, rows int) (fresh bool) {
	fresh = !t.hidden
	t.visible, t.hidden = true, false
	t.look = term.lookFor(t, cols, rows)
	return fresh
}

// settle forgets the picture of a tile that was not shown in this frame.
func (t *tile) settle() {
	if !t.visible {
		t.has, t.hidden = false, true
	}
	t.visible = false
}

// pixelAspect returns the height of a cell over its width, both in pixels of a
// picture, for a cell of the height aspect, which is 0 where it is not known.
func pixelAspect(aspect float64, tall bool) float64 {
	if aspect == 0 {
		aspect = usualAspect
	}
	if tall {
		aspect /= 2
	}
	return aspect
}

// paint draws the newest picture into r of the plane, in the look that show has
// found.
func (t *tile) paint(term *terminal, r rect) {
	if r.w == 0 || r.h == 0 {
		return
	}
	aspect := pixelAspect(term.aspect, t.frame.Tall)
	if term.fit {
		r = whole(r, t.frame.Rect.Dx(), t.frame.Rect.Dy(), aspect)
	}
	p, colors := &t.painter, term.colors()
	if p.Look != t.look || p.Colors != colors || t.gray != term.gray() || t.dimmed != t.dim || p.Contrast != term.looks.contrast || t.at.w != r.w || t.at.h != r.h {
		t.drawn = false
	}
	if !t.drawn {
		t.cells = grow(t.cells, r.w*r.h)
		p.Look, p.Colors, p.Light, p.Contrast = t.look, colors, term.info.Light, term.looks.contrast
		img := t.frame.YCbCr
		if t.gray = term.gray(); t.gray {
			img.Cb, img.Cr = nil, nil
		}
		p.Render(t.cells, r.w, r.h, aspect, &img)
		if t.dimmed = t.dim; t.dim {
			dim(t.cells)
		}
		t.drawn = true
	}
	t.at = r
	fg, bg := term.looks.own(t.look.Coloured() && colors != ascii.ColorsNone)
	if t.dim {
		fg = fg.Dim()
	}
	term.plane.draw(r, t.cells, fg, bg)
}

// whole returns the part of r, in its middle, that has the shape of a picture of
// w x h pixels, for cells of a height of aspect times their width.
func whole(r rect, w, h int, aspect float64) rect {
	if w <= 0 || h <= 0 {
		return r
	}
	shape := float64(w) / float64(h) * aspect // columns for a row
	in := r
	if cols := float64(r.h) * shape; cols < float64(r.w) {
		in.w = max(int(cols+0.5), 1)
	} else {
		in.h = min(max(int(float64(r.w)/shape+0.5), 1), r.h)
	}
	in.x += (r.w - in.w) / 2
	in.y += (r.h - in.h) / 2
	return in
}

// dim makes the colours of a picture darker.
func dim(cells []ascii.Cell) {
	for i := range cells {
		c := &cells[i]
		c.Fg, c.Bg = c.Fg.Dim(), c.Bg.Dim()
	}
}

// A meter keeps the last levels of a voice.
type meter [4]uint8

// meterEvery is how often a meter takes a level.
const meterEvery = 100 * time.Millisecond

// push adds a level in dBFS as one of nine steps: 0 below -54, then one for
// each 6 dB.
func (m *meter) push(dbfs float64) {
	copy(m[:], m[1:])
	step := uint8(0)
	if dbfs > -60 { // and is a number
		step = uint8(min((dbfs+60)/6, 8))
	}
	m[len(m)-1] = step
}

// draw writes the meter from x on.
func (m *meter) draw(t *terminal, x, y int, st style) {
	for i, v := range m {
		t.canvas.put(x+i, y, t.chars.levels[v], st)
	}
}

// When a member's trouble is worth a word.
const (
	lagToTell    = 500 * time.Millisecond
	silentToTell = 3 * time.Second
	frozenAfter  = 10 * time.Second // the picture passes for a live one no longer
	awayToTell   = 2 * time.Second  // of silence, of somebody whose connection is broken
)

// A face is what is to be drawn of a member in a tile.
type face struct {
	tile     *tile
	name     string
	label    string // the name as the border has it
	reaction string // shown over the picture; "" for none
	reason   string // why there is no picture; "" when one is shown
	over     string // drawn over the picture; "" for nothing
	speaking bool
	states   [8]string // what is wrong, the worst first; "" ends them
	mark     string    // how well the person is known, if that is worth a word
}

// faceOf returns what is to be drawn of a member.
func faceOf(m *call.Member, t *tile) face {
	f := face{tile: t, name: t.name, speaking: m.Speaking && m.Present && !m.Muted}
	switch {
	case !m.Present:
		f.reason = "joining"
	case !m.Camera:
		f.reason = "camera off"
	case !t.has:
		f.reason = "waiting for the picture"
	}
	n := 0
	add := func(s string) {
		f.states[n] = s
		n++
	}
	switch m.Mark {
	case trust.Changed:
		add("other key")
	case trust.New:
		f.mark = "new"
	case trust.Verified:
		f.mark = "verified"
	default:
	}
	if m.Present && m.Differs {
		add("sees others")
	}
	silent := int(min(m.Silent, time.Hour).Seconds())
	t.dim = m.Present && m.Away && m.Silent >= awayToTell
	switch {
	case t.dim:
		f.over = "reconnecting"
		add(fmt.Sprintf("reconnecting %ds", silent))
	case m.Present && m.Silent >= frozenAfter:
		f.over = "frozen"
		fallthrough
	case m.Present && m.Silent >= silentToTell:
		add(fmt.Sprintf("no signal %ds", silent))
	}
	if m.Present && m.Muted {
		add("muted")
	}
	if m.Present && m.Hand {
		add("hand")
	}
	if m.MutedHere {
		add("not heard here")
	}
	if m.Present && m.Deaf {
		add("cannot hear")
	}
	if m.Present && m.Camera && m.Lag >= lagToTell {
		add(fmt.Sprintf("lag %.1fs", min(m.Lag, time.Minute).Seconds()))
	}
	return f
}

// reactionAt returns the reaction that is shown at an instant, or "".
func (t *tile) reactionAt(now time.Time) string {
	if now.Sub(t.reacted) >= reactionTime {
		return ""
	}
	return t.reaction
}

// drawReaction writes what a member reacts with into the upper part of r.
func drawReaction(t *terminal, r rect, reaction string) {
	w := textWidth(reaction) + 2
	if reaction == "" || w > r.w || r.h < 2 {
		return
	}
	pill := rect{r.x + (r.w-w)/2, r.y + r.h/4, w, 1}
	t.plane.cut(pill)
	t.canvas.fill(pill, stylePill)
	t.canvas.centred(pill, 0, reaction, stylePill)
}

// drawFace draws a member into r: the border with the name and the state, and
// the picture or a card in it. r must be on the screen, and the tile shown.
func drawFace(t *terminal, r rect, f *face) {
	c := &t.canvas
	border, st := &t.chars.light, styleFrame
	if f.speaking {
		border, st = &t.chars.heavy, styleSpeaker
	}
	inside := r.inside()
	t.plane.cut(r)
	c.border(r, border, st)
	drawLabel(t, r, f)
	defer drawReaction(t, inside, f.reaction)
	if f.reason == "" {
		f.tile.paint(t, inside)
		if f.over != "" && inside.h > 0 && inside.w >= len(f.over)+2 {
			pill := rect{inside.x + (inside.w-len(f.over)-2)/2, inside.y + inside.h/2, len(f.over) + 2, 1}
			t.plane.cut(pill)
			c.fill(pill, stylePillWarn)
			c.centred(pill, 0, f.over, stylePillWarn)
		}
		return
	}
	c.fill(inside, styleCard)
	if inside.h < 2 {
		c.centred(inside, 0, f.reason, styleCard)
		return
	}
	reason := f.reason
	if textWidth(reason) > inside.w {
		reason, _, _ = strings.Cut(reason, " for ") // "waiting" alone says it
	}
	top := (inside.h - 1) / 2
	c.centred(inside, top, f.name, styleCardName)
	c.centred(inside, top+1, reason, styleCard)
}

// shortName is how many columns of a name are shown before the state is.
const shortName = 6

// drawLabel writes the name to the left and the state to the right of the
// lower border of r.
func drawLabel(t *terminal, r rect, f *face) {
	c, y := &t.canvas, r.y+r.h-1
	left, right := r.x+2, r.x+r.w-2 // what is free in the border
	if right-left < 3 || r.h < 2 {
		return
	}
	// A long name leaves room for the worst of the states, and for the mark: it
	// must not push out that nobody knows it.
	room := right - left - 2
	for _, w := range []string{f.states[0], f.mark} {
		if w != "" {
			room = max(room-len(w)-3, min(room, shortName))
		}
	}
	name := f.label
	if textWidth(name) > room {
		name = text.Clean(name, room)
	}
	c.put(left, y, " ", styleName)
	left += 1 + c.text(left+1, y, room, name, styleName)
	c.put(left, y, " ", styleName)
	left += 2 // and a piece of the border
	if f.speaking && right-left >= len(meter{})+2 {
		right -= len(meter{}) + 2
		c.fill(rect{right, y, len(meter{}) + 2, 1}, stylePlain)
		f.tile.meter.draw(t, right+1, y, styleSpeaker)
	}
	draw := func(s string, st style) {
		right -= len(s) + 2
		c.put(right, y, " ", st)
		c.text(right+1, y, len(s), s, st)
		c.put(right+1+len(s), y, " ", st)
	}
	keep := 0 // for the mark
	if f.mark != "" {
		keep = len(f.mark) + 2
	}
	for i, s := range f.states {
		if i > 0 && right-left-keep < len(s)+2 || right-left < len(s)+2 {
			break
		}
		if s != "" {
			draw(s, styleState)
		}
	}
	if f.mark != "" && right-left >= keep {
		draw(f.mark, styleName)
	}
}
