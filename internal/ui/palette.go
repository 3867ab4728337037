package ui

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/gdamore/tcell/v2"
	"github.com/rivo/uniseg"

	"github.com/sanix-darker/s2c/internal/text"
)

const (
	// maxLine is the longest command, in bytes: "say " and the longest chat line.
	maxLine = maxChat + 4

	// paletteRows is how many commands are offered at once, and historyKept how
	// many lines can be had again.
	paletteRows = 8
	historyKept = 32
)

// A paletteWord is a command as the palette shows it.
type paletteWord struct{ name, usage, help, keys string }

// A palette is a line in which the person types a command.
type palette struct {
	words []paletteWord // by name
	open  bool
	line  string // clean

	history []string // lines that were done, the newest last
	back    int      // how far back in it the line is; 0 is the new one

	typed   string // what Tab completes
	chosen  int    // which of its completions the line is, from 1; 0 is none
	matches []paletteWord
}

// paletteWords returns all commands with a name, the screen's and others.
func (v *callView) paletteWords(others []Word) []paletteWord {
	var words []paletteWord
	for i := range v.commands {
		if c := &v.commands[i]; c.name != "" {
			words = append(words, paletteWord{c.name, c.usage(), c.help, strings.Join(c.keys, " ")})
		}
	}
	for _, w := range others {
		if v.named(w.Name) == nil {
			words = append(words, paletteWord{w.Name, strings.TrimSpace(w.Name + " " + w.Args), w.Help, ""})
		}
	}
	slices.SortFunc(words, func(a, b paletteWord) int { return cmp.Compare(a.name, b.name) })
	return words
}

// show opens an empty line.
func (p *palette) show() {
	p.open = true
	p.set("")
	p.back = 0
}

// set makes s what was typed.
func (p *palette) set(s string) {
	p.line, p.typed, p.chosen = s, s, 0
	p.matches = p.find(s)
}

// find returns the commands that have the letters of the first word of a line in
// their order: first those that begin with it, then those in which the letters
// are closest together. Once there is more than one word only that command is left.
func (p *palette) find(line string) []paletteWord {
	name, _, more := strings.Cut(line, " ")
	type match struct {
		paletteWord
		span int
	}
	var found []match
	for _, w := range p.words {
		if span, ok := fuzzy(name, w.name); ok && (!more || w.name == name) {
			found = append(found, match{w, span})
		}
	}
	slices.SortStableFunc(found, func(a, b match) int { return a.span - b.span })
	words := make([]paletteWord, len(found))
	for i := range found {
		words[i] = found[i].paletteWord
	}
	return words
}

// fuzzy reports whether word has the letters of typed in their order, and how far
// they are apart: 0 where it begins with them.
func fuzzy(typed, word string) (span int, ok bool) {
	if strings.HasPrefix(word, strings.ToLower(typed)) {
		return 0, true
	}
	at, first := 0, -1
	for _, r := range strings.ToLower(typed) {
		i := strings.IndexRune(word[at:], r)
		if i < 0 {
			return 0, false
		}
		if first < 0 {
			first = at + i
		}
		at += i + len(string(r))
	}
	return at - first + first*len(word), true
}

// complete has Tab put in the next of the commands that were found.
func (p *palette) complete() {
	if len(p.matches) == 0 || strings.Contains(p.typed, " ") {
		return
	}
	p.chosen = p.chosen%len(p.matches) + 1
	w := p.matches[p.chosen-1]
	p.line = w.name
	if w.usage != w.name {
		p.line += " "
	}
}

// recall goes back in the history, or on if by is -1.
func (p *palette) recall(by int) {
	p.back = min(max(p.back+by, 0), len(p.history))
	back := p.back
	if p.set(""); back > 0 {
		p.set(p.history[len(p.history)-back])
	}
}

// keep adds a line to the history.
func (p *palette) keep(line string) {
	p.history = slices.DeleteFunc(p.history, func(s string) bool { return s == line })
	if len(p.history) == historyKept {
		p.history = slices.Delete(p.history, 0, 1)
	}
	p.history = append(p.history, line)
}

// insert adds what was typed or pasted.
func (p *palette) insert(s string) {
	const end = "|" // Clean would take the space at the end
	if s = strings.TrimSuffix(text.Clean(p.line+s+end, 2*maxLine), end); len(s) <= maxLine {
		p.back = 0
		p.set(strings.TrimLeft(s, " "))
	}
}

// erase removes the last character; without one it closes the line.
func (p *palette) erase() {
	last := 0
	for g := uniseg.NewGraphemes(p.line); g.Next(); {
		last, _ = g.Positions()
	}
	p.open = p.line != ""
	p.set(p.line[:last])
}

// paletteKey handles a key while the person types a command.
func (v *callView) paletteKey(k *tcell.EventKey, t *terminal, now time.Time) {
	p := &v.palette
	switch k.Key() {
	case tcell.KeyEscape:
		p.open = false
	case tcell.KeyEnter:
		p.open = false
		if line := strings.TrimSpace(p.line); line != "" {
			p.keep(line)
			v.complain(v.obey(line, t, now), now)
		}
	case tcell.KeyTab:
		p.complete()
	case tcell.KeyUp:
		p.recall(1)
	case tcell.KeyDown:
		p.recall(-1)
	case tcell.KeyBackspace, tcell.KeyBackspace2:
		p.erase()
	case tcell.KeyCtrlU:
		p.set("")
	case tcell.KeyRune:
		if k.Modifiers()&(tcell.ModAlt|tcell.ModCtrl|tcell.ModMeta) == 0 {
			p.insert(string(k.Rune()))
		}
	default:
	}
}

// drawPalette draws the line into the lowest row, and over it what it may become.
func (v *callView) drawPalette(t *terminal, area rect) {
	p := &v.palette
	v.items = append(v.items[:0], v.micItem())
	right := t.w - v.items[0].width()
	drawBar(t, t.h-1, v.items)
	at := 1 + t.canvas.text(1, t.h-1, right-1, ":", styleBarStrong)
	if room := right - at - 1; room > 0 {
		at += t.canvas.text(at, t.h-1, room, tail(p.line, room), styleBar)
		t.cursor = cell{at, t.h - 1}
	}
	rows := min(len(p.matches), paletteRows, area.h-3)
	if rows <= 0 {
		return
	}
	first := min(max(p.chosen-rows, 0), len(p.matches)-rows)
	shown := p.matches[first : first+rows]
	usage, words, keys := 0, 0, 0
	for i := range shown {
		w := &shown[i]
		usage, words, keys = max(usage, textWidth(w.usage)), max(words, textWidth(w.help)), max(keys, textWidth(w.keys))
	}
	r := rect{area.x, area.y + area.h - rows - 2, min(usage+words+keys+8, area.w), rows + 2}
	drawFrame(t, r, "commands: Tab completes")
	in := rect{r.x + 1, r.y + 1, r.w - 2, rows}
	for i := range shown {
		w, y, st := &shown[i], in.y+i, styleBoxKey
		if first+i == p.chosen-1 {
			t.canvas.text(in.x, y, 1, ">", styleBoxStrong)
			st = styleBoxStrong
		}
		t.canvas.text(in.x+1, y, in.w-1, w.usage, st)
		t.canvas.text(in.x+usage+3, y, max(in.w-usage-3, 0), w.help, styleBox)
		if at := usage + words + 5; in.w >= at+keys {
			t.canvas.text(in.x+at, y, keys, w.keys, styleBoxKey)
		}
	}
}
