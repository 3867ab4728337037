package ui

import (
	"slices"
	"time"

	"github.com/gdamore/tcell/v2"

	"github.com/sanix-darker/s2c/ascii"
)

// A looksMenu lists the looks that the terminal has. The pictures take each of
// them as it is passed.
type looksMenu struct {
	open bool
	at   int // 0 is that each tile has its own

	// What there was before.
	look ascii.Look
	auto bool
}

// show opens the menu.
func (m *looksMenu) show(t *terminal) {
	l := &t.looks
	*m = looksMenu{open: true, look: l.look, auto: l.auto}
	if !l.auto {
		m.at = slices.Index(l.order, l.look) + 1
	}
}

// move goes on by so many looks.
func (m *looksMenu) move(by int, t *terminal) {
	l := &t.looks
	m.at = min(max(m.at+by, 0), len(l.order))
	if l.auto = m.at == 0; !l.auto {
		l.look = l.order[m.at-1]
	}
}

// close closes the menu, and keeps the look or brings back what there was.
func (m *looksMenu) close(keep bool, t *terminal) {
	m.open = false
	l := &t.looks
	switch {
	case !keep:
		l.look, l.auto = m.look, m.auto
	case l.chosen != nil:
		l.chosen(l.look, l.auto)
	}
}

// key handles a key while the menu is open.
func (m *looksMenu) key(k *tcell.EventKey, t *terminal) {
	switch {
	case k.Key() == tcell.KeyUp || letter(k) == 'k':
		m.move(-1, t)
	case k.Key() == tcell.KeyDown || letter(k) == 'j':
		m.move(1, t)
	case k.Key() == tcell.KeyEnter:
		m.close(true, t)
	case k.Key() == tcell.KeyEscape || letter(k) == 'r' || letter(k) == 'q':
		m.close(false, t)
	}
}

// draw draws the menu into the lower left of area, where it hides the least.
func (m *looksMenu) draw(t *terminal, area rect) {
	if !m.open {
		return
	}
	l := &t.looks
	names := append(make([]string, 0, len(l.order)+1), "auto")
	width := textWidth("look: Enter, Esc") + 2
	for _, look := range l.order {
		names = append(names, look.String())
		width = max(width, textWidth(look.String()))
	}
	rows := min(len(names), area.h-2)
	if rows <= 0 || area.w < 4 {
		return
	}
	first := min(max(m.at-rows+1, 0), len(names)-rows)
	r := rect{area.x, area.y + area.h - rows - 2, min(width+6, area.w), rows + 2}
	drawFrame(t, r, "look: Enter, Esc")
	for i, name := range names[first : first+rows] {
		st := styleBox
		if first+i == m.at {
			st = styleBoxStrong
			t.canvas.text(r.x+2, r.y+1+i, 1, ">", st)
		}
		t.canvas.text(r.x+4, r.y+1+i, max(r.w-6, 0), name, st)
	}
}

// colourNames are what the person has of colours, the most first.
var colourNames = [...]string{ascii.ColorsTrue: "all colours", ascii.Colors256: "256 colours", ascii.Colors16: "16 colours", ascii.ColorsNone: "no colours"}

// setColours has pictures drawn in so many colours.
func (v *callView) setColours(t *terminal, c ascii.Colors, now time.Time) {
	t.info.Colors, t.looks.info.Colors = c, c
	v.notes.replace("pictures in "+colourNames[c], now.Add(answerTime))
}

// lookCommands returns the commands that change how pictures are drawn.
func lookCommands() []command {
	return []command{
		{
			keys: []string{"R"}, help: "all looks, to see and choose",
			run: func(v *callView, t *terminal, _ string, _ time.Time) error {
				v.looksMenu.show(t)
				return nil
			},
		},
		{
			keys: []string{"c"}, help: "fewer colours, or all again",
			run: func(v *callView, t *terminal, _ string, now time.Time) error {
				c := t.info.Colors + 1
				if c > ascii.ColorsNone {
					c = t.deepest
				}
				v.setColours(t, c, now)
				return nil
			},
		},
		{
			name: "colour", args: "on|off", help: "pictures in colours, or not",
			run: func(v *callView, t *terminal, args string, now time.Time) error {
				switch args {
				case "on":
					v.setColours(t, t.deepest, now)
				case "off":
					v.setColours(t, ascii.ColorsNone, now)
				default:
					return errUsage
				}
				return nil
			},
		},
	}
}
