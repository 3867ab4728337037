package ui

import (
	"strings"

	"github.com/sanix-darker/s2c/cipher/hello"
)

// The panel of the chat is at the right of a wide screen, else a drawer below the
// pictures where there is room for it.
const (
	panelNeeds  = 120 // columns of the screen
	panelWidth  = 40  // with its border
	drawerNeeds = 18  // rows of the screen
	drawerRows  = 6   // with its upper border
)

// chatPanel splits area into that of the pictures and that of the panel, which is
// empty while the chat is closed or there is no room for one.
func (v *callView) chatPanel(t *terminal, area rect) (pictures, panel rect) {
	switch {
	case !v.chat.open:
	case t.w >= panelNeeds:
		pictures, panel = area, area
		pictures.w -= panelWidth
		panel.x, panel.w = area.x+pictures.w, panelWidth
		return pictures, panel
	case t.h >= drawerNeeds:
		pictures, panel = area, area
		pictures.h -= drawerRows
		panel.y, panel.h = area.y+pictures.h, drawerRows
		return pictures, panel
	}
	return area, rect{}
}

// newMark is over the lines that were not read.
const newMark = "new"

// drawChatPanel draws the newest lines into r, or those before them, below a
// title.
func (v *callView) drawChatPanel(t *terminal, r rect) {
	if r.w == 0 {
		return
	}
	c := &v.chat
	title := "chat"
	if c.back > 0 {
		title = "chat, PgDn for newer"
	}
	t.plane.cut(r)
	t.canvas.fill(r, styleBox)
	in := r.inside()
	if r.h == drawerRows { // a border above is enough
		in = rect{r.x + 1, r.y + 1, r.w - 2, r.h - 1}
		for x := range r.w {
			t.canvas.put(r.x+x, r.y, t.chars.light.horizontal, styleBox)
		}
	} else {
		t.canvas.border(r, &t.chars.light, styleBox)
	}
	at := t.canvas.text(r.x+3, r.y, max(r.w-6, 0), title, styleBoxStrong)
	t.canvas.put(r.x+2, r.y, " ", styleBox)
	t.canvas.put(r.x+3+at, r.y, " ", styleBox)
	c.rows, c.cols = in.h, in.w-stampCols
	if c.cols <= chatIndent {
		return
	}
	c.back = min(c.back, max(c.height(c.back+in.h)-in.h, 0))
	y := in.y + in.h + c.back // those below are not drawn
	for i := len(c.lines) - 1; i >= 0 && y > in.y; i-- {
		y = drawPanelLine(t, in, y, &c.lines[i])
		if c.mark > 0 && i == len(c.lines)-c.mark && y > in.y {
			if y--; y < in.y+in.h {
				for x := range in.w {
					t.canvas.put(in.x+x, y, t.chars.light.horizontal, styleBoxWarn)
				}
				t.canvas.text(in.x+2, y, in.w-2, " "+newMark+" ", styleBoxWarn)
			}
		}
	}
}

// height returns how many rows the lines and the mark take, or some number from
// enough on if that is more.
func (c *chat) height(enough int) int {
	n := 0
	if c.mark > 0 {
		n++
	}
	for i := len(c.lines) - 1; i >= 0 && n < enough; i-- {
		n += len(c.lines[i].broken(c.cols))
	}
	return n
}

// stampForm is how a line says its time, and stampCols what that takes of it.
const (
	stampForm = "15:04"
	stampCols = len(stampForm) + 1
)

// drawPanelLine draws a line so that it ends above row y, as far as that is in
// area, and returns the row that it begins with.
func drawPanelLine(t *terminal, area rect, y int, l *chatLine) int {
	rows := l.broken(area.w - stampCols)
	for k := len(rows) - 1; k >= 0 && y > area.y; k-- {
		if y--; y >= area.y+area.h {
			continue
		}
		x, st := area.x+stampCols, styleBox
		if l.name == "" {
			st = styleBarFaint
		}
		if k > 0 {
			x += chatIndent
		}
		t.canvas.text(x, y, area.x+area.w-x, rows[k], st)
		if k == 0 {
			t.canvas.text(area.x, y, stampCols, l.stamp, styleBarFaint)
			if l.name != "" && strings.HasPrefix(rows[0], l.name+":") {
				t.canvas.text(x, y, area.x+area.w-x, l.name+":", l.nick)
			}
		}
	}
	return y
}

// nickStyle returns the style of somebody's name, which is always the same for the
// same key.
func nickStyle(who hello.Fingerprint, own bool) style {
	if own {
		return styleBoxStrong
	}
	return styleNick0 + style(who[0])%nicks
}
