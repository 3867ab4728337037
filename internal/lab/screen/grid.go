// Package screen runs programs in a terminal of their own and looks at what
// they show: as text, as cells with colours, and as a picture.
//
// The terminal is tmux, on a server that no other tmux sees:
//
//	program > pty of tmux > capture-pane > Parse > Grid > Text or PNG
package screen

import "strings"

// A Color is 0x01RRGGBB, or 0 for the terminal's own colour.
type Color uint32

// rgb returns the Color of a red, green and blue of 0 to 255.
func rgb(r, g, b uint8) Color {
	return 1<<24 | Color(r)<<16 | Color(g)<<8 | Color(b)
}

// A Style is a set of attributes of a cell.
type Style uint8

// The attributes.
const (
	Bold Style = 1 << iota
	Dim
	Italic
	Underline
	Blink
	Reverse
	Hidden
	Strike
)

// A Cell is one place of the screen.
type Cell struct {
	// Text is the character with its combining marks. It is a space where
	// nothing was written, and "" in the right half of a wide character.
	Text   string
	Fg, Bg Color
	Style  Style
}

// blank is a cell where nothing was written.
var blank = Cell{Text: " "}

// A Grid is what a screen shows. Its zero value is a screen without cells.
type Grid struct {
	Cols, Rows int
	Cells      []Cell // Cols*Rows of them, in rows from the top
}

// At returns the cell in column x of row y, both from 0; a blank one outside
// of the screen.
func (g Grid) At(x, y int) Cell {
	if x < 0 || y < 0 || x >= g.Cols || y >= g.Rows {
		return blank
	}
	return g.Cells[y*g.Cols+x]
}

// Text returns the characters of the screen, a line for each row, without the
// spaces at their ends.
func (g Grid) Text() string {
	var b, line strings.Builder
	for y := range g.Rows {
		line.Reset()
		for _, c := range g.Cells[y*g.Cols : (y+1)*g.Cols] {
			line.WriteString(c.Text)
		}
		b.WriteString(strings.TrimRight(line.String(), " "))
		b.WriteByte('\n')
	}
	return b.String()
}

// resized returns g with other sizes: cut off, or blank where it had no cells.
func (g Grid) resized(cols, rows int) Grid {
	to := Grid{cols, rows, make([]Cell, cols*rows)}
	for i := range to.Cells {
		to.Cells[i] = g.At(i%cols, i/cols)
	}
	return to
}
