package ui

import (
	"slices"
	"strings"
)

// An item is a piece of a bar. When there is not room for all of them, those
// with the highest rank go first.
type item struct {
	key   string // drawn before the text, if any
	text  string
	style style
	rank  int
	right bool
	meter *meter // drawn after the text, if any
}

// width returns how many columns the item takes, with a space at each side.
func (i *item) width() int {
	w := 2 + textWidth(i.text)
	if i.key != "" {
		w += textWidth(i.key)
		if i.text != "" {
			w++
		}
	}
	if i.meter != nil {
		w += len(i.meter)
		if i.text != "" {
			w++
		}
	}
	return w
}

// fit removes the items of the highest ranks until the rest takes at most
// width columns. An item of rank 0 stays.
func fit(items []item, width int) []item {
	total := 0
	for i := range items {
		total += items[i].width()
	}
	for total > width {
		worst := 0
		for i := range items {
			if items[i].rank >= items[worst].rank {
				worst = i
			}
		}
		if len(items) == 0 || items[worst].rank == 0 {
			break
		}
		total -= items[worst].width()
		items = slices.Delete(items, worst, worst+1)
	}
	return items
}

// drawBar draws the items that fit into row y. It uses up items.
func drawBar(t *terminal, y int, items []item) {
	c := &t.canvas
	c.fill(rect{0, y, t.w, 1}, styleBar)
	items = fit(items, t.w)
	left, right := 0, t.w
	for i := range items {
		if items[i].right {
			right -= items[i].width()
		}
	}
	for i := range items {
		if items[i].right {
			right += drawItem(t, right, y, &items[i])
		} else {
			left += drawItem(t, left, y, &items[i])
		}
	}
}

// drawItem draws an item at x and returns its width.
func drawItem(t *terminal, x, y int, i *item) int {
	c, w := &t.canvas, i.width()
	c.fill(rect{x, y, w, 1}, i.style)
	at := x + 1
	if i.key != "" {
		at += c.text(at, y, t.w-at, i.key, styleBarStrong) + 1
	}
	if i.text != "" {
		at += c.text(at, y, t.w-at, i.text, i.style) + 1
	}
	if i.meter != nil {
		i.meter.draw(t, at, y, styleBarGood)
	}
	return w
}

// drawPill writes a line over the pictures, in the middle of row y.
func drawPill(t *terminal, y int, s string, st style) {
	if s == "" || y < 0 || y >= t.h {
		return
	}
	w := min(textWidth(s)+2, t.w)
	r := rect{(t.w - w) / 2, y, w, 1}
	t.plane.cut(r)
	t.canvas.fill(r, st)
	t.canvas.text(r.x+1, y, w-2, s, st)
}

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
	t.plane.cut(r)
	t.canvas.fill(r, styleBox)
	t.canvas.border(r, &t.chars.light, styleBox)
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

// wrap breaks s at spaces into lines of at most width columns. A word that is
// longer is broken anywhere: a line that is to be typed must be all there.
func wrap(s string, width int) []string {
	if width <= 0 {
		return nil
	}
	var out []string
	line := ""
	for word := range strings.FieldsSeq(s) {
		if line != "" && textWidth(line)+1+textWidth(word) <= width {
			line += " " + word
			continue
		}
		if line != "" {
			out = append(out, line)
		}
		for textWidth(word) > width {
			cut := 0
			for i := range word {
				if textWidth(word[:i]) > width {
					break
				}
				cut = i
			}
			if cut == 0 { // not even one character fits
				return out
			}
			out = append(out, word[:cut])
			word = word[cut:]
		}
		line = word
	}
	if line != "" {
		out = append(out, line)
	}
	return out
}
