package ui

import (
	"slices"
	"strings"

	"github.com/gdamore/tcell/v2"
)

// drawBox draws lines into a box in the middle of area, over what is there. A
// line may have a key before a tab. What does not fit is left out.
func drawBox(t *terminal, area rect, boxLines []string) {
	const pad = 2
	keys, words := 0, 0
	for _, l := range boxLines {
		key, word, ok := strings.Cut(l, "\t")
		if ok {
			keys = max(keys, textWidth(key)+2)
		} else {
			word = l
		}
		words = max(words, textWidth(word))
	}
	w, h := min(keys+words+2*pad+2, area.w), min(len(boxLines)+2, area.h)
	r := rect{area.x + (area.w-w)/2, area.y + (area.h-h)/2, w, h}
	drawFrame(t, r, "")
	in := r.inside()
	x := in.x + pad
	if w < keys+words+2*pad+2 {
		x = in.x
	}
	for i, l := range boxLines[:min(len(boxLines), in.h)] {
		if key, word, ok := strings.Cut(l, "\t"); ok {
			t.canvas.text(x, in.y+i, in.x+in.w-x, key, styleBoxKey)
			t.canvas.text(x+keys, in.y+i, max(in.x+in.w-x-keys, 0), word, styleBox)
		} else {
			t.canvas.text(x, in.y+i, in.x+in.w-x, l, styleBox)
		}
	}
}

// drawFrame draws an empty box at r, over what is there, with a title in its
// border if there is one.
func drawFrame(t *terminal, r rect, title string) {
	t.plane.cut(r)
	t.canvas.fill(r, styleBox)
	t.canvas.border(r, &t.chars.light, styleBox)
	if title != "" && r.w > 6 {
		used := t.canvas.text(r.x+3, r.y, r.w-6, title, styleBoxStrong)
		t.canvas.put(r.x+2, r.y, " ", styleBox)
		t.canvas.put(r.x+3+used, r.y, " ", styleBox)
	}
}

// drawBlock draws lines over the pictures, in the middle of the rows from y on.
func drawBlock(t *terminal, y int, block []string, st style) {
	width := 0
	for _, l := range block {
		width = max(width, textWidth(l)+2)
	}
	width = min(width, t.w)
	r := rect{(t.w - width) / 2, y, width, len(block)}
	t.plane.cut(r)
	t.canvas.fill(r, st)
	for i, l := range block {
		t.canvas.centred(r, i, l, st)
	}
}

// A help is a box with all keys, in as many pages as the screen needs.
type help struct {
	lines []string
	open  bool
	from  int // the first line that is shown
	next  int // the first one that is not, or from before the page is drawn
}

// key turns the page, or closes the help after the last.
func (h *help) key(k *tcell.EventKey) {
	if k.Key() != tcell.KeyEscape && h.next > h.from && h.next < len(h.lines) {
		h.from = h.next
		return
	}
	h.open, h.from, h.next = false, 0, 0
}

// draw draws the page into area.
func (h *help) draw(t *terminal, area rect) {
	if !h.open {
		return
	}
	rest, room := h.lines[h.from:], area.h-2
	switch {
	case len(rest)+2 <= room:
		h.next = len(h.lines)
		drawBox(t, area, append(slices.Clone(rest), "", "any key closes this"))
	case len(rest) < room:
		h.next = len(h.lines)
		drawBox(t, area, append(slices.Clone(rest), "any key closes this"))
	default:
		n := max(room-1, 1)
		h.next = h.from + n
		drawBox(t, area, append(slices.Clone(rest[:n]), "any key for more"))
	}
}
