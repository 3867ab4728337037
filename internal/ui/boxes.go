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

// drawBlock draws lines over the pictures in area, in the middle of the rows from y
// on.
func drawBlock(t *terminal, area rect, y int, block []string, st style) {
	width := 0
	for _, l := range block {
		width = max(width, textWidth(l)+2)
	}
	width = min(width, area.w)
	r := rect{area.x + (area.w-width)/2, y, width, len(block)}
	t.plane.cut(r)
	t.canvas.fill(r, st)
	for i, l := range block {
		t.canvas.centred(r, i, l, st)
	}
}

// A help is a box with all keys, in as many pages as the screen needs. What is
// typed there leaves only the lines that have it.
type help struct {
	lines  []string
	open   bool
	filter string // what was typed, in lower case
	from   int    // the first line that is shown
	next   int    // the first one that is not, or from before the page is drawn
}

// maxFilter is how many bytes of what is typed in the help count: more than any
// word there has.
const maxFilter = 20

// key searches, turns the page, or closes the help.
func (h *help) key(k *tcell.EventKey) {
	r := letter(k)
	switch {
	case r > ' ' && r < 0x7f && (r != '?' || h.filter != ""):
		if len(h.filter) < maxFilter {
			h.filter += string(r)
		}
		h.from, h.next = 0, 0
	case (k.Key() == tcell.KeyBackspace || k.Key() == tcell.KeyBackspace2) && h.filter != "":
		h.filter = h.filter[:len(h.filter)-1]
		h.from, h.next = 0, 0
	case k.Key() != tcell.KeyEscape && r != '?' && h.next > h.from && h.next < len(h.found()):
		h.from = h.next
	default:
		h.open, h.filter, h.from, h.next = false, "", 0, 0
	}
}

// scroll goes on by so many lines.
func (h *help) scroll(lines int) {
	if h.next < len(h.found()) || lines < 0 {
		h.from = max(h.from+lines, 0)
	}
}

// found returns the lines that have what was typed.
func (h *help) found() []string {
	if h.filter == "" {
		return h.lines
	}
	var found []string
	for _, l := range h.lines {
		if strings.Contains(strings.ToLower(l), h.filter) {
			found = append(found, l)
		}
	}
	return found
}

// draw draws the page into area.
func (h *help) draw(t *terminal, area rect) {
	if !h.open {
		return
	}
	found := h.found()
	h.from = min(h.from, len(found))
	rest, room := found[h.from:], area.h-2
	last, more := "letters search, Esc closes", "Space for more, Esc closes"
	if h.filter != "" {
		last, more = "search: "+h.filter, "search: "+h.filter+", Space for more"
	}
	switch {
	case len(rest)+2 <= room:
		h.next = len(found)
		drawBox(t, area, append(slices.Clone(rest), "", last))
	case len(rest) < room:
		h.next = len(found)
		drawBox(t, area, append(slices.Clone(rest), last))
	default:
		n := max(room-1, 1)
		h.next = h.from + n
		drawBox(t, area, append(slices.Clone(rest[:n]), more))
	}
}
