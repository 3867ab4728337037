package screen

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/width"
)

// maxSide bounds the columns and the rows of a screen.
const maxSide = 1024

// Parse reads lines of text with colours, as "tmux capture-pane -e -p" prints
// them. The grid is as wide as the longest line. Colours of the 256 are
// returned as xterm shows them; all escape sequences but SGR and line drawing
// are skipped. It returns an error for a screen of more than 1024 columns or
// rows, and when r fails.
func Parse(r io.Reader) (Grid, error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return Grid{}, fmt.Errorf("read screen: %w", err)
	}
	p := parser{rest: string(text)}
	if err := p.run(); err != nil {
		return Grid{}, err
	}
	cols := 0
	for _, l := range p.lines {
		cols = max(cols, len(l))
	}
	g := Grid{cols, len(p.lines), make([]Cell, 0, cols*len(p.lines))}
	for _, l := range p.lines {
		g.Cells = append(g.Cells, l...)
		for range cols - len(l) {
			g.Cells = append(g.Cells, blank)
		}
	}
	return g, nil
}

// A parser turns text into lines of cells. Colours and attributes carry over
// from line to line.
type parser struct {
	rest    string
	lines   [][]Cell
	line    []Cell
	pen     Cell // what a written cell gets, but for Text
	drawing bool // letters stand for line drawing characters
}

// run parses all of p.rest.
func (p *parser) run() error {
	for p.rest != "" {
		c, n := utf8.DecodeRuneInString(p.rest)
		switch c {
		case '\x1b':
			n = p.escape()
		case '\n':
			p.lines = append(p.lines, p.line)
			p.line = nil
		case '\x0e':
			p.drawing = true
		case '\x0f':
			p.drawing = false
		default:
			p.put(c)
		}
		p.rest = p.rest[n:]
		if len(p.line) > maxSide || len(p.lines) > maxSide {
			return fmt.Errorf("parse screen: more than %d columns or rows", maxSide)
		}
	}
	if p.line != nil {
		p.lines = append(p.lines, p.line)
	}
	if len(p.lines) > maxSide {
		return fmt.Errorf("parse screen: more than %d columns or rows", maxSide)
	}
	return nil
}

// drawn are the line drawing characters of the VT100 for the letters from ` on.
var drawn = []rune("◆▒␉␌␍␊°±␤␋┘┐┌└┼⎺⎻─⎼⎽├┤┴┬│≤≥π≠£·")

// put writes a character at the end of the line.
func (p *parser) put(c rune) {
	if p.drawing && c >= '`' && c <= '~' {
		c = drawn[c-'`']
	}
	switch {
	case unicode.IsControl(c):
	case unicode.In(c, unicode.Mn, unicode.Me, unicode.Cf):
		// A combining mark belongs to the character before it.
		for i := len(p.line) - 1; i >= 0; i-- {
			if p.line[i].Text != "" {
				p.line[i].Text += string(c)
				break
			}
		}
	default:
		cell := p.pen
		cell.Text = string(c)
		p.line = append(p.line, cell)
		if k := width.LookupRune(c).Kind(); k == width.EastAsianWide || k == width.EastAsianFullwidth {
			cell.Text = ""
			p.line = append(p.line, cell)
		}
	}
}

// escape handles the escape sequence that p.rest starts with and returns its
// length in bytes; one that does not end takes all that is left.
func (p *parser) escape() int {
	s := p.rest
	if len(s) < 2 {
		return len(s)
	}
	switch s[1] {
	case '[': // CSI: parameters, then a byte from @ to ~
		for i := 2; i < len(s); i++ {
			if s[i] >= '@' && s[i] <= '~' {
				if s[i] == 'm' {
					p.sgr(s[2:i])
				}
				return i + 1
			}
			if s[i] < ' ' || s[i] > '~' { // broken off
				return i
			}
		}
		return len(s)
	case ']', 'P', '_', '^', 'X': // a string, until BEL or ST
		for i := 2; i < len(s); i++ {
			if s[i] == '\a' {
				return i + 1
			}
			if strings.HasPrefix(s[i:], "\x1b\\") {
				return i + 2
			}
		}
		return len(s)
	case '(': // the character set of G0
		if len(s) > 2 {
			p.drawing = s[2] == '0'
		}
		return min(3, len(s))
	}
	if s[1] < ' ' || s[1] > '~' { // broken off
		return 1
	}
	return 2
}

// sgr handles the parameters of "select graphic rendition", which ECMA-48
// separates with semicolons; colours may use colons (ITU T.416).
func (p *parser) sgr(params string) {
	var n []int
	for part := range strings.SplitSeq(params, ";") {
		sub := strings.Split(part, ":")
		switch {
		case len(sub) == 2 && sub[0] == "4": // a kind of underline; 0 is none
			if sub[1] == "0" {
				sub = []string{"24"}
			} else {
				sub = sub[:1]
			}
		case len(sub) > 5 && sub[1] == "2": // 38:2:space:r:g:b
			sub = append(sub[:2], sub[3:]...)
		}
		for _, v := range sub {
			i, err := strconv.Atoi(v)
			if err != nil {
				i = 0
			}
			n = append(n, i)
		}
	}
	for len(n) > 0 {
		n = n[p.attribute(n):]
	}
}

// attribute applies the first of the SGR parameters n and returns how many it
// consists of.
func (p *parser) attribute(n []int) int {
	styles := [...]Style{1: Bold, 2: Dim, 3: Italic, 4: Underline, 5: Blink, 7: Reverse, 8: Hidden, 9: Strike}
	switch v := n[0]; {
	case v == 0:
		p.pen = Cell{}
	case v > 0 && v < len(styles):
		p.pen.Style |= styles[v]
	case v == 21 || v == 22:
		p.pen.Style &^= Bold | Dim
	case v > 22 && v < 20+len(styles):
		p.pen.Style &^= styles[v-20]
	case v >= 30 && v <= 37:
		p.pen.Fg = palette(v - 30)
	case v >= 40 && v <= 47:
		p.pen.Bg = palette(v - 40)
	case v >= 90 && v <= 97:
		p.pen.Fg = palette(v - 90 + 8)
	case v >= 100 && v <= 107:
		p.pen.Bg = palette(v - 100 + 8)
	case v == 39:
		p.pen.Fg = 0
	case v == 49:
		p.pen.Bg = 0
	case v == 38 || v == 48 || v == 58: // 58 colours the underline: read, not kept
		c, used := extended(n[1:])
		switch v {
		case 38:
			p.pen.Fg = c
		case 48:
			p.pen.Bg = c
		}
		return 1 + used
	}
	return 1
}

// extended returns the colour that follows an SGR 38 or 48 and how many
// parameters it takes.
func extended(n []int) (c Color, used int) {
	part := func(v int) uint8 { return uint8(min(max(v, 0), 255)) }
	switch {
	case len(n) >= 2 && n[0] == 5:
		return palette(int(part(n[1]))), 2
	case len(n) >= 4 && n[0] == 2:
		return rgb(part(n[1]), part(n[2]), part(n[3])), 4
	}
	return 0, len(n)
}

// basic are the first sixteen colours as xterm shows them.
var basic = [16]uint32{
	0x000000, 0xcd0000, 0x00cd00, 0xcdcd00, 0x0000ee, 0xcd00cd, 0x00cdcd, 0xe5e5e5,
	0x7f7f7f, 0xff0000, 0x00ff00, 0xffff00, 0x5c5cff, 0xff00ff, 0x00ffff, 0xffffff,
}

// palette returns colour n of xterm's 256.
func palette(n int) Color {
	switch {
	case n < 16:
		return 1<<24 | Color(basic[n])
	case n < 232: // a cube of 6x6x6
		level := func(v int) uint8 {
			if v == 0 {
				return 0
			}
			return uint8(55 + 40*v)
		}
		n -= 16
		return rgb(level(n/36), level(n/6%6), level(n%6))
	}
	v := uint8(8 + 10*(n-232)) // 24 grays
	return rgb(v, v, v)
}
