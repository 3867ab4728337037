package ui

import (
	"math"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/gdamore/tcell/v2"

	"github.com/sanix-darker/s2c/ascii"
)

// A plane is the layer of pictures. Cells belong either to it or to the
// canvas; a view says which for each frame.
type plane struct {
	w, h       int
	next, last []ascii.Cell // what is to be on the screen, and what is; a rune of 0 is unknown
	want, have []bool       // which cells are the plane's in the next frame, and in the last
	start      int          // where the next write begins: behind what the last one had room for
}

// resize makes p a plane of w x h cells, of which it has none.
func (p *plane) resize(w, h int) {
	p.w, p.h, p.start = w, h, 0
	p.next, p.last = grow(p.next, w*h), grow(p.last, w*h)
	p.want, p.have = grow(p.want, w*h), grow(p.have, w*h)
	clear(p.next)
	clear(p.last)
	clear(p.want)
	clear(p.have)
}

// begin starts a frame without pictures.
func (p *plane) begin() { clear(p.want) }

// draw puts the cells of a picture of the size of r over what is there. r must
// be on the screen. fg and bg take the place of the terminal's own colours.
func (p *plane) draw(r rect, cells []ascii.Cell, fg, bg ascii.Color) {
	for y := range r.h {
		from := (r.y+y)*p.w + r.x
		dst, want := p.next[from:from+r.w], p.want[from:from+r.w]
		src := cells[y*r.w:][:len(dst)]
		for x, v := range src {
			if v.Fg == 0 {
				v.Fg = fg
			}
			if v.Bg == 0 {
				v.Bg = bg
			}
			if v.R == ' ' && !v.Reverse {
				v.Fg = fg // does not show, so that it is no change either
			}
			want[x], dst[x] = true, v
		}
	}
}

// cut gives the cells of r to the canvas, as far as they are on the screen.
func (p *plane) cut(r rect) {
	x0, x1 := max(r.x, 0), min(r.x+r.w, p.w)
	for y := max(r.y, 0); y < min(r.y+r.h, p.h) && x0 < x1; y++ {
		clear(p.want[y*p.w+x0 : y*p.w+x1])
	}
}

// settle forgets the cells that changed hands since the last frame, so that
// their new owner draws them. With lock, tcell is told which not to draw.
func (p *plane) settle(screen tcell.Screen, lock bool) {
	if slices.Equal(p.want, p.have) {
		return
	}
	for i := 0; i < len(p.want); {
		if p.want[i] == p.have[i] {
			i++
			continue
		}
		// A run of cells in one row that go the same way.
		want, from, end := p.want[i], i, (i/p.w+1)*p.w
		for i < end && p.want[i] == want && p.have[i] != want {
			p.last[i] = ascii.Cell{}
			p.have[i] = want
			i++
		}
		if lock {
			screen.LockRegion(from%p.w, from/p.w, i-from, 1, want)
		}
	}
}

// run returns the next cells in one row, from i on but before end, that are to
// be written.
func (p *plane) run(i, end int) (from, to int, ok bool) {
	for i < end && (!p.have[i] || p.next[i] == p.last[i]) {
		i++
	}
	if i >= end {
		return 0, 0, false
	}
	from, end = i, min((i/p.w+1)*p.w, end)
	for i < end && p.have[i] && p.next[i] != p.last[i] {
		i++
	}
	return from, i, true
}

// put hands what changed to a screen that has no terminal to write to, and
// reports whether there was anything.
func (p *plane) put(screen tcell.Screen) bool {
	changed := false
	var was ascii.Cell
	st := tcell.StyleDefault
	for from, end, ok := p.run(0, len(p.have)); ok; from, end, ok = p.run(end, len(p.have)) {
		changed = true
		for i := from; i < end; i++ {
			v := p.next[i]
			if v.Fg != was.Fg || v.Bg != was.Bg || v.Reverse != was.Reverse {
				st = tcell.StyleDefault.Foreground(colorOf(v.Fg)).Background(colorOf(v.Bg)).Reverse(v.Reverse)
				was = v
			}
			screen.Put(i%p.w, i/p.w, charText(v.R), st)
		}
		copy(p.last[from:end], p.next[from:end])
	}
	return changed
}

// colorOf returns a colour as tcell knows it.
func colorOf(c ascii.Color) tcell.Color {
	if n, ok := c.Index(); ok {
		return tcell.PaletteColor(int(n))
	}
	if r, g, b, ok := c.RGB(); ok {
		return tcell.NewRGBColor(int32(r), int32(g), int32(b))
	}
	return tcell.ColorDefault
}

// asciiChars are the printable characters of ASCII in their order.
const asciiChars = " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~"

// charText returns a string of one character, without allocating for those
// that pictures are made of.
func charText(r rune) string {
	switch {
	case ' ' <= r && r <= '~':
		return asciiChars[r-' ':][:1]
	case r == '▀':
		return "▀"
	}
	return string(r)
}

// The frame around what is written at once: the cursor is saved for tcell, and
// the terminal shows nothing until all is there. What tcell left of colours is
// unknown, so they start at the terminal's own.
const (
	beginWrite = "\x1b7\x1b[?2026h\x1b[m"
	endWrite   = "\x1b[m\x1b[?2026l\x1b8"
)

// A terminal that does not wait for all to be there would show its cursor
// running over the pictures.
const (
	hideCursor = "\x1b[?25l"
	showCursor = "\x1b[?25h"
)

const (
	// leastWrite is how much room a write needs to be worth what is around it.
	leastWrite = 256

	// mostCell is more than one cell takes: a move, two colours, a character.
	mostCell = 64
)

// append appends the bytes that bring what changed to the screen: nothing when
// nothing did. With cursor, the terminal shows one. Of what takes more than
// limit bytes the rest stays for the next write, which begins with it; rest
// reports whether there is any.
//
// What runs of one character could save (CSI b) is little, where only what
// changed is written, and not every terminal knows it.
func (p *plane) append(b []byte, cursor bool, limit int) (_ []byte, rest bool) {
	if limit < leastWrite {
		_, _, rest = p.run(0, len(p.have))
		return b, rest
	}
	w := writer{plane: p, buf: b, at: -1, cursor: cursor, full: math.MaxInt}
	if limit < math.MaxInt {
		w.full = len(b) + limit - mostCell - len(showCursor) - len(endWrite)
	}
	start := p.start
	p.start = 0
	if w.write(start, len(p.have)) {
		w.write(0, start)
	}
	if w.at < 0 {
		return b, false
	}
	if cursor {
		w.buf = append(w.buf, showCursor...)
	}
	return append(w.buf, endWrite...), w.cut
}

// A writer makes the bytes of one write.
type writer struct {
	plane  *plane
	buf    []byte
	pen    ascii.Cell // the colours of what is written next
	at     int        // the cell behind the one written last, or -1
	cursor bool
	full   int  // nothing more is written when buf is as long
	cut    bool // something was left
}

// write writes what changed from cell i on, before end, and reports whether
// there was room for all of it.
func (w *writer) write(i, end int) bool {
	p := w.plane
	for from, to, ok := p.run(i, end); ok; from, to, ok = p.run(to, end) {
		if len(w.buf) >= w.full {
			p.start, w.cut = from, true
			return false
		}
		if w.at < 0 {
			w.buf = append(w.buf, beginWrite...)
			if w.cursor {
				w.buf = append(w.buf, hideCursor...)
			}
		}
		w.buf = p.appendMove(w.buf, w.at, from)
		for w.at = from; w.at < to && len(w.buf) < w.full; w.at++ {
			w.put(p.next[w.at])
		}
		copy(p.last[from:w.at], p.next[from:w.at])
		if w.at < to {
			p.start, w.cut = w.at, true
			return false
		}
	}
	return true
}

// put appends one cell.
func (w *writer) put(v ascii.Cell) {
	if v.R == ' ' && !v.Reverse {
		v.Fg = w.pen.Fg // does not show
	}
	if v.Fg != w.pen.Fg || v.Bg != w.pen.Bg || v.Reverse != w.pen.Reverse {
		w.buf = appendPen(w.buf, v, w.pen)
		w.pen = v
	}
	if v.R < utf8.RuneSelf {
		w.buf = append(w.buf, byte(v.R))
		return
	}
	w.buf = utf8.AppendRune(w.buf, v.R)
}

// appendMove moves the cursor to a cell. It stands behind the cell at-1, or
// anywhere if at is -1.
func (p *plane) appendMove(b []byte, at, to int) []byte {
	b = append(b, "\x1b["...)
	if at > 0 && at < to && (at-1)/p.w == to/p.w {
		b = strconv.AppendInt(b, int64(to-at), 10)
		return append(b, 'C')
	}
	b = strconv.AppendInt(b, int64(to/p.w+1), 10)
	b = append(b, ';')
	b = strconv.AppendInt(b, int64(to%p.w+1), 10)
	return append(b, 'H')
}

// appendPen appends one sequence for what of the colours of v is other than in
// pen.
func appendPen(b []byte, v, pen ascii.Cell) []byte {
	b = append(b, "\x1b["...)
	from := len(b)
	if v.Reverse != pen.Reverse {
		if pen.Reverse {
			b = append(b, '2')
		}
		b = append(b, '7')
	}
	if v.Fg != pen.Fg {
		b = appendColour(b, v.Fg, '3', len(b) > from)
	}
	if v.Bg != pen.Bg {
		b = appendColour(b, v.Bg, '4', len(b) > from)
	}
	return append(b, 'm')
}

// appendColour appends the parameters for a colour of a layer: '3' for the
// foreground, '4' for the background. further says that others are before.
func appendColour(b []byte, c ascii.Color, layer byte, further bool) []byte {
	if further {
		b = append(b, ';')
	}
	b = append(b, layer)
	if n, ok := c.Index(); ok {
		b = append(b, "8;5;"...)
		return append(b, decimals[n]...)
	}
	if c == 0 {
		return append(b, '9')
	}
	b = append(append(b, "8;2;"...), decimals[c>>16&255]...)
	b = append(append(b, ';'), decimals[c>>8&255]...)
	return append(append(b, ';'), decimals[c&255]...)
}

// decimals are the numbers of 0 to 255.
var decimals = func() (t [256]string) {
	for i := range t {
		t[i] = strconv.Itoa(i)
	}
	return t
}()
