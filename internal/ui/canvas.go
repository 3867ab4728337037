package ui

import (
	"github.com/gdamore/tcell/v2"
	"github.com/rivo/uniseg"
)

// A glyph is one cell of the canvas. Its text is a character with its marks,
// or "" in the right half of a wide one.
type glyph struct {
	text  string
	style style
}

// unknown is what a cell holds that has to be drawn in any case.
var unknown = glyph{style: styles}

// A canvas is the layer of words and borders. A view draws all of it for each
// frame; flush hands tcell what changed.
type canvas struct {
	w, h        int
	next, shown []glyph
}

// resize makes c a blank canvas of w x h cells, of which nothing is known to
// be on the screen.
func (c *canvas) resize(w, h int) {
	c.w, c.h = w, h
	c.next, c.shown = grow(c.next, w*h), grow(c.shown, w*h)
	c.clear()
	for i := range c.shown {
		c.shown[i] = unknown
	}
}

// clear makes c blank, for the next frame.
func (c *canvas) clear() {
	for i := range c.next {
		c.next[i] = glyph{" ", stylePlain}
	}
}

// put writes a character of one column, and nothing outside of the canvas.
func (c *canvas) put(x, y int, s string, st style) {
	if x < 0 || y < 0 || x >= c.w || y >= c.h {
		return
	}
	i := y*c.w + x
	if c.next[i].text == "" { // the right half of a wide character goes with its left
		c.next[i-1].text = " "
	}
	if x+1 < c.w && c.next[i+1].text == "" {
		c.next[i+1].text = " "
	}
	c.next[i] = glyph{s, st}
}

// text writes as much of s as fits in width columns from x on, and returns how
// many columns it took. s must be clean.
func (c *canvas) text(x, y, width int, s string, st style) int {
	used, state := 0, -1
	for s != "" {
		var cluster string
		w := 1
		if s[0] < 0x80 && (len(s) == 1 || s[1] < 0x80) {
			cluster, s, state = s[:1], s[1:], -1
		} else {
			cluster, s, w, state = uniseg.FirstGraphemeClusterInString(s, state)
		}
		if w == 0 {
			continue
		}
		if used+w > width || x+used+w > c.w {
			break
		}
		c.put(x+used, y, cluster, st)
		if w == 2 && x+used >= 0 && y >= 0 && y < c.h {
			c.put(x+used+1, y, " ", st)
			c.next[y*c.w+x+used+1].text = ""
		}
		used += w
	}
	return used
}

// textWidth returns how many columns text takes for s.
func textWidth(s string) int { return uniseg.StringWidth(s) }

// centred writes s in the middle of r's row y, which counts from r's top.
func (c *canvas) centred(r rect, y int, s string, st style) {
	if y < 0 || y >= r.h {
		return
	}
	w := min(textWidth(s), r.w)
	c.text(r.x+(r.w-w)/2, r.y+y, r.w, s, st)
}

// fill makes all of r blank in a style.
func (c *canvas) fill(r rect, st style) {
	for y := r.y; y < r.y+r.h; y++ {
		for x := r.x; x < r.x+r.w; x++ {
			c.put(x, y, " ", st)
		}
	}
}

// border draws a line around r, inside of it.
func (c *canvas) border(r rect, l *lines, st style) {
	if r.w < 2 || r.h < 2 {
		return
	}
	right, bottom := r.x+r.w-1, r.y+r.h-1
	for x := r.x + 1; x < right; x++ {
		c.put(x, r.y, l.horizontal, st)
		c.put(x, bottom, l.horizontal, st)
	}
	for y := r.y + 1; y < bottom; y++ {
		c.put(r.x, y, l.vertical, st)
		c.put(right, y, l.vertical, st)
	}
	c.put(r.x, r.y, l.upperLeft, st)
	c.put(right, r.y, l.upperRight, st)
	c.put(r.x, bottom, l.lowerLeft, st)
	c.put(right, bottom, l.lowerRight, st)
}

// flush hands the changed cells to screen, but for those that are taken by
// pictures, and reports whether there were any.
func (c *canvas) flush(screen tcell.Screen, taken []bool, th *theme) bool {
	changed := false
	for i, g := range c.next {
		switch {
		case taken[i]:
			c.shown[i] = unknown
		case g != c.shown[i]:
			c.shown[i] = g
			changed = true
			if g.text != "" {
				screen.Put(i%c.w, i/c.w, g.text, th[g.style])
			}
		}
	}
	return changed
}

// grow returns s with length n, reusing its memory where it is large enough.
func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
