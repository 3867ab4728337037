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
	short [2]string // shorter texts, which are tried before the item goes; "" ends them
	style style
	rank  int
	cut   [2]int // the ranks by which it is shortened, if they are higher
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

// order returns how early something of the item goes.
func (i *item) order() int {
	if i.short[0] != "" {
		return max(i.rank, i.cut[0])
	}
	return i.rank
}

// fit shortens the items of the highest ranks, and then removes them, until the
// rest takes at most width columns. An item of rank 0 stays.
func fit(items []item, width int) []item {
	total := 0
	for i := range items {
		total += items[i].width()
	}
	for total > width {
		worst := 0
		for i := range items {
			if items[i].order() >= items[worst].order() {
				worst = i
			}
		}
		if len(items) == 0 {
			break
		}
		i := &items[worst]
		total -= i.width()
		switch {
		case i.short[0] != "":
			i.text, i.short, i.cut = i.short[0], [2]string{i.short[1]}, [2]int{i.cut[1]}
			total += i.width()
		case i.rank == 0:
			return items
		default:
			items = slices.Delete(items, worst, worst+1)
		}
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
		t.addHit(rect{x, y, w, 1}, i.key)
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

// drawPill writes a line over the pictures in area, in the middle of row y.
func drawPill(t *terminal, area rect, y int, s string, st style) {
	if s == "" || y < 0 || y >= t.h {
		return
	}
	w := min(textWidth(s)+2, area.w)
	r := rect{area.x + (area.w-w)/2, y, w, 1}
	t.plane.cut(r)
	t.canvas.fill(r, st)
	t.canvas.text(r.x+1, y, w-2, s, st)
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
