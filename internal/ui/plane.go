package ui

import (
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/gdamore/tcell/v2"

	"github.com/sanix-darker/s2c/ascii"
)

// A pixel is one cell of a picture as it is written. A rune of 0 is unknown.
type pixel struct {
	r      rune
	fg, bg paint
}

// A plane is the layer of pictures. Cells belong either to it or to the
// canvas; a view says which for each frame.
type plane struct {
	w, h       int
	next, last []pixel // what is to be on the screen, and what is
	want, have []bool  // which cells are the plane's in the next frame, and in the last
}

// resize makes p a plane of w x h cells, of which it has none.
func (p *plane) resize(w, h int) {
	p.w, p.h = w, h
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
// be on the screen.
func (p *plane) draw(r rect, cells []ascii.Cell, c *colouring) {
	for y := range r.h {
		from := (r.y+y)*p.w + r.x
		dst, want := p.next[from:from+r.w], p.want[from:from+r.w]
		src := cells[y*r.w:][:len(dst)]
		for x, v := range src {
			want[x] = true
			dst[x] = pixel{v.R, c.paint(v.Fg, c.fg), c.paint(v.Bg, c.bg)}
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
			p.last[i] = pixel{}
			p.have[i] = want
			i++
		}
		if lock {
			screen.LockRegion(from%p.w, from/p.w, i-from, 1, want)
		}
	}
}

// run returns the next cells in one row, from i on, that are to be written.
func (p *plane) run(i int) (from, end int, ok bool) {
	for i < len(p.have) && (!p.have[i] || p.next[i] == p.last[i]) {
		i++
	}
	if i == len(p.have) {
		return 0, 0, false
	}
	from, row := i, (i/p.w+1)*p.w
	for i < row && p.have[i] && p.next[i] != p.last[i] {
		i++
	}
	return from, i, true
}

// put hands what changed to a screen that has no terminal to write to, and
// reports whether there was anything.
func (p *plane) put(screen tcell.Screen) bool {
	changed := false
	var was pixel
	st := tcell.StyleDefault
	for from, end, ok := p.run(0); ok; from, end, ok = p.run(end) {
		changed = true
		for i := from; i < end; i++ {
			v := p.next[i]
			if v.fg != was.fg || v.bg != was.bg {
				st = tcell.StyleDefault.Foreground(v.fg.color()).Background(v.bg.color())
				was = v
			}
			screen.Put(i%p.w, i/p.w, charText(v.r), st)
		}
		copy(p.last[from:end], p.next[from:end])
	}
	return changed
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

// append appends the bytes that bring what changed to the screen: nothing when
// nothing did. With cursor, the terminal shows one.
func (p *plane) append(b []byte, cursor bool) []byte {
	var fg, bg paint
	at := -1 // the cell behind the one written last
	for from, end, ok := p.run(0); ok; from, end, ok = p.run(end) {
		if at < 0 {
			b = append(b, beginWrite...)
			if cursor {
				b = append(b, hideCursor...)
			}
		}
		b = p.appendMove(b, at, from)
		for i := from; i < end; i++ {
			v := p.next[i]
			if v.r == ' ' {
				v.fg = fg // does not show
			}
			if v.fg != fg || v.bg != bg {
				b = appendColours(b, v, v.fg != fg, v.bg != bg)
				fg, bg = v.fg, v.bg
			}
			b = utf8.AppendRune(b, v.r)
		}
		copy(p.last[from:end], p.next[from:end])
		at = end
	}
	if at < 0 {
		return b
	}
	if cursor {
		b = append(b, showCursor...)
	}
	return append(b, endWrite...)
}

// appendMove moves the cursor to a cell. It stands behind the cell at-1, or
// anywhere if at is -1.
func (p *plane) appendMove(b []byte, at, to int) []byte {
	b = append(b, "\x1b["...)
	if at > 0 && (at-1)/p.w == to/p.w {
		b = strconv.AppendInt(b, int64(to-at), 10)
		return append(b, 'C')
	}
	b = strconv.AppendInt(b, int64(to/p.w+1), 10)
	b = append(b, ';')
	b = strconv.AppendInt(b, int64(to%p.w+1), 10)
	return append(b, 'H')
}

// appendColours appends one sequence for the colours of v that changed.
func appendColours(b []byte, v pixel, fg, bg bool) []byte {
	b = append(b, "\x1b["...)
	if fg {
		b = appendColour(b, v.fg, '3')
	}
	if fg && bg {
		b = append(b, ';')
	}
	if bg {
		b = appendColour(b, v.bg, '4')
	}
	return append(b, 'm')
}

// appendColour appends the parameters for a colour of a layer: '3' for the
// foreground, '4' for the background.
func appendColour(b []byte, p paint, layer byte) []byte {
	b = append(b, layer)
	switch p &^ 0xffffff {
	case paintRGB:
		b = append(b, "8;2;"...)
		b = strconv.AppendUint(b, uint64(p>>16&255), 10)
		b = append(b, ';')
		b = strconv.AppendUint(b, uint64(p>>8&255), 10)
		b = append(b, ';')
		return strconv.AppendUint(b, uint64(p&255), 10)
	case paintIndex:
		b = append(b, "8;5;"...)
		return strconv.AppendUint(b, uint64(p&255), 10)
	}
	return append(b, '9')
}
