package ui

import (
	"github.com/gdamore/tcell/v2"
	"rsc.io/qr"

	"github.com/sanix-darker/s2c/internal/text"
)

// Invite is what others need to join.
type Invite struct {
	Line       string // what they type; "" when that is not known
	Passphrase string // of the session; "" without one
}

// quiet is how many modules around a QR code are light. The standard asks for four;
// with two, readers of today find it all the same.
const quiet = 2

// A square is a QR code as rows of modules, with what is around it.
type square struct {
	size int
	dark []bool
}

// squareOf returns the QR code of s, or an empty one if s is too long for it.
func squareOf(s string) square {
	code, err := qr.Encode(s, qr.L)
	if err != nil {
		return square{}
	}
	q := square{size: code.Size + 2*quiet}
	q.dark = make([]bool, q.size*q.size)
	for y := range code.Size {
		for x := range code.Size {
			q.dark[(y+quiet)*q.size+x+quiet] = code.Black(x, y)
		}
	}
	return q
}

// at reports whether a module is dark; those outside are light.
func (q *square) at(x, y int) bool {
	return x < q.size && y < q.size && q.dark[y*q.size+x]
}

// cells returns how many columns and rows a code takes with these characters.
func (q *square) cells(c *charset) (cols, rows int) {
	if c.half {
		return q.size, (q.size + 1) / 2
	}
	return 2 * q.size, q.size
}

// draw draws the code with its upper left corner at x, y.
func (q *square) draw(t *terminal, x, y int) {
	cols, rows := q.cells(t.chars)
	for row := range rows {
		for col := range cols {
			s, st := " ", styleCode
			if t.chars.half {
				switch upper, lower := q.at(col, 2*row), q.at(col, 2*row+1); {
				case upper && lower:
					s = "█"
				case upper:
					s = "▀"
				case lower:
					s = "▄"
				}
			} else if q.at(col/2, row) {
				st = styleInk // a letter would not fill the module
			}
			t.canvas.put(x+col, y+row, s, st)
		}
	}
}

// An invitePanel shows what others need to join. The passphrase is there only
// after another key: whoever looks over the shoulder shall not have it by chance.
type invitePanel struct {
	invite Invite
	open   bool
	secret bool // the passphrase is shown
	code   square
}

// show opens the panel.
func (p *invitePanel) show() {
	p.open, p.secret = true, false
	p.code = squareOf(p.invite.Line)
}

// key handles a key while the panel is open.
func (p *invitePanel) key(k *tcell.EventKey) {
	if letter(k) == 'i' && !p.secret && p.invite.Passphrase != "" {
		p.secret = true
		return
	}
	p.open = false
}

// words returns the text of the panel in lines of at most width columns.
func (p *invitePanel) words(width int) []string {
	lines := append([]string{"others join with:", ""}, wrap(text.Clean(p.invite.Line, 400), width)...)
	switch {
	case p.invite.Passphrase == "":
	case p.secret:
		lines = append(append(lines, "", "and type the passphrase:", ""), wrap(text.Clean(p.invite.Passphrase, 400), width)...)
	default:
		lines = append(lines, "", "i shows the passphrase")
	}
	return append(lines, "", "Esc closes")
}

// draw draws the panel into the middle of area: the code over the words or beside
// them, as there is room, or the words alone.
func (p *invitePanel) draw(t *terminal, area rect) {
	const gap, least, most = 2, 24, 72
	if !p.open || area.w < 6 || area.h < 3 {
		return
	}
	cols, rows := p.code.cells(t.chars)
	words := p.words(min(area.w-4, most))
	width := 0
	for _, l := range words {
		width = max(width, textWidth(l))
	}
	w, h := max(cols, width)+2, rows+len(words)+1
	x, y := 0, rows+1 // of the words in the panel
	switch beside := area.w - 4 - cols - gap; {
	case p.code.size > 0 && h <= area.h-2 && w <= area.w-2:
	case p.code.size > 0 && rows <= area.h-2 && beside >= least:
		words = p.words(min(beside, most/2))
		w, h, x, y = cols+gap+min(beside, most/2)+2, max(rows, len(words)), cols+gap, 0
	default:
		cols, w, h, y = 0, width+2, len(words), 0
	}
	w, h = min(w+2, area.w), min(h+2, area.h)
	r := rect{area.x + (area.w-w)/2, area.y + (area.h-h)/2, w, h}
	drawFrame(t, r, "invite")
	in := r.inside()
	if cols > 0 {
		p.code.draw(t, in.x+1, in.y)
	}
	for i, l := range words {
		if y+i < in.h {
			st := styleBox
			if i > 1 && l != "Esc closes" {
				st = styleBoxStrong
			}
			t.canvas.text(in.x+1+x, in.y+y+i, in.w-1-x, l, st)
		}
	}
}
